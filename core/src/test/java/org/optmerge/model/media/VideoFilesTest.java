package org.optmerge.model.media;

import static java.util.concurrent.TimeUnit.HOURS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.base.Deadline;

class VideoFilesTest {
  /** An image of one colour. */
  private static Image plain(int width, int height, int red, int green, int blue) {
    byte[] rgb = new byte[3 * width * height];
    for (int i = 0; i < rgb.length; i += 3) {
      rgb[i] = (byte) red;
      rgb[i + 1] = (byte) green;
      rgb[i + 2] = (byte) blue;
    }
    return new Image(width, height, rgb);
  }

  private static Video greys(int... levels) {
    return new Video(Arrays.stream(levels).mapToObj(l -> plain(5, 4, l, l, l)).toList());
  }

  private static int[] levels(Video video) {
    return video.frames().stream().mapToInt(frame -> frame.channel(0, 0, 0)).toArray();
  }

  private static Path resource(String name) {
    return Path.of("src/test/resources/media", name);
  }

  @ParameterizedTest
  @CsvSource({
    "8, 8, 0 1 2 3 4 5 6 7",
    "16, 8, 0 2 4 6 8 10 12 15",
    "100, 4, 0 33 66 99",
    "3, 1, 0",
    "1, 4, 0 0 0 0",
    "2, 4, 0 0 0 1",
  })
  void frames_are_taken_as_numpy_would(int frames, int count, String expected) {
    assertThat(Video.indices(frames, count))
        .containsExactly(Arrays.stream(expected.split(" ")).mapToInt(Integer::parseInt).toArray());
  }

  @Test
  void a_gif_of_greys_reads_as_it_was_written() throws IOException {
    Video video = greys(0, 17, 200, 255, 3);

    assertThat(VideoFiles.read(VideoFiles.gif(video, 250), 5)).isEqualTo(video);
    assertThat(levels(VideoFiles.read(VideoFiles.gif(video, 250), 3))).containsExactly(0, 200, 3);
  }

  @Test
  void a_gif_of_few_colours_reads_as_it_was_written() throws IOException {
    Video video = new Video(List.of(plain(6, 6, 200, 30, 40), plain(6, 6, 10, 20, 230)));

    assertThat(VideoFiles.read(VideoFiles.gif(video, 250), 2)).isEqualTo(video);
  }

  @Test
  void a_film_of_one_frame_stands_still() throws IOException {
    assertThat(levels(VideoFiles.read(VideoFiles.gif(greys(99), 100), 4)))
        .containsExactly(99, 99, 99, 99);
    assertThat(levels(VideoFiles.read(ImageFiles.png(plain(5, 4, 7, 7, 7)), 2)))
        .containsExactly(7, 7);
  }

  @Test
  void a_folder_is_read_in_the_order_of_its_numbers(@TempDir Path folder) throws IOException {
    for (int i = 1; i <= 12; i++) {
      Files.write(folder.resolve("frame" + i + ".png"), ImageFiles.png(plain(3, 3, i, i, i)));
    }
    Files.writeString(folder.resolve("about.txt"), "no frame");

    assertThat(levels(VideoFiles.read(folder, 12)))
        .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    assertThat(levels(VideoFiles.read(folder, 3))).containsExactly(1, 6, 12);
  }

  @Test
  void a_folder_whose_frames_change_their_size_is_an_error(@TempDir Path folder)
      throws IOException {
    Files.write(folder.resolve("a.png"), ImageFiles.png(plain(3, 3, 1, 1, 1)));
    Files.write(folder.resolve("b.png"), ImageFiles.png(plain(4, 3, 1, 1, 1)));

    assertThatThrownBy(() -> VideoFiles.read(folder, 2))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "'%s': frame 'b.png' has 4 x 3 pixels, the first has 3 x 3; resize the frames first",
            folder);
  }

  @Test
  void a_folder_without_frames_is_an_error(@TempDir Path folder) {
    assertThatThrownBy(() -> VideoFiles.read(folder, 2))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("a folder without an image; frames end in .png, .jpg");
  }

  @Test
  void frames_of_an_animated_png_lie_on_what_the_last_ones_left() throws IOException {
    // A grey canvas; a white square over it that is taken away again; a half-transparent one.
    byte[] file =
        new Png(4, 4)
            .frame(0, 0, 4, 4, 0, 0, 100, 255)
            .frame(1, 1, 2, 2, 2, 1, 255, 255)
            .frame(0, 0, 2, 2, 1, 1, 200, 128)
            .frame(3, 3, 1, 1, 0, 0, 50, 255)
            .file();

    Video video = VideoFiles.read(file, 4);

    assertThat(level(video, 0, 1, 1)).isEqualTo(100);
    assertThat(level(video, 1, 1, 1)).isEqualTo(255);
    assertThat(level(video, 1, 0, 0)).isEqualTo(100);
    // 200 · 128/255 + 100 · 127/255 = 150.2, and the white square is gone.
    assertThat(level(video, 2, 1, 1)).isEqualTo(150);
    assertThat(level(video, 2, 2, 2)).isEqualTo(100);
    // The half-transparent square has been cleared to black, the last one is put in place.
    assertThat(level(video, 3, 1, 1)).isZero();
    assertThat(level(video, 3, 3, 3)).isEqualTo(50);
  }

  private static int level(Video video, int frame, int x, int y) {
    return video.frames().get(frame).channel(x, y, 0);
  }

  /** Writes an animated PNG of grey with alpha. */
  static final class Png {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final List<byte[]> frames = new ArrayList<>();
    private final int width;
    private final int height;
    private int sequence;

    Png(int width, int height) {
      this.width = width;
      this.height = height;
    }

    Png frame(int x, int y, int w, int h, int disposal, int blend, int level, int alpha)
        throws IOException {
      ByteBuffer control = ByteBuffer.allocate(26).putInt(sequence++).putInt(w).putInt(h);
      control.putInt(x).putInt(y).putShort((short) 1).putShort((short) 10);
      frames.add(chunk("fcTL", control.put((byte) disposal).put((byte) blend).array()));
      ByteArrayOutputStream packed = new ByteArrayOutputStream();
      try (DeflaterOutputStream deflater = new DeflaterOutputStream(packed)) {
        for (int row = 0; row < h; row++) {
          deflater.write(0);
          for (int column = 0; column < w; column++) {
            deflater.write(level);
            deflater.write(alpha);
          }
        }
      }
      if (frames.size() == 1) {
        frames.add(chunk("IDAT", packed.toByteArray()));
      } else {
        frames.add(
            chunk(
                "fdAT",
                ByteBuffer.allocate(4 + packed.size())
                    .putInt(sequence++)
                    .put(packed.toByteArray())
                    .array()));
      }
      return this;
    }

    byte[] file() {
      out.writeBytes(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10});
      ByteBuffer header = ByteBuffer.allocate(13).putInt(width).putInt(height);
      out.writeBytes(chunk("IHDR", header.put(new byte[] {8, 4, 0, 0, 0}).array()));
      out.writeBytes(
          chunk("acTL", ByteBuffer.allocate(8).putInt(frames.size() / 2).putInt(0).array()));
      frames.forEach(out::writeBytes);
      out.writeBytes(chunk("IEND", new byte[0]));
      return out.toByteArray();
    }

    private static byte[] chunk(String type, byte[] data) {
      CRC32 crc = new CRC32();
      crc.update(type.getBytes(StandardCharsets.US_ASCII));
      crc.update(data);
      return ByteBuffer.allocate(12 + data.length)
          .putInt(data.length)
          .put(type.getBytes(StandardCharsets.US_ASCII))
          .put(data)
          .putInt((int) crc.getValue())
          .array();
    }
  }

  @Test
  void an_animated_png_with_fewer_frames_than_promised_is_an_error() throws IOException {
    byte[] file = new Png(2, 2).frame(0, 0, 2, 2, 0, 0, 9, 255).file();
    ByteBuffer.wrap(file).putInt(8 + 25 + 8, 2);
    CRC32 crc = new CRC32();
    crc.update(file, 8 + 25 + 4, 12);
    ByteBuffer.wrap(file).putInt(8 + 25 + 16, (int) crc.getValue());

    assertThatThrownBy(() -> VideoFiles.read(file, 2))
        .isInstanceOf(IOException.class)
        .hasMessage("1 frames of the 2 that the header promises");
  }

  /** What the MP4 resources show: a gradient, a red and a blue rectangle that move. */
  private static int drawn(int frame, int x, int y, int channel) {
    boolean red = y >= 10 && y < 26 && x >= 3 * frame + 2 && x < 3 * frame + 18;
    boolean blue = y >= 30 && y < 42 && x >= 50 - 3 * frame && x < 60 - 3 * frame;
    int[] colour =
        blue
            ? new int[] {20, 20, 230}
            : red ? new int[] {220, 30, 40} : new int[] {40 + 2 * x, 60 + 2 * y, 90};
    return colour[channel];
  }

  @ParameterizedTest
  @CsvSource({"baseline.mp4, 64, 48", "b-frames.mp4, 64, 48", "full-range-bt709.mp4, 62, 46"})
  void an_mp4_shows_what_was_drawn_in_the_order_of_time(String name, int width, int height)
      throws IOException {
    Video video = VideoFiles.read(resource(name), 12);

    assertThat(List.of(video.width(), video.height())).containsExactly(width, height);
    for (int f = 0; f < 12; f++) {
      long error = 0;
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          for (int c = 0; c < 3; c++) {
            error += Math.abs(video.frames().get(f).channel(x, y, c) - drawn(f, x, y, c));
          }
        }
      }
      // Mostly from chroma at half the size; a frame out of order would be off by more than 10.
      assertThat(error / (3.0 * width * height)).as("frame %d", f).isLessThan(4);
    }
    assertThat(VideoFiles.read(resource(name), 4).frames())
        .containsExactly(
            video.frames().get(0),
            video.frames().get(3),
            video.frames().get(7),
            video.frames().get(11));
  }

  /** Pixels as ffmpeg 9 decodes them, with chroma repeated. */
  @ParameterizedTest
  @CsvSource({
    "b-frames.mp4, 0, 5, 15, 223, 29, 44",
    "b-frames.mp4, 5, 25, 20, 221, 30, 40",
    "b-frames.mp4, 5, 60, 45, 163, 150, 90",
    "b-frames.mp4, 11, 20, 35, 19, 21, 230",
    "full-range-bt709.mp4, 0, 5, 15, 219, 30, 39",
    "full-range-bt709.mp4, 5, 60, 45, 161, 150, 90",
    "full-range-bt709.mp4, 11, 20, 35, 16, 18, 228",
  })
  void pixels_are_those_of_ffmpeg(
      String name, int frame, int x, int y, int red, int green, int blue) throws IOException {
    Image image = VideoFiles.read(resource(name), 12).frames().get(frame);

    assertThat(image.channel(x, y, 0)).isBetween(red - 1, red + 1);
    assertThat(image.channel(x, y, 1)).isBetween(green - 1, green + 1);
    assertThat(image.channel(x, y, 2)).isBetween(blue - 1, blue + 1);
  }

  @Test
  void another_codec_is_refused_by_its_name() {
    assertThatThrownBy(() -> VideoFiles.read(resource("hevc.mp4"), 4))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("hevc.mp4': an MP4 of codec hev1; only H.264 is read");
  }

  @Test
  void a_step_that_does_not_return_is_given_up() {
    try (Deadline deadline = new Deadline(Duration.ofMillis(20))) {
      assertThatThrownBy(
              () -> deadline.within("frame 3", () -> new CountDownLatch(1).await(1, HOURS)))
          .isInstanceOf(IOException.class)
          .hasMessage("frame 3 was not decoded within 0 seconds; is it damaged?");
    }
  }

  /** Not one with arithmetic coding: damage to it may only show after the limit of time. */
  @ParameterizedTest
  @ValueSource(strings = {"baseline.mp4", "gif", "png"})
  void damage_is_an_error_or_a_film_but_never_another_exception(String name) throws IOException {
    byte[] whole =
        switch (name) {
          case "gif" -> VideoFiles.gif(greys(1, 2, 3), 100);
          case "png" ->
              new Png(4, 4)
                  .frame(0, 0, 4, 4, 0, 0, 100, 255)
                  .frame(1, 1, 2, 2, 2, 1, 255, 255)
                  .file();
          default -> Files.readAllBytes(resource(name));
        };
    SplittableRandom random = new SplittableRandom(11);
    int errors = 0;
    for (int trial = 0; trial < 150; trial++) {
      byte[] file =
          Arrays.copyOf(whole, trial % 3 == 0 ? random.nextInt(whole.length) : whole.length);
      for (int i = 0; i < 1 + trial % 4 && file.length > 0; i++) {
        file[random.nextInt(file.length)] = (byte) random.nextInt();
      }
      try {
        assertThat(VideoFiles.read(file, 4).frames()).hasSize(4);
      } catch (IOException e) {
        assertThat(e.getMessage()).isNotBlank();
        errors++;
      }
    }
    assertThat(errors).isPositive();
  }

  @ParameterizedTest
  @ValueSource(strings = {"baseline.mp4", "gif", "png"})
  void a_truncated_film_is_an_error(String name) throws IOException {
    byte[] whole =
        switch (name) {
          case "gif" -> VideoFiles.gif(greys(1, 2, 3), 100);
          case "png" -> new Png(4, 4).frame(0, 0, 4, 4, 0, 0, 100, 255).file();
          default -> Files.readAllBytes(resource(name));
        };
    for (double part : new double[] {.2, .5, .8, .97}) {
      byte[] file = Arrays.copyOf(whole, (int) (part * whole.length));
      assertThatThrownBy(() -> VideoFiles.read(file, 2))
          .as("%.0f %% of %s", 100 * part, name)
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void what_is_no_film_is_refused_by_name(@TempDir Path folder) throws IOException {
    Path text = Files.writeString(folder.resolve("film.mp4"), "a text");

    assertThatThrownBy(() -> VideoFiles.read(text, 4))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("film.mp4': 6 bytes that are no film of a known format");
    assertThatThrownBy(() -> VideoFiles.read(folder.resolve("none.gif"), 4))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> VideoFiles.read(text, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("at least one frame is sampled, not 0");
  }

  @Test
  void frames_of_a_video_have_one_size() {
    assertThatThrownBy(() -> new Video(List.of(plain(2, 2, 0, 0, 0), plain(2, 3, 0, 0, 0))))
        .hasMessage("frame 1 has 2 x 3 pixels, the first has 2 x 2");
    assertThatThrownBy(() -> new Video(List.of())).hasMessageContaining("at least one frame");
  }
}
