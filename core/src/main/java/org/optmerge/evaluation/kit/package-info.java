/** Prediction files as the evaluation kits write them: one reader a kit, and writers. */
@NullMarked
package org.optmerge.evaluation.kit;

import org.jspecify.annotations.NullMarked;
