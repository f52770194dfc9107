package org.optmerge.model.vision;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import org.optmerge.model.media.Image;

/**
 * From a picture to what CLIP sees: the short side resized, the middle cut out, and levels around
 * zero. LLaVA-1.5 makes a picture square first, by a border of CLIP's mean color.
 *
 * @param shortSide in pixels, after resizing
 * @param crop side of what is cut out, at most {@code shortSide}
 * @param padded true for the border
 * @param levels of the channels
 * @see <a href="https://arxiv.org/abs/2310.03744">Liu et al., LLaVA-1.5, section 3.4</a>
 */
public record ClipPreprocessing(int shortSide, int crop, boolean padded, ChannelLevels levels) {
  /**
   * @throws IllegalArgumentException if there is no room for what is to be cut out
   */
  public ClipPreprocessing {
    if (crop < 1 || shortSide < crop) {
      throw new IllegalArgumentException(
          "CLIP's pictures: %d pixels cannot be cut out of a side of %d"
              .formatted(crop, shortSide));
    }
  }

  /** A picture in the size that CLIP sees. */
  public Image prepared(Image image) {
    Image whole = padded ? squared(image) : image;
    int width = whole.width();
    int height = whole.height();
    int longSide = (int) ((double) shortSide * Math.max(width, height) / Math.min(width, height));
    Image resized =
        width <= height
            ? BicubicResize.resize(whole, shortSide, longSide)
            : BicubicResize.resize(whole, longSide, shortSide);
    return cut(resized, (resized.width() - crop) / 2, (resized.height() - crop) / 2);
  }

  private Image cut(Image image, int left, int top) {
    byte[] target = new byte[3 * crop * crop];
    for (int y = 0; y < crop; y++) {
      System.arraycopy(
          image.rgb(), 3 * ((top + y) * image.width() + left), target, 3 * crop * y, 3 * crop);
    }
    return new Image(crop, crop, target);
  }

  private Image squared(Image image) {
    int width = image.width();
    int height = image.height();
    int side = Math.max(width, height);
    if (width == height) {
      return image;
    }
    byte[] target = new byte[Math.multiplyExact(3, Math.multiplyExact(side, side))];
    byte[] border = levels.meanColor();
    for (int i = 0; i < target.length; i += 3) {
      System.arraycopy(border, 0, target, i, 3);
    }
    int left = (side - width) / 2;
    int top = (side - height) / 2;
    for (int y = 0; y < height; y++) {
      System.arraycopy(
          image.rgb(), 3 * width * y, target, 3 * ((top + y) * side + left), 3 * width);
    }
    return new Image(side, side, target);
  }

  /**
   * Pictures as the vision model takes them.
   *
   * @param pictures {@linkplain #prepared prepared} already
   * @return (pictures, 3, crop, crop), float32
   */
  public NDArray pixels(NDManager manager, List<Image> pictures) {
    int area = crop * crop;
    float[] values = new float[Math.multiplyExact(3 * area, pictures.size())];
    float[][] table = levels.table();
    int at = 0;
    for (Image picture : pictures) {
      if (picture.rgb().length != 3 * area) {
        throw new IllegalArgumentException(
            "a picture must be %d x %d pixels, is %s".formatted(crop, crop, picture));
      }
      byte[] rgb = picture.rgb();
      for (int channel = 0; channel < 3; channel++) {
        for (int i = 0; i < area; i++) {
          values[at++] = table[channel][rgb[3 * i + channel] & 0xff];
        }
      }
    }
    return manager.create(values, new Shape(pictures.size(), 3, crop, crop));
  }

  /**
   * Means and deviations of the channels, as Hugging Face's image processors apply them: levels are
   * multiplied by 1/255 in double precision.
   *
   * @param mean of values in [0, 1]
   * @param deviation of them
   */
  public record ChannelLevels(List<Double> mean, List<Double> deviation) {
    /** CLIP's own. */
    public static final ChannelLevels CLIP =
        new ChannelLevels(
            List.of(0.48145466, 0.4578275, 0.40821073),
            List.of(0.26862954, 0.26130258, 0.27577711));

    /**
     * @throws IllegalArgumentException unless there are three channels and deviations are positive
     */
    public ChannelLevels {
      mean = List.copyOf(mean);
      deviation = List.copyOf(deviation);
      if (mean.size() != 3
          || deviation.size() != 3
          || deviation.stream().anyMatch(each -> !(each > 0))) {
        throw new IllegalArgumentException(
            "three means and three positive deviations are expected, are %s and %s"
                .formatted(mean, deviation));
      }
    }

    /** The number that each of the 256 levels becomes, by channel. */
    float[][] table() {
      float[][] table = new float[3][256];
      for (int channel = 0; channel < 3; channel++) {
        float center = mean.get(channel).floatValue();
        float spread = deviation.get(channel).floatValue();
        for (int level = 0; level < 256; level++) {
          table[channel][level] = ((float) (level * (1 / 255.0)) - center) / spread;
        }
      }
      return table;
    }

    byte[] meanColor() {
      byte[] color = new byte[3];
      for (int channel = 0; channel < 3; channel++) {
        color[channel] = (byte) (int) (mean.get(channel) * 255);
      }
      return color;
    }
  }
}
