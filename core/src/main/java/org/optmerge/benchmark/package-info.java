/** Files or generators to examples: the data sets of the paper and the miniature. */
@NullMarked
package org.optmerge.benchmark;

import org.jspecify.annotations.NullMarked;
