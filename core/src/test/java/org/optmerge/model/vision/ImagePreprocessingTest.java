package org.optmerge.model.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.optmerge.model.media.Image;

class ImagePreprocessingTest {
  private static final List<Double> HALF = List.of(.5, .5, .5);

  private static Image noise(int width, int height, long seed) {
    byte[] rgb = new byte[3 * width * height];
    new Random(seed).nextBytes(rgb);
    return new Image(width, height, rgb);
  }

  @Test
  void with_means_and_deviations_of_a_half_levels_become_minus_one_to_one() {
    ImagePreprocessing preprocessing = new ImagePreprocessing(2, Tiling.SINGLE, HALF, HALF);
    Image image = new Image(2, 2, new byte[] {0, 1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3});
    try (NDManager manager = NDManager.newBaseManager(null, "PyTorch")) {
      var pixels = preprocessing.pixels(manager, preprocessing.tiles(image));

      assertThat(pixels.getShape()).isEqualTo(new Shape(1, 3, 2, 2));
      float[] expected = new float[12];
      int[] levels = {0, 3, 6, 255, 1, 4, 7, 254, 2, 5, 8, 253};
      for (int i = 0; i < 12; i++) {
        expected[i] = levels[i] / 127.5f - 1;
      }
      assertThat(pixels.toFloatArray()).containsExactly(expected, within(2e-7f));
    }
  }

  @Test
  void tiles_are_cut_row_by_row_and_followed_by_the_whole() {
    ImagePreprocessing preprocessing =
        new ImagePreprocessing(4, new Tiling(true, 1, 6, true), HALF, HALF);
    Image image = noise(12, 8, 1);

    List<Image> tiles = preprocessing.tiles(image);

    // 12 x 8 pixels are 3 x 2 tiles of four as they are.
    assertThat(preprocessing.grid(image)).isEqualTo(new TileGrid(3, 2));
    assertThat(tiles).hasSize(7);
    for (int channel = 0; channel < 3; channel++) {
      assertThat(tiles.get(1).channel(0, 0, channel)).isEqualTo(image.channel(4, 0, channel));
      assertThat(tiles.get(5).channel(3, 3, channel)).isEqualTo(image.channel(11, 7, channel));
    }
    assertThat(tiles.get(6)).isEqualTo(BicubicResize.resize(image, 4, 4));
  }

  @Test
  void resizing_keeps_one_colour_and_pictures_of_the_right_size() {
    byte[] grey = new byte[3 * 7 * 5];
    java.util.Arrays.fill(grey, (byte) 200);

    Image resized = BicubicResize.resize(new Image(7, 5, grey), 11, 3);

    assertThat(resized.rgb()).containsOnly((byte) 200).hasSize(3 * 11 * 3);
    Image image = noise(6, 4, 2);
    assertThat(BicubicResize.resize(image, 6, 4)).isEqualTo(image);
  }

  @Test
  void a_mirrored_picture_is_resized_to_the_mirror() {
    Image image = noise(9, 4, 3);

    assertThat(mirrored(BicubicResize.resize(mirrored(image), 5, 4)))
        .isEqualTo(BicubicResize.resize(image, 5, 4));
  }

  private static Image mirrored(Image image) {
    byte[] rgb = new byte[image.rgb().length];
    for (int y = 0; y < image.height(); y++) {
      for (int x = 0; x < image.width(); x++) {
        for (int c = 0; c < 3; c++) {
          rgb[3 * (y * image.width() + x) + c] = (byte) image.channel(image.width() - 1 - x, y, c);
        }
      }
    }
    return new Image(image.width(), image.height(), rgb);
  }

  @Test
  void says_what_cannot_be() {
    assertThatThrownBy(() -> new ImagePreprocessing(4, Tiling.SINGLE, HALF, List.of(.5, 0., .5)))
        .hasMessageContaining("three positive deviations");
    assertThatThrownBy(() -> new Tiling(true, 3, 2, false))
        .hasMessage("tiles: must be 1 <= minimum <= maximum, are 3 and 2");
    assertThatThrownBy(() -> BicubicResize.resize(noise(2, 2, 1), 0, 2))
        .hasMessage("resize: sides must be positive, are 0 x 2");
    ImagePreprocessing four = new ImagePreprocessing(4, Tiling.SINGLE, HALF, HALF);
    try (NDManager manager = NDManager.newBaseManager(null, "PyTorch")) {
      assertThatThrownBy(() -> four.pixels(manager, List.of(noise(4, 5, 1))))
          .hasMessage("a tile must be 4 x 4 pixels, is Image[4 x 5]");
    }
  }
}
