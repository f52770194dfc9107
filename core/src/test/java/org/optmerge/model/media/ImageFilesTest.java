package org.optmerge.model.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.Random;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageFilesTest {
  private static byte[] file(BufferedImage image, String format) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    assertThat(ImageIO.write(image, format, bytes)).isTrue();
    return bytes.toByteArray();
  }

  @Test
  void an_image_survives_png() throws IOException {
    byte[] rgb = new byte[3 * 7 * 5];
    new Random(1).nextBytes(rgb);
    Image image = new Image(7, 5, rgb);

    assertThat(ImageFiles.read(ImageFiles.png(image))).isEqualTo(image);
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "bmp", "gif", "tiff"})
  void formats_without_loss_keep_every_value(String format) throws IOException {
    BufferedImage image = new BufferedImage(3, 1, BufferedImage.TYPE_INT_RGB);
    image.setRGB(0, 0, 0x010203);
    image.setRGB(1, 0, 0xff0000);
    image.setRGB(2, 0, 0x00ff80);

    assertThat(ImageFiles.read(file(image, format)))
        .isEqualTo(
            new Image(3, 1, new byte[] {1, 2, 3, (byte) 255, 0, 0, 0, (byte) 255, (byte) 128}));
  }

  @Test
  void gray_is_the_value_that_is_stored() throws IOException {
    BufferedImage gray = new BufferedImage(256, 1, BufferedImage.TYPE_BYTE_GRAY);
    for (int x = 0; x < 256; x++) {
      gray.getRaster().setSample(x, 0, 0, x);
    }

    Image image = ImageFiles.read(file(gray, "png"));

    for (int x = 0; x < 256; x++) {
      assertThat(new int[] {image.channel(x, 0, 0), image.channel(x, 0, 1), image.channel(x, 0, 2)})
          .containsExactly(x, x, x);
    }
    // What a display would make of it is something else: the trap that this avoids.
    assertThat(new Color(gray.getRGB(100, 0)).getRed()).isNotEqualTo(100);
  }

  @Test
  void gray_of_sixteen_bits_keeps_the_upper_eight() throws IOException {
    BufferedImage gray = new BufferedImage(2, 1, BufferedImage.TYPE_USHORT_GRAY);
    gray.getRaster().setSample(0, 0, 0, 0x12ff);
    gray.getRaster().setSample(1, 0, 0, 0xfe00);

    Image image = ImageFiles.read(file(gray, "png"));

    assertThat(image.channel(0, 0, 0)).isEqualTo(0x12);
    assertThat(image.channel(1, 0, 2)).isEqualTo(0xfe);
  }

  @Test
  void transparency_is_dropped_and_not_blended() throws IOException {
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(0, 0, 0x00c86432);
    image.setRGB(1, 0, 0x80c86432);

    Image decoded = ImageFiles.read(file(image, "png"));

    byte[] colour = {(byte) 200, 100, 50};
    assertThat(decoded.rgb())
        .containsExactly(colour[0], colour[1], colour[2], colour[0], colour[1], colour[2]);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 8})
  void a_palette_is_looked_up(int bits) throws IOException {
    byte[] reds = {10, 20};
    byte[] greens = {30, 40};
    byte[] blues = {50, (byte) 200};
    BufferedImage image =
        new BufferedImage(
            2,
            1,
            BufferedImage.TYPE_BYTE_INDEXED,
            new IndexColorModel(bits, 2, reds, greens, blues));
    image.getRaster().setSample(0, 0, 0, 1);

    assertThat(ImageFiles.read(file(image, "png")).rgb())
        .containsExactly(20, 40, (byte) 200, 10, 30, 50);
  }

  @Test
  void one_bit_is_black_or_white() throws IOException {
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_BINARY);
    image.setRGB(1, 0, 0xffffffff);

    assertThat(ImageFiles.read(file(image, "png")).rgb())
        .containsExactly(0, 0, 0, (byte) 255, (byte) 255, (byte) 255);
  }

  @Test
  void jpeg_is_close() throws IOException {
    BufferedImage image = new BufferedImage(16, 16, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 256; i++) {
      image.setRGB(i % 16, i / 16, 0x6496c8);
    }

    Image decoded = ImageFiles.read(file(image, "jpg"));

    assertThat(decoded.channel(8, 8, 0)).isBetween(97, 103);
    assertThat(decoded.channel(8, 8, 1)).isBetween(147, 153);
    assertThat(decoded.channel(8, 8, 2)).isBetween(197, 203);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 40, 0})
  void a_jpeg_that_is_cut_is_refused(int bytes) throws IOException {
    BufferedImage image = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
    Random random = new Random(3);
    for (int i = 0; i < 64 * 64; i++) {
      image.setRGB(i % 64, i / 64, random.nextInt(1 << 24));
    }
    byte[] whole = file(image, "jpg");
    byte[] cut = Arrays.copyOf(whole, bytes == 0 ? whole.length / 2 : whole.length - bytes);

    assertThat(ImageFiles.read(whole).width()).isEqualTo(64);
    assertThatThrownBy(() -> ImageFiles.read(cut))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("an image that is cut off after %d bytes", cut.length);
  }

  @Test
  void webp_is_read() throws IOException {
    // One pixel without loss (VP8L): the smallest file that browsers are tested with.
    byte[] webp = Base64.getDecoder().decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==");

    Image image = ImageFiles.read(webp);

    assertThat(image.width()).isEqualTo(1);
    assertThat(image.height()).isEqualTo(1);
  }

  @Test
  void an_image_of_billions_of_pixels_is_refused_by_its_header() {
    byte[] png = ImageFiles.png(new Image(1, 1, new byte[3]));
    // Width and height of the header, 100,000 each, and the header's checksum.
    for (int at : new int[] {16, 20}) {
      png[at] = 0;
      png[at + 1] = 1;
      png[at + 2] = (byte) 0x86;
      png[at + 3] = (byte) 0xa0;
    }
    CRC32 checksum = new CRC32();
    checksum.update(png, 12, 17);
    for (int i = 0; i < 4; i++) {
      png[29 + i] = (byte) (checksum.getValue() >> (24 - 8 * i));
    }

    assertThatThrownBy(() -> ImageFiles.read(png))
        .isInstanceOf(IOException.class)
        .hasMessage("an image of 100000 x 100000 pixels is too large");
  }

  @Test
  void what_is_no_image_is_said_to_be_none(@TempDir Path folder) throws IOException {
    assertThatThrownBy(() -> ImageFiles.read(new byte[10]))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("10 bytes that are no image of a known format");
    Path file = Files.writeString(folder.resolve("x.png"), "no image");
    assertThatThrownBy(() -> ImageFiles.read(file)).hasMessageContaining("x.png': 8 bytes");
  }

  @Test
  void damaged_images_are_errors_and_nothing_else() throws IOException {
    Random random = new Random(2);
    BufferedImage picture = new BufferedImage(20, 20, BufferedImage.TYPE_INT_RGB);
    int refused = 0;
    for (String format : new String[] {"png", "jpg", "gif", "bmp"}) {
      byte[] good = file(picture, format);
      for (int round = 0; round < 100; round++) {
        byte[] bad = Arrays.copyOf(good, 1 + random.nextInt(good.length));
        bad[random.nextInt(bad.length)] ^= (byte) (1 + random.nextInt(255));
        try {
          assertThat(ImageFiles.read(bad).width()).isPositive();
        } catch (IOException e) {
          refused++;
        }
      }
    }
    assertThat(refused).isGreaterThan(100);
  }
}
