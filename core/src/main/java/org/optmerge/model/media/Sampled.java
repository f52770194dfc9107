package org.optmerge.model.media;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Keeps those frames of a film that are wanted, as they come by in order. */
final class Sampled {
  private final int[] wanted;
  private final List<Image> frames = new ArrayList<>();
  private int next;

  Sampled(int frames, int count) {
    this.wanted = Video.indices(frames, count);
  }

  /** Whether the frame that comes by next is one of them. */
  boolean wantsNext() {
    return frames.size() < wanted.length && wanted[frames.size()] == next;
  }

  /** The next frame comes by unseen. */
  void skip() {
    next++;
  }

  /**
   * The next frame is kept, as often as it is wanted.
   *
   * @throws IOException if it has another size than those before it
   */
  void keep(Image frame) throws IOException {
    checkSize(frames, frame);
    while (wantsNext()) {
      frames.add(frame);
    }
    next++;
  }

  /** All frames of a film are of one size. */
  static void checkSize(List<Image> before, Image frame) throws IOException {
    if (!before.isEmpty()) {
      Image first = before.get(0);
      if (frame.width() != first.width() || frame.height() != first.height()) {
        throw new IOException(
            "a film that changes its size from %d x %d to %d x %d pixels"
                .formatted(first.width(), first.height(), frame.width(), frame.height()));
      }
    }
  }

  Video video() {
    return new Video(frames);
  }
}
