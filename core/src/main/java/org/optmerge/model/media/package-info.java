/** What a question may be about: images, later sounds and videos. */
@NullMarked
package org.optmerge.model.media;

import org.jspecify.annotations.NullMarked;
