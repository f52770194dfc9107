/** Linear algebra that NDArray lacks: SVD, symmetric eigenproblem, QR, linear systems. */
@API(status = API.Status.INTERNAL)
@NullMarked
package org.optmerge.linalg;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
