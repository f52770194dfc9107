/** Linear algebra that NDArray lacks: SVD, symmetric eigenproblem, QR, linear systems. */
@NullMarked
package org.optmerge.linalg;

import org.jspecify.annotations.NullMarked;
