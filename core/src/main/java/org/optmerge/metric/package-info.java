/**
 * A prediction and a reference to a score between 0 and 1, as the official evaluators compute it.
 */
@NullMarked
package org.optmerge.metric;

import org.jspecify.annotations.NullMarked;
