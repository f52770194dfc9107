package org.optmerge.linalg;

import ai.djl.ndarray.NDArray;

/**
 * A symmetric eigendecomposition, X = Q · diag(λ) · Qᵀ.
 *
 * @param values λ, descending
 * @param vectors Q, orthonormal columns in the order of the values, shape (n, n)
 */
public record SymmetricEigen(double[] values, NDArray vectors) {}
