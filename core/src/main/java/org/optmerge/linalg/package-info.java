/** What NDArray lacks: SVD, symmetric eigenproblem, QR, Cholesky. */
@NullMarked
package org.optmerge.linalg;

import org.jspecify.annotations.NullMarked;
