package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.MiniTask;

class BoxSheetTest {
  private static final List<Question> EXAMPLES = Capability.of(MiniTask.GROUNDING).examples(2);

  @Test
  void overlap_is_shared_area_over_the_area_of_both() {
    // 8 × 8 pixels each, shifted by four to the right: 32 shared of 96
    assertThat(BoxSheet.overlap("<c0> <c0> <c3> <c3>", "<c2> <c0> <c5> <c3>"))
        .isCloseTo(1 / 3.0, within(1e-12));
    assertThat(BoxSheet.overlap("<c0> <c0> <c3> <c3>", "<c0> <c0> <c3> <c3>")).isEqualTo(1);
  }

  @Test
  void what_is_no_box_or_covers_nothing_overlaps_nothing() {
    assertThat(BoxSheet.overlap("<c0> <c0> <c3> <c3>", "triangle")).isZero();
    assertThat(BoxSheet.overlap("<c0> <c0> <c3> <c3>", "<c3> <c0> <c0> <c3>")).isZero();
  }

  @Test
  void a_box_is_drawn_in_its_models_colour() {
    BufferedImage without = BoxSheet.of(EXAMPLES, Map.of("tsv", List.of("", "")), 2);
    BufferedImage with =
        BoxSheet.of(EXAMPLES, Map.of("tsv", List.of("<c0> <c0> <c23> <c23>", "")), 2);

    assertThat(with.getWidth()).isEqualTo(without.getWidth());
    assertThat(differences(with, without)).isGreaterThan(500);
  }

  @Test
  void every_example_needs_an_answer_of_every_model() {
    assertThatThrownBy(() -> BoxSheet.of(EXAMPLES, Map.of("tsv", List.of("")), 2))
        .hasMessage("'tsv' has 1 answers to 2 examples");
  }

  private static int differences(BufferedImage a, BufferedImage b) {
    int differences = 0;
    for (int y = 0; y < a.getHeight(); y++) {
      for (int x = 0; x < a.getWidth(); x++) {
        differences += a.getRGB(x, y) == b.getRGB(x, y) ? 0 : 1;
      }
    }
    return differences;
  }
}
