package org.optmerge.model.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageFilesTest {
  @TempDir Path temporary;

  private static byte[] png(BufferedImage image) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    assertThat(ImageIO.write(image, "png", bytes)).isTrue();
    return bytes.toByteArray();
  }

  @Test
  void alpha_is_dropped_not_blended() throws IOException {
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(0, 0, 0x00102030);
    image.setRGB(1, 0, 0x80c0ffee);

    assertThat(ImageFiles.read(png(image)).rgb())
        .containsExactly(0x10, 0x20, 0x30, 0xc0, 0xff, 0xee);
  }

  @ParameterizedTest
  @ValueSource(ints = {BufferedImage.TYPE_BYTE_GRAY, BufferedImage.TYPE_3BYTE_BGR})
  void every_level_is_kept(int type) throws IOException {
    BufferedImage image = new BufferedImage(256, 1, type);
    for (int i = 0; i < 256; i++) {
      int[] level = {i, i, i};
      image.getRaster().setPixel(i, 0, level);
    }

    Image read = ImageFiles.read(png(image));

    for (int i = 0; i < 256; i++) {
      assertThat(read.channel(i, 0, 0)).isEqualTo(i);
      assertThat(read.channel(i, 0, 2)).isEqualTo(i);
    }
  }

  @Test
  void one_bit_is_black_or_white() throws IOException {
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_BINARY);
    image.setRGB(1, 0, 0xffffffff);

    assertThat(ImageFiles.read(png(image)).rgb()).containsExactly(0, 0, 0, 255, 255, 255);
  }

  @Test
  void a_file_of_no_known_format_is_named() throws IOException {
    Path file = temporary.resolve("note.png");
    Files.writeString(file, "no picture");

    assertThatThrownBy(() -> ImageFiles.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("note.png: no picture format that is known here");
  }
}
