/** λ from the weights alone: rules, and what they need to know of experts and merge. */
@NullMarked
package org.optmerge.method.scaling;

import org.jspecify.annotations.NullMarked;
