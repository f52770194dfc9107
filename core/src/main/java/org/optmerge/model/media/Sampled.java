package org.optmerge.model.media;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Keeps those frames of a film that are wanted, as they come by in order. */
final class Sampled {
  private final int[] wanted;
  private final List<Image> frames = new ArrayList<>();
  private int next;

  Sampled(int frames, int count) {
    this.wanted = Video.indices(frames, count);
  }

  /**
   * Keeps the frame that comes by next as often as it is wanted.
   *
   * @param frame drawn only if it is wanted
   * @throws IOException if it has another size than those before it
   */
  void next(Supplier<Image> frame) throws IOException {
    if (isWanted()) {
      Image image = frame.get();
      checkSize(frames, image);
      while (isWanted()) {
        frames.add(image);
      }
    }
    next++;
  }

  private boolean isWanted() {
    return frames.size() < wanted.length && wanted[frames.size()] == next;
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
