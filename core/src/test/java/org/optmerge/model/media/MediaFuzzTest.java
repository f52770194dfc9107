package org.optmerge.model.media;

import com.code_intelligence.jazzer.junit.DictionaryFile;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.fuzz.Sandbox;

/** Pictures, sounds and films with any bytes in them. */
class MediaFuzzTest {
  private static final String DICTIONARY = "/org/optmerge/fuzz/media.dict";
  private static final Sandbox BOX = Sandbox.open();

  private static void picture(byte[] data) throws Exception {
    BOX.holds(data, () -> ImageFiles.read(data));
  }

  private static void film(byte[] data) throws Exception {
    BOX.holds(data, () -> VideoFiles.read(data, 3));
  }

  private static void sound(byte[] data) throws Exception {
    BOX.holds(data, () -> AudioFiles.read(data));
  }

  private static byte[] resource(String name) throws IOException {
    return Files.readAllBytes(Path.of("src/test/resources/media", name));
  }

  private static Image noise(int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    new Random(1).nextBytes(rgb);
    return new Image(width, height, rgb);
  }

  private static byte[] written(int type, String format) throws IOException {
    BufferedImage image = new BufferedImage(9, 8, type);
    for (int y = 0; y < 8; y++) {
      for (int x = 0; x < 9; x++) {
        image.setRGB(x, y, 0xff000000 | x * 0x1c0000 | y * 0x1c00 | x * y);
      }
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    if (!ImageIO.write(image, format, out)) {
      throw new IOException("no " + format);
    }
    return out.toByteArray();
  }

  static Stream<byte[]> pngs() throws IOException {
    return Stream.of(
        ImageFiles.png(noise(3, 2)),
        written(BufferedImage.TYPE_BYTE_INDEXED, "png"),
        written(BufferedImage.TYPE_USHORT_GRAY, "png"),
        written(BufferedImage.TYPE_INT_ARGB, "png"));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("pngs")
  @FuzzTest
  void png(byte[] data) throws Exception {
    picture(sealed(data));
  }

  /** The file with the checksums that its chunks should have, so that mutations get past them. */
  private static byte[] sealed(byte[] png) {
    byte[] sealed = png.clone();
    ByteBuffer bytes = ByteBuffer.wrap(sealed);
    for (int at = 8; at + 12 <= sealed.length; ) {
      long length = bytes.getInt(at) & 0xffff_ffffL;
      if (at + 12 + length > sealed.length) {
        break;
      }
      CRC32 sum = new CRC32();
      sum.update(sealed, at + 4, (int) length + 4);
      bytes.putInt(at + 8 + (int) length, (int) sum.getValue());
      at += 12 + (int) length;
    }
    return sealed;
  }

  static Stream<byte[]> jpegs() throws IOException {
    return Stream.of(
        written(BufferedImage.TYPE_INT_RGB, "jpg"), written(BufferedImage.TYPE_BYTE_GRAY, "jpg"));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("jpegs")
  @FuzzTest
  void jpeg(byte[] data) throws Exception {
    picture(data);
  }

  static Stream<byte[]> webps() {
    return Stream.of(
            // One pixel, lossy; one pixel, lossless; as WebP's own authors give them for tests.
            "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA",
            "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==",
            "UklGRkoAAABXRUJQVlA4WAoAAAAQAAAAAAAAAAAAQUxQSAwAAAARBxAR/Q9ERP8DAABWUDggGAAAABQBAJ0BKgEAAQAAAP4AAA3AAP7mtQAAAA==")
        .map(Base64.getDecoder()::decode);
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("webps")
  @FuzzTest
  void webp(byte[] data) throws Exception {
    picture(data);
  }

  static Stream<byte[]> otherPictures() throws IOException {
    return Stream.of(
        written(BufferedImage.TYPE_INT_RGB, "bmp"),
        written(BufferedImage.TYPE_INT_RGB, "tiff"),
        written(BufferedImage.TYPE_BYTE_INDEXED, "gif"));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("otherPictures")
  @FuzzTest
  void otherPicture(byte[] data) throws Exception {
    picture(data);
  }

  static Stream<byte[]> gifs() {
    return Stream.of(
        VideoFiles.gif(new Video(List.of(noise(4, 3), noise(4, 3), noise(4, 3))), 100));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("gifs")
  @FuzzTest
  void gif(byte[] data) throws Exception {
    film(data);
  }

  static Stream<byte[]> apngs() throws IOException {
    return Stream.of(
        new VideoFilesTest.Png(4, 4)
            .frame(0, 0, 4, 4, 0, 0, 9, 255)
            .frame(1, 1, 2, 2, 1, 1, 99, 128)
            .frame(0, 0, 3, 3, 2, 0, 50, 255)
            .file());
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("apngs")
  @FuzzTest
  void apng(byte[] data) throws Exception {
    film(sealed(data));
  }

  static Stream<byte[]> waves() {
    Audio audio = new Audio(16_000, new float[] {0, .5f, -.5f, 1, 0, .25f});
    byte[] extensible = AudioFiles.wav(audio);
    return Stream.of(
        extensible,
        Base64.getDecoder()
            .decode(
                "UklGRjQAAABXQVZFZm10IBAAAAABAAIAgD4AAAB9AAAEABAAZGF0YRAAAAAAAAAAAAAAAAAAAAAAAAAA"));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("waves")
  @FuzzTest
  void wav(byte[] data) throws Exception {
    sound(data);
  }

  static Stream<byte[]> flacs() throws IOException {
    return Stream.of(resource("stereo-8000.flac"), resource("mono-24-bit.flac"));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("flacs")
  @FuzzTest
  void flac(byte[] data) throws Exception {
    sound(data);
  }

  static Stream<byte[]> mp3s() throws IOException {
    return Stream.of(resource("tone.mp3"));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("mp3s")
  @FuzzTest
  void mp3(byte[] data) throws Exception {
    sound(data);
  }

  static Stream<byte[]> mp4s() throws IOException {
    return Stream.of(
        resource("baseline.mp4"), resource("b-frames.mp4"), resource("full-range-bt709.mp4"));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("mp4s")
  @FuzzTest
  void mp4(byte[] data) throws Exception {
    film(data);
  }
}
