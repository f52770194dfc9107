/** Weights of input models, read tensor by tensor as a plan asks for them. */
@NullMarked
package org.optmerge.merge.weights;

import org.jspecify.annotations.NullMarked;
