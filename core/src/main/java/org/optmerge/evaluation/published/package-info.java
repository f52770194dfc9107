/** Published data sets, asked as their kits ask them and written down as their kits do. */
@NullMarked
package org.optmerge.evaluation.published;

import org.jspecify.annotations.NullMarked;
