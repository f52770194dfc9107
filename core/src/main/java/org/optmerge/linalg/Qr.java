package org.optmerge.linalg;

import ai.djl.ndarray.NDArray;

/**
 * A thin QR decomposition, X = Q · R.
 *
 * @param q orthonormal columns, shape (m, min(m, n))
 * @param r upper triangular, its diagonal not negative, shape (min(m, n), n)
 */
public record Qr(NDArray q, NDArray r) {}
