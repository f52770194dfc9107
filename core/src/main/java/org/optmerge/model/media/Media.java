package org.optmerge.model.media;

/** Something a question can be asked about. */
public sealed interface Media permits Image, Audio, Video {}
