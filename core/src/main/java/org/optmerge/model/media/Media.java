package org.optmerge.model.media;

import org.apiguardian.api.API;

/** Something a question can be asked about. */
@API(status = API.Status.EXPERIMENTAL)
public sealed interface Media permits Image, Audio, Video {
  /** The bytes that its content takes in memory. */
  long bytes();
}
