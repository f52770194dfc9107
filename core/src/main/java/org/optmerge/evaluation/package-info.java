/** Prediction files to scores, with intervals that say how sure they are. */
@NullMarked
package org.optmerge.evaluation;

import org.jspecify.annotations.NullMarked;
