/** The media of a question: images, sounds and videos, and the files they come from. */
@NullMarked
package org.optmerge.model.media;

import org.jspecify.annotations.NullMarked;
