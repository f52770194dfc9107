/** Weights of input models, read tensor by tensor as a plan asks for them. */
@API(status = API.Status.INTERNAL)
@NullMarked
package org.optmerge.merge.weights;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
