package org.optmerge.benchmark.mini.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.benchmark.mini.Color;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.model.audio.FilterBank;
import org.optmerge.model.audio.LogMel;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Video;

class StageMediaTest {
  /** The audio encoder's: 40 ms every 20 ms, to 4 kHz, normalised. */
  private static final FilterBank FILTER_BANK =
      new FilterBank(Audio.SAMPLE_RATE, 640, 320, StageMedia.SIDE, 40, 4000, .97, 17.2, 3.0);

  private static StageScene scene(MiniSplit split, int index) {
    return StageScene.draw(MiniGenerator.SEED, split, index);
  }

  /** The first 8 bytes of SHA-256 over twenty scenes, recorded once: what models are trained on. */
  @ParameterizedTest
  @CsvSource({
    "EXPERT, f4231509ec45a2f7, ae4afa6dc2b29153, 69afcb9f9274219b, 934ba67989352457",
    "VALIDATION, eedd44fc74c769b7, 6a5408ca6625e912, b7276c360639eb34, 99d5d5e36c389c17",
    "TEST, ac7797e6ea5ba49a, 5f7bf1963f14dee3, 8f2c3aab9176d335, 6748261e408e0e02",
  })
  void pictures_sounds_energies_and_films_are_the_recorded_ones(
      MiniSplit split, String pictures, String sounds, String energies, String films) {
    MessageDigest picture = sha256();
    MessageDigest sound = sha256();
    MessageDigest energy = sha256();
    MessageDigest film = sha256();
    for (int i = 0; i < 20; i++) {
      StageScene scene = scene(split, i);
      picture.update(StageMedia.picture(scene).rgb());
      sound.update(bytes(StageMedia.sound(scene).samples()));
      energy.update(bytes(FILTER_BANK.of(StageMedia.sound(scene)).values()));
      StageMedia.film(scene).frames().forEach(frame -> film.update(frame.rgb()));
    }
    assertThat(List.of(hex(picture), hex(sound), hex(energy), hex(film)))
        .containsExactly(pictures, sounds, energies, films);
  }

  private static byte[] bytes(float[] values) {
    ByteBuffer buffer = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asFloatBuffer().put(values);
    return buffer.array();
  }

  private static String hex(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest()).substring(0, 16);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  @Test
  void each_has_its_size() {
    StageScene scene = scene(MiniSplit.TEST, 0);
    Video film = StageMedia.film(scene);
    LogMel mel = FILTER_BANK.of(StageMedia.sound(scene));

    assertThat(StageMedia.picture(scene))
        .extracting(Image::width, Image::height)
        .containsExactly(48, 48);
    assertThat(StageMedia.sound(scene))
        .extracting(Audio::sampleRate, a -> a.samples().length)
        .containsExactly(16_000, 15_680);
    assertThat(List.of(mel.frames(), mel.bins())).containsExactly(48, 48);
    assertThat(film.frames()).hasSize(4);
    assertThat(List.of(film.width(), film.height())).containsExactly(48, 48);
  }

  @Test
  void a_scene_looks_and_sounds_the_same_whoever_draws_it_when() {
    List<Integer> inOrder =
        IntStream.range(0, 40).map(i -> hash(scene(MiniSplit.TEST, i))).boxed().toList();
    int[] inParallel = new int[40];
    IntStream.range(0, 40)
        .parallel()
        .forEach(i -> inParallel[39 - i] = hash(scene(MiniSplit.TEST, 39 - i)));

    assertThat(Arrays.stream(inParallel).boxed()).containsExactlyElementsOf(inOrder);
  }

  private static int hash(StageScene scene) {
    return List.of(
            StageMedia.picture(scene), StageMedia.sound(scene), StageMedia.film(scene).frames())
        .hashCode();
  }

  @Tag("slow")
  @Test
  void the_picture_has_each_instrument_in_its_colour_and_third() {
    for (int i = 0; i < 200; i++) {
      StageScene scene = scene(MiniSplit.VALIDATION, i);
      Image picture = StageMedia.picture(scene);
      for (Player player : scene.players()) {
        int left = 16 * player.place().ordinal();
        long own = near(picture, left, left + 16, player.color());
        assertThat(own).as("%s in scene %d", player, i).isBetween(20L, 121L);
        assertThat(near(picture, 0, 48, player.color())).isEqualTo(own);
      }
    }
  }

  /** Pixels of some columns whose nearest colour of all, and of grey, is this one. */
  private static long near(Image image, int from, int to, Color color) {
    long count = 0;
    for (int y = 0; y < 48; y++) {
      for (int x = from; x < to; x++) {
        int px = x;
        int py = y;
        int[] rgb = IntStream.range(0, 3).map(c -> image.channel(px, py, c)).toArray();
        int spread =
            Arrays.stream(rgb).max().orElseThrow() - Arrays.stream(rgb).min().orElseThrow();
        Color nearest =
            StageScene.COLORS.stream()
                .min(Comparator.comparingInt(c -> distance(c, rgb)))
                .orElseThrow();
        count += spread > 40 && nearest == color ? 1 : 0;
      }
    }
    return count;
  }

  private static int distance(Color color, int[] rgb) {
    return IntStream.range(0, 3)
        .map(c -> (color.channel(c) - rgb[c]) * (color.channel(c) - rgb[c]))
        .sum();
  }

  @Test
  void a_film_has_no_colour_and_each_instrument_moves_its_way() {
    for (int i = 0; i < 100; i++) {
      StageScene scene = scene(MiniSplit.VALIDATION, i);
      Video film = StageMedia.film(scene);
      for (Image frame : film.frames()) {
        for (int p = 0; p < 48 * 48; p++) {
          assertThat(frame.rgb()[3 * p]).isEqualTo(frame.rgb()[3 * p + 1]);
          assertThat(frame.rgb()[3 * p]).isEqualTo(frame.rgb()[3 * p + 2]);
        }
      }
      for (Player player : scene.players()) {
        double[] first = middle(film.frames().get(0), player);
        double[] last = middle(film.frames().get(3), player);
        double along =
            (last[0] - first[0]) * player.direction().dx()
                + (last[1] - first[1]) * player.direction().dy();
        assertThat(along).as("%s in scene %d", player, i).isGreaterThan(1.5);
      }
    }
  }

  /** The middle of the dark pixels in a player's third of a frame. */
  private static double[] middle(Image frame, Player player) {
    int left = player.filmed() == Place.LEFT ? 0 : player.filmed() == Place.MIDDLE ? 16 : 32;
    double x = 0;
    double y = 0;
    int count = 0;
    for (int row = 0; row < 48; row++) {
      for (int column = left; column < left + 16; column++) {
        if (frame.channel(column, row, 0) < 155) {
          x += column;
          y += row;
          count++;
        }
      }
    }
    return new double[] {x / count, y / count};
  }

  @Test
  void notes_are_heard_in_their_slots_and_only_there() {
    for (int i = 0; i < 100; i++) {
      StageScene scene = scene(MiniSplit.VALIDATION, i);
      float[] samples = StageMedia.sound(scene).samples();
      for (int slot = 0; slot < StageScene.SLOTS; slot++) {
        double energy = 0;
        for (int s = 0; s < StageMedia.SLOT; s++) {
          float sample = samples[slot * StageMedia.SLOT + s];
          energy += sample * sample;
        }
        double level = Math.sqrt(energy / StageMedia.SLOT);
        if (slot < scene.notes().size()) {
          assertThat(level).as("scene %d, slot %d", i, slot).isGreaterThan(.02);
        } else {
          assertThat(level).as("scene %d, slot %d", i, slot).isLessThan(.01);
        }
      }
    }
  }

  @Test
  void no_sound_is_clipped_and_all_are_of_16_bits() {
    for (int i = 0; i < 300; i++) {
      for (float sample : StageMedia.sound(scene(MiniSplit.EXPERT, i)).samples()) {
        assertThat(sample * 32_768).isEqualTo((float) Math.rint(sample * 32_768));
        assertThat(Math.abs(sample)).isLessThan(.999f);
      }
    }
  }

  @Test
  void energies_have_a_mean_of_zero_and_a_deviation_of_one_about() {
    double sum = 0;
    double squares = 0;
    int count = 0;
    for (int i = 0; i < 100; i++) {
      for (float value : FILTER_BANK.of(StageMedia.sound(scene(MiniSplit.EXPERT, i))).values()) {
        sum += value;
        squares += value * value;
        count++;
      }
    }
    double mean = sum / count;
    assertThat(mean).isBetween(-.1, .1);
    assertThat(Math.sqrt(squares / count - mean * mean)).isBetween(.9, 1.1);
  }

  @ParameterizedTest
  @EnumSource(Instrument.class)
  void every_instrument_has_an_icon_of_its_own(Instrument instrument) {
    Icon icon = Icon.of(instrument);

    assertThat(icon.rows()).hasSize(Icon.SIDE).allMatch(row -> row.length() == Icon.SIDE);
    for (Instrument other : Instrument.ALL) {
      assertThat(Icon.of(other).equals(icon)).isEqualTo(other == instrument);
    }
  }
}
