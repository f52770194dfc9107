package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.stage.StageMedia;
import org.optmerge.benchmark.mini.stage.StageScene;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Image;

class SpectrogramTest {
  private static Audio tone(double hertz, int rate, double seconds) {
    float[] samples = new float[(int) (rate * seconds)];
    for (int i = 0; i < samples.length; i++) {
      samples[i] = (float) (.5 * Math.sin(2 * Math.PI * hertz * i / rate));
    }
    return new Audio(rate, samples);
  }

  @ParameterizedTest
  @ValueSource(ints = {8000, 16_000, 44_100})
  void a_tone_is_a_dark_line_at_its_pitch(int rate) {
    Image image = Spectrogram.of(tone(1000, rate, 1));

    assertThat(List.of(image.width(), image.height())).containsExactly(96, 96);
    int darkest = 0;
    for (int y = 0; y < 96; y++) {
      darkest = image.channel(48, y, 0) < image.channel(48, darkest, 0) ? y : darkest;
    }
    // 1000 mel of 62.7 to 2840 in steps of 28.6: the 33rd band from below.
    assertThat(95 - darkest).isBetween(31, 33);
    assertThat(image.channel(48, darkest, 0)).isEqualTo(Palette.INK.getRed());
    assertThat(image.channel(48, 2, 0)).isGreaterThan(240);
  }

  @Test
  void a_higher_tone_is_higher_and_a_pause_is_white() {
    float[] both = new float[16_000];
    System.arraycopy(tone(300, 16_000, .4).samples(), 0, both, 0, 6400);
    System.arraycopy(tone(3000, 16_000, .4).samples(), 0, both, 9600, 6400);
    Image image = Spectrogram.of(new Audio(16_000, both));

    assertThat(darkest(image, 15)).isGreaterThan(darkest(image, 80) + 30);
    for (int y = 0; y < 96; y++) {
      assertThat(image.channel(48, y, 0)).isGreaterThan(250);
    }
  }

  private static int darkest(Image image, int x) {
    int darkest = 0;
    for (int y = 0; y < image.height(); y++) {
      darkest = image.channel(x, y, 0) < image.channel(x, darkest, 0) ? y : darkest;
    }
    return darkest;
  }

  @ParameterizedTest
  @ValueSource(doubles = {.001, .04, .2, 30})
  void a_sound_of_any_length_has_a_picture(double seconds) {
    Image image = Spectrogram.of(tone(500, 16_000, seconds));

    assertThat(image.height()).isEqualTo(96);
    assertThat(image.width()).isBetween(1, 96);
  }

  @Test
  void a_card_of_a_scene_has_a_picture_a_player_and_a_film() {
    StageScene scene = StageScene.draw(MiniGenerator.SEED, MiniSplit.TEST, 3);
    Question example =
        new Question(
            "3",
            "stage",
            "image+audio",
            List.of(StageMedia.picture(scene), StageMedia.sound(scene), StageMedia.film(scene)),
            "what color is the sounding instrument ?",
            List.of("yellow"),
            Map.of());

    String html = CardHtml.html(new Card(example, List.of()));

    assertThat(html)
        .containsOnlyOnce("<audio controls")
        .containsOnlyOnce("data:audio/wav;base64,UklGR")
        .containsOnlyOnce("data:image/gif;base64,R0lGOD");
    assertThat(html.split("data:image/png", -1)).hasSize(3);
  }

  @Test
  void a_contact_sheet_shows_pictures_sounds_and_films() {
    StageScene scene = StageScene.draw(MiniGenerator.SEED, MiniSplit.TEST, 3);
    Question whole =
        new Question(
            "3",
            "stage",
            "all",
            List.of(StageMedia.picture(scene), StageMedia.sound(scene), StageMedia.film(scene)),
            "what color is the instrument that moves up ?",
            List.of("red"),
            Map.of());
    Question film =
        new Question(
            "3", "stage", "video", List.of(StageMedia.film(scene)), "?", List.of("up"), Map.of());

    var sheet = ContactSheet.of("Stage", List.of(whole, film), 2);

    // Two pixels of the file for one of the layout: margin 28, title 34, heading 34, then a card.
    int left = 2 * 28;
    int top = 2 * (28 + 34 + 34);
    assertThat(distinct(sheet, left + 2, top + 2, 188)).as("picture").isGreaterThan(500);
    assertThat(distinct(sheet, left + 194, top + 2, 188)).as("spectrogram").isGreaterThan(20);
    assertThat(distinct(sheet, left + 290, top + 194, 90)).as("last frame").isGreaterThan(20);
    assertThat(distinct(sheet, left + 2 * 212 + 194, top + 194, 188)).as("alone").isGreaterThan(20);
  }

  private static long distinct(BufferedImage sheet, int left, int top, int side) {
    return Arrays.stream(sheet.getRGB(left, top, side, side, null, 0, side)).distinct().count();
  }
}
