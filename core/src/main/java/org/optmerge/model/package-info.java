/** A checkpoint as something that answers and can be trained. */
@NullMarked
package org.optmerge.model;

import org.jspecify.annotations.NullMarked;
