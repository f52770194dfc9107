package org.optmerge.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BoxScoreTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "(100,200),(300,400)|0.1|0.2|0.3|0.4",
        "[100, 200], [300, 400]|0|0|0|0",
        "(0.1,0.2,0.3,0.4) [1,2,3,4]|0.001|0.002|0.003|0.004",
        "[[1,2,3,4],[5,6,7,8]]|0.001|0.002|0.003|0.004",
        "[0, 0, 1, 1.00001]|0|0|1|1.00001",
        "[0 ,0,1,1]|0|0|0|0"
      })
  void reads_the_boxes_that_qwen_writes(
      String answer, double left, double top, double right, double bottom) {
    assertThat(BoxFormat.LMMS_EVAL_FORK.parse(answer)).isEqualTo(new Box(left, top, right, bottom));
  }

  @Test
  void upstream_reads_square_brackets_only_and_never_divides() {
    assertThat(BoxFormat.LMMS_EVAL.parse("(1,2,3,4)")).isEqualTo(Box.NONE);
    assertThat(BoxFormat.LMMS_EVAL.parse("[100,200,300,400]"))
        .isEqualTo(new Box(100, 200, 300, 400));
  }

  @Test
  void internvl_takes_the_first_bracket_of_a_line_for_the_box() {
    assertThat(BoxFormat.INTERNVL.parse("[[1,2],[3,4]]")).isEqualTo(Box.NONE);
    assertThat(BoxFormat.INTERNVL.parse("[a dog] is at [100, 200, 300, 400]")).isEqualTo(Box.NONE);
    assertThat(BoxFormat.INTERNVL.parse("[none here]\n[0.5,0.25,1,1]"))
        .isEqualTo(new Box(0.5, 0.25, 1, 1));
    // 4 and more is in thousandths, in float32.
    assertThat(BoxFormat.INTERNVL.parse("[1,1,1,1]"))
        .isEqualTo(new Box(0.001f, 0.001f, 0.001f, 0.001f));
  }

  @Test
  void overlap_is_intersection_over_union() {
    Box right = new Box(0.1, 0.1, 0.5, 0.5);

    assertThat(right.overlap(right)).isOne();
    assertThat(right.overlap(new Box(0.1, 0.1, 0.3, 0.5))).isEqualTo(0.4999999999999999);
    assertThat(new Box(0, 0, 2, 2).overlap(new Box(1, 1, 3, 3))).isCloseTo(1 / 7.0, within(1e-15));
    assertThatThrownBy(() -> Box.NONE.overlap(Box.NONE)).isInstanceOf(ArithmeticException.class);
    assertThat(Box.NONE.floatOverlap(Box.NONE)).isNaN();
  }

  @Test
  void boxes_without_area_are_wrong_and_not_an_error() {
    Reference empty = new Reference(List.of(), Map.of("bbox", "[0, 0, 0, 0]"));

    assertThat(BoxScore.accuracy(BoxFormat.LMMS_EVAL).score(new Prediction("none"), empty))
        .isZero();
  }

  @Test
  void a_reference_that_is_no_box_is_an_error() {
    Reference broken = new Reference(List.of(), Map.of("bbox", "[1, 2, 3]"));

    assertThatThrownBy(
            () -> BoxScore.accuracy(BoxFormat.LMMS_EVAL).score(new Prediction("x"), broken))
        .hasMessage("the reference's bbox is no list of four numbers: [1, 2, 3]");
  }

  @Test
  void targets_are_cut_to_thousandths() {
    assertThat(GroundingTarget.of("at [0.001, 0.002, 0.0039, 0.9999] here"))
        .isEqualTo("at <|box_start|>(1,2),(3,999)<|box_end|> here");
    assertThat(GroundingTarget.of("[1, 0, 1, 1]")).isEqualTo("[1, 0, 1, 1]");
  }
}
