/** OptMerge and its relatives: methods that minimise the interference of task vectors. */
@NullMarked
package org.optmerge.method.interference;

import org.jspecify.annotations.NullMarked;
