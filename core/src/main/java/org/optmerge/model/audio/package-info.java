/** Sounds to what audio encoders see. */
@NullMarked
package org.optmerge.model.audio;

import org.jspecify.annotations.NullMarked;
