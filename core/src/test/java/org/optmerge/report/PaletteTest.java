package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.Color;
import java.util.List;
import org.junit.jupiter.api.Test;

class PaletteTest {
  private static final List<String> TASKS = List.of("vqa", "geometry", "chart", "ocr", "grounding");

  @Test
  void a_task_has_the_same_colour_in_every_company() {
    Color chart = Palette.ofTasks(TASKS).get(2);

    assertThat(Palette.ofTasks(List.of("chart"))).containsExactly(chart);
    assertThat(Palette.ofTasks(List.of("stranger", "Chart")).get(1)).isEqualTo(chart);
  }

  @Test
  void a_method_has_the_same_colour_in_every_company_and_shares_it_with_its_family() {
    Color ties = Palette.ofMethods(List.of("base", "ties-tensor", "optmerge-lora")).get(1);

    assertThat(Palette.ofMethods(List.of("ties-tensor"))).containsExactly(ties);
    assertThat(Palette.ofMethods(List.of("ties_global"))).containsExactly(ties);
    assertThat(Palette.ofMethods(List.of("task-arithmetic", "task_arithmetic")).stream().distinct())
        .hasSize(1);
  }

  @Test
  void the_five_tasks_can_be_told_apart_in_grey() {
    List<Double> lightness =
        Palette.ofTasks(TASKS).stream().map(Palette::lightness).sorted().toList();

    for (int i = 1; i < lightness.size(); i++) {
      assertThat(lightness.get(i) - lightness.get(i - 1)).isGreaterThan(15);
    }
  }

  @Test
  void names_that_are_not_listed_get_colours_that_differ_within_a_figure() {
    List<String> names = List.of("ft1", "ft2", "ft3", "ft9", "mine", "yours");

    assertThat(Palette.ofTasks(names)).doesNotHaveDuplicates().isEqualTo(Palette.ofTasks(names));
    assertThat(Palette.ofMethods(names)).doesNotHaveDuplicates();
  }

  @Test
  void white_is_the_lightest_and_black_the_darkest() {
    assertThat(Palette.lightness(Color.WHITE)).isEqualTo(255);
    assertThat(Palette.lightness(Color.BLACK)).isZero();
  }
}
