/** A model and examples to a trained model: optimiser, schedule, checkpoints, exact resume. */
@NullMarked
package org.optmerge.train;

import org.jspecify.annotations.NullMarked;
