package org.optmerge.model.vision;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.optmerge.model.media.Image;

/**
 * From a picture to the tiles an InternVL takes: the grid closest to its proportions, bicubic
 * resizing, and (x/255 − mean) / deviation.
 *
 * @param size side of a tile in pixels
 * @param tiling how many tiles
 * @param mean of the three channels, of values in [0, 1]
 * @param deviation of the three channels
 * @see <a href="https://arxiv.org/abs/2404.16821">InternVL 1.5, section 3.3</a>
 */
public record ImagePreprocessing(
    int size, Tiling tiling, List<Double> mean, List<Double> deviation) {
  /** Mean of the channels of ImageNet, what published models are trained with. */
  public static final List<Double> IMAGENET_MEAN = List.of(0.485, 0.456, 0.406);

  /** Deviation of the channels of ImageNet. */
  public static final List<Double> IMAGENET_DEVIATION = List.of(0.229, 0.224, 0.225);

  /**
   * @throws IllegalArgumentException if the size or a deviation is not positive, or there are not
   *     three channels
   */
  public ImagePreprocessing {
    mean = List.copyOf(mean);
    deviation = List.copyOf(deviation);
    if (size < 1
        || mean.size() != 3
        || deviation.size() != 3
        || deviation.stream().anyMatch(d -> !(d > 0))) {
      throw new IllegalArgumentException(
          "preprocessing: size %d, mean %s, deviation %s; expected a positive size, three means and three positive deviations"
              .formatted(size, mean, deviation));
    }
  }

  /**
   * The same with another largest number of tiles, where pictures are cut at all.
   *
   * @param most at least 1; 0: as it is
   */
  public ImagePreprocessing withMaximum(int most) {
    return most == 0 || !tiling.dynamic()
        ? this
        : new ImagePreprocessing(
            size,
            new Tiling(true, Math.min(tiling.minimum(), most), most, tiling.thumbnail()),
            mean,
            deviation);
  }

  /** The grid a picture is cut into. */
  public TileGrid grid(Image image) {
    return tiling.dynamic()
        ? TileGrid.closest(image.width(), image.height(), tiling.minimum(), tiling.maximum(), size)
        : new TileGrid(1, 1);
  }

  /** The number of tiles of a picture, the thumbnail included. */
  public int tileCount(Image image) {
    int tiles = grid(image).tiles();
    return tiling.thumbnail() && tiles > 1 ? tiles + 1 : tiles;
  }

  /** The tiles of a picture row by row, then the thumbnail if there is one. */
  public List<Image> tiles(Image image) {
    TileGrid grid = grid(image);
    Image resized = BicubicResize.resize(image, size * grid.columns(), size * grid.rows());
    List<Image> tiles = new ArrayList<>();
    for (int row = 0; row < grid.rows(); row++) {
      for (int column = 0; column < grid.columns(); column++) {
        tiles.add(cut(resized, column * size, row * size));
      }
    }
    if (tiling.thumbnail() && tiles.size() > 1) {
      tiles.add(BicubicResize.resize(image, size, size));
    }
    return tiles;
  }

  private Image cut(Image image, int left, int top) {
    byte[] target = new byte[3 * size * size];
    for (int y = 0; y < size; y++) {
      System.arraycopy(
          image.rgb(), 3 * ((top + y) * image.width() + left), target, 3 * size * y, 3 * size);
    }
    return new Image(size, size, target);
  }

  /**
   * Tiles as a vision model takes them.
   *
   * @param tiles each of this size
   * @return (tiles, 3, size, size), float32
   * @throws IllegalArgumentException if there is no tile or one has another size
   */
  public NDArray pixels(NDManager manager, List<Image> tiles) {
    int area = size * size;
    float[] values = new float[3 * area * tiles.size()];
    float[][] table = table();
    int at = 0;
    for (Image tile : tiles) {
      if (tile.width() != size || tile.height() != size) {
        throw new IllegalArgumentException(
            "a tile must be %d x %d pixels, is %s".formatted(size, size, tile));
      }
      byte[] rgb = tile.rgb();
      for (int channel = 0; channel < 3; channel++) {
        for (int i = 0; i < area; i++) {
          values[at++] = table[channel][rgb[3 * i + channel] & 0xff];
        }
      }
    }
    if (tiles.isEmpty()) {
      throw new IllegalArgumentException("there is no tile");
    }
    return manager.create(FloatBuffer.wrap(values), new Shape(tiles.size(), 3, size, size));
  }

  /** The number that each of the 256 levels becomes, by channel. */
  private float[][] table() {
    float[][] table = new float[3][256];
    for (int channel = 0; channel < 3; channel++) {
      float center = mean.get(channel).floatValue();
      float spread = deviation.get(channel).floatValue();
      for (int level = 0; level < 256; level++) {
        table[channel][level] = (level / 255f - center) / spread;
      }
    }
    return table;
  }
}
