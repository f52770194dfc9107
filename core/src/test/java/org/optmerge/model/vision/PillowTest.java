package org.optmerge.model.vision;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.base.Sha256;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;

/** What evaluation kits do to pictures before they cut them, as recorded with Pillow 12.3. */
class PillowTest {
  private static Image picture(int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    for (int y = 0, at = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        rgb[at++] = (byte) (3 * x + y);
        rgb[at++] = (byte) (5 * y);
        rgb[at++] = (byte) (x * y);
      }
    }
    return new Image(width, height, rgb);
  }

  private static String digest(Image image) {
    return Sha256.of(image.rgb()).substring(0, 16);
  }

  @ParameterizedTest
  @CsvSource({
    "64, 48, db665ac05888990d, 18d5501b2407653e, 33a3a2560424b00c",
    "37, 53, 1ffdf6fac5077bec, 3c33cf12b7cee38c, 7ed829d6de94fd96",
    "301, 211, 4a442d0f455a2914, 098b285e6ed0812d, 1b78b1c83d9ff470",
    "5, 3, 2c1e4292da2fa489, d5dd23516506def7, 453fc90c9e528617",
    "1, 1, 709e80c88487a241, 15ec7bf0b50732b4, 709e80c88487a241"
  })
  void pictures_come_out_as_pillow_leaves_them(
      int width, int height, String jpeg, String twice, String smaller) {
    Image image = picture(width, height);

    assertThat(digest(ImageFiles.throughJpeg(image))).as("JPEG").isEqualTo(jpeg);
    assertThat(digest(BilinearResize.resize(image, 2 * width, 2 * height)))
        .as("twice as large")
        .isEqualTo(twice);
    assertThat(
            digest(
                BilinearResize.resize(image, Math.max(1, width / 3), Math.max(1, 2 * height / 3))))
        .as("smaller")
        .isEqualTo(smaller);
  }
}
