package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.benchmark.Question;
import org.optmerge.model.media.Image;

class ContactSheetTest {
  private static final int RED = 0xff0000;
  private static final int WHITE = 0xffffff;

  /** All of one colour. */
  private static Question example(int width, int height, String question, String answer) {
    byte[] rgb = new byte[3 * width * height];
    for (int i = 0; i < rgb.length; i += 3) {
      rgb[i] = (byte) 255;
    }
    return new Question(
        "a",
        "VQA",
        "color",
        List.of(new Image(width, height, rgb)),
        question,
        List.of(answer),
        Map.of());
  }

  private static BufferedImage sheet(Question... examples) {
    return ContactSheet.of("title", List.of(examples), 3);
  }

  private static long count(BufferedImage sheet, int rgb) {
    return IntStream.range(0, sheet.getHeight())
        .mapToLong(
            y ->
                IntStream.range(0, sheet.getWidth())
                    .filter(x -> (sheet.getRGB(x, y) & WHITE) == rgb)
                    .count())
        .sum();
  }

  @Test
  void a_small_picture_is_enlarged_by_a_whole_number() {
    BufferedImage sheet = sheet(example(48, 48, "what color ?", "red"));

    // 4 × 4 × 2 × 2 for a pixel, less a frame of light grey: one line of 2 × 2 on all sides.
    int side = 2 * 4 * 48;
    assertThat(count(sheet, RED)).isBetween((long) (side - 4) * (side - 4), (long) side * side);
  }

  @Test
  void a_large_picture_is_made_to_fit() {
    BufferedImage sheet = sheet(example(960, 480, "what color ?", "red"));

    assertThat(count(sheet, RED)).isBetween(380L * 188, 384L * 192);
  }

  @Test
  void a_sheet_grows_by_rows_and_tasks_and_not_by_examples_of_a_row() {
    Question one = example(48, 48, "q", "a");
    Question other = new Question("b", "Chart", "value", one.media(), "q", List.of("a"), Map.of());

    int single = sheet(one).getHeight();
    assertThat(sheet(one, one, one).getHeight()).isEqualTo(single);
    int two = sheet(one, one, one, one).getHeight();
    assertThat(two).isGreaterThan(single + 2 * 192);
    assertThat(sheet(one, other).getHeight()).isGreaterThan(two);
    assertThat(sheet(one).getWidth()).isEqualTo(sheet(one, one, one).getWidth());
  }

  @Test
  void a_box_is_drawn_into_its_picture() {
    Question named = example(48, 48, "locate it", "<c5> <c5> <c9> <c9>");

    // Pixels 10 to 19: the middle of the left side is at (10, 15).
    BufferedImage sheet = sheet(named);
    int left = 2 * (28 + 4 * 10);
    int top = 2 * (28 + 34 + 34 + 4 * 15);
    assertThat(sheet.getRGB(left, top) & WHITE).isNotEqualTo(RED);
    assertThat(sheet.getRGB(left + 20, top) & WHITE).isEqualTo(RED);
    assertThat(sheet.getRGB(left - 20, top) & WHITE).isEqualTo(RED);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 40, 2000})
  void text_of_any_length_stays_below_its_picture(int words) {
    Question wordy = example(48, 48, "word ".repeat(words) + "?", "answer ".repeat(words));
    Question none = example(48, 48, "q", "a");

    BufferedImage sheet = sheet(wordy, none);
    // Nothing is written between the first picture and the second.
    int from = 2 * (28 + 192 + 4);
    for (int x = from; x < from + 2 * 12; x++) {
      for (int y = 2 * (28 + 34 + 34); y < sheet.getHeight(); y++) {
        assertThat(sheet.getRGB(x, y) & WHITE).isEqualTo(WHITE);
      }
    }
  }

  @Test
  void an_empty_sheet_is_refused() {
    assertThatThrownBy(() -> ContactSheet.of("title", List.of(), 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("needs an example and a column");
  }
}
