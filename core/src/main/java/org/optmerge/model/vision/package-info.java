/** Pictures to the numbers that vision models take. */
@NullMarked
package org.optmerge.model.vision;

import org.jspecify.annotations.NullMarked;
