package org.optmerge.model.media;

import java.util.ArrayList;
import java.util.List;

/**
 * Frames of one size, in order.
 *
 * @param frames at least one
 */
public record Video(List<Image> frames) implements Media {
  /**
   * Copies the list.
   *
   * @throws IllegalArgumentException if there is no frame, or one of another size; the message
   *     names it
   */
  public Video {
    frames = List.copyOf(frames);
    if (frames.isEmpty()) {
      throw new IllegalArgumentException("a video has at least one frame");
    }
    Image first = frames.get(0);
    for (int i = 1; i < frames.size(); i++) {
      Image frame = frames.get(i);
      if (frame.width() != first.width() || frame.height() != first.height()) {
        throw new IllegalArgumentException(
            "frame %d has %d x %d pixels, the first has %d x %d"
                .formatted(i, frame.width(), frame.height(), first.width(), first.height()));
      }
    }
  }

  @Override
  public long bytes() {
    return frames.stream().mapToLong(Image::bytes).sum();
  }

  /** The width of every frame, in pixels. */
  public int width() {
    return frames.get(0).width();
  }

  /** The height of every frame, in pixels. */
  public int height() {
    return frames.get(0).height();
  }

  /**
   * Frames at equal distances, the first and the last among them: the whole parts of NumPy's {@code
   * linspace(0, n - 1, count)}. Of a video with fewer frames some come several times, so that a
   * video of one frame stands still.
   *
   * @param count how many, positive; of one, the first
   * @throws IllegalArgumentException if the count is not positive
   * @see <a href="https://arxiv.org/abs/2310.01852">LanguageBind, ICLR 2024; its code takes 8
   *     frames so</a>
   */
  public Video sampled(int count) {
    List<Image> taken = new ArrayList<>();
    for (int index : indices(frames.size(), count)) {
      taken.add(frames.get(index));
    }
    return new Video(taken);
  }

  /** The numbers of the frames that {@link #sampled} takes from so many. */
  static int[] indices(int frames, int count) {
    if (count < 1) {
      throw new IllegalArgumentException("at least one frame is sampled, not " + count);
    }
    int[] indices = new int[count];
    // The step is rounded before it is multiplied, as NumPy does; the last number is exact.
    double step = (frames - 1) / (double) (count - 1);
    for (int i = 1; i < count; i++) {
      indices[i] = i == count - 1 ? frames - 1 : (int) (i * step);
    }
    return indices;
  }

  @Override
  public String toString() {
    return "Video[%d frames of %d x %d]".formatted(frames.size(), width(), height());
  }
}
