package org.optmerge.model.vision;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import org.optmerge.model.media.Image;

/**
 * From pictures and frames to the patches that Qwen2-VL and Qwen2.5-VL take, as their processor for
 * Python's imaging library makes them.
 *
 * @param resize the size of a picture
 * @see <a href="https://arxiv.org/abs/2409.12191">Wang et al., Qwen2-VL, section 2.1</a>
 */
public record QwenPreprocessing(SmartResize resize) {
  /** Side of a patch in pixels. */
  public static final int PATCH = 14;

  /** Patches that become one token, in each direction. */
  public static final int MERGE = 2;

  /** Frames that share a patch. */
  public static final int FRAMES = 2;

  /** Numbers in a patch: channels, frames, rows, columns. */
  public static final int PATCH_VALUES = 3 * FRAMES * PATCH * PATCH;

  /** The processor's own limits. */
  public static final QwenPreprocessing DEFAULT =
      new QwenPreprocessing(new SmartResize(PATCH * MERGE, 3136, 1003520));

  /**
   * The patches of a picture or video.
   *
   * @param frames pairs of frames
   * @param rows of patches
   * @param columns of patches
   */
  public record Grid(int frames, int rows, int columns) {
    /** Tokens in the prompt. */
    public int tokens() {
      return patches() / (MERGE * MERGE);
    }

    /** All patches. */
    public int patches() {
      return frames * rows * columns;
    }
  }

  /**
   * The same with other limits of a picture's pixels; 0 leaves one as it is.
   *
   * @throws IllegalArgumentException if the limits that come out are not in order
   */
  public QwenPreprocessing within(long minPixels, long maxPixels) {
    return minPixels == 0 && maxPixels == 0
        ? this
        : new QwenPreprocessing(
            new SmartResize(
                resize.factor(),
                minPixels == 0 ? resize.minPixels() : minPixels,
                maxPixels == 0 ? resize.maxPixels() : maxPixels));
  }

  /** A picture in the size that suits it. */
  public Image resized(Image image) {
    SmartResize.Size size = resize.of(image.width(), image.height());
    return BicubicResize.resize(image, size.width(), size.height());
  }

  /**
   * The grid of frames that are not resized yet.
   *
   * @param frames how many; a picture is one
   */
  public Grid grid(int width, int height, int frames) {
    SmartResize.Size size = resize.of(width, height);
    return new Grid((frames + FRAMES - 1) / FRAMES, size.height() / PATCH, size.width() / PATCH);
  }

  /**
   * The grid of frames that are resized already.
   *
   * @throws IllegalArgumentException if there are none, they differ in size, or a side is no
   *     multiple of 28
   */
  public static Grid grid(List<Image> frames) {
    if (frames.isEmpty()) {
      throw new IllegalArgumentException("there is no frame");
    }
    Image first = frames.get(0);
    int cell = PATCH * MERGE;
    for (Image frame : frames) {
      if (frame.width() != first.width()
          || frame.height() != first.height()
          || frame.width() % cell != 0
          || frame.height() % cell != 0) {
        throw new IllegalArgumentException(
            "frames must have one size with sides that are multiples of %d, are %s"
                .formatted(cell, frames));
      }
    }
    return new Grid(
        (frames.size() + FRAMES - 1) / FRAMES, first.height() / PATCH, first.width() / PATCH);
  }

  /**
   * Frames as patches, in the order in which four neighbours become one token; the last frame is
   * repeated if their number is odd, so a picture is two equal frames.
   *
   * @param frames resized already
   * @return (patches, 1176), float32
   */
  public static NDArray patches(NDManager manager, List<Image> frames) {
    Grid grid = grid(frames);
    float[][] levels = ClipPreprocessing.ChannelLevels.CLIP.table();
    float[] values = new float[Math.multiplyExact(grid.patches(), PATCH_VALUES)];
    int at = 0;
    for (int t = 0; t < grid.frames; t++) {
      for (int row = 0; row < grid.rows; row += MERGE) {
        for (int column = 0; column < grid.columns; column += MERGE) {
          for (int k = 0; k < MERGE * MERGE; k++) {
            at = patch(frames, t, row + k / MERGE, column + k % MERGE, levels, values, at);
          }
        }
      }
    }
    return manager.create(values, new Shape(grid.patches(), PATCH_VALUES));
  }

  private static int patch(
      List<Image> frames, int t, int row, int column, float[][] levels, float[] values, int to) {
    int at = to;
    for (int channel = 0; channel < 3; channel++) {
      for (int f = 0; f < FRAMES; f++) {
        Image frame = frames.get(Math.min(t * FRAMES + f, frames.size() - 1));
        for (int y = 0; y < PATCH; y++) {
          for (int x = 0; x < PATCH; x++) {
            values[at++] =
                levels[channel][frame.channel(column * PATCH + x, row * PATCH + y, channel)];
          }
        }
      }
    }
    return at;
  }
}
