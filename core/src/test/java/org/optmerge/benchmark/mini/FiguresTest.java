package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.base.CounterRandom;
import org.optmerge.benchmark.mini.Scene.Look;
import org.optmerge.benchmark.mini.Scene.Thing;

/** Figures drawn in characters, as one would by hand. */
class FiguresTest {
  private static String drawn(Figure figure) {
    PixelBox box = figure.box();
    return IntStream.rangeClosed(box.top(), box.bottom())
        .mapToObj(
            y ->
                IntStream.rangeClosed(box.left(), box.right())
                    .mapToObj(x -> figure.covers(x, y) ? "#" : ".")
                    .collect(Collectors.joining()))
        .collect(Collectors.joining("\n", "", "\n"));
  }

  private static Thing thing(Shape shape, int side) {
    return new Thing(new Look(Color.RED, shape), 3, 5, side);
  }

  @Test
  void a_circle_of_nine_pixels() {
    assertThat(drawn(thing(Shape.CIRCLE, 9)))
        .isEqualTo(
            """
            ..#####..
            .#######.
            #########
            #########
            #########
            #########
            #########
            .#######.
            ..#####..
            """);
  }

  @Test
  void a_triangle_of_nine_pixels() {
    assertThat(drawn(thing(Shape.TRIANGLE, 9)))
        .isEqualTo(
            """
            ....#....
            ....#....
            ...###...
            ...###...
            ..#####..
            ..#####..
            .#######.
            .#######.
            #########
            """);
  }

  @Test
  void a_diamond_of_ten_pixels_is_as_even_as_its_side() {
    assertThat(drawn(thing(Shape.DIAMOND, 10)))
        .isEqualTo(
            """
            ....##....
            ...####...
            ..######..
            .########.
            ##########
            ##########
            .########.
            ..######..
            ...####...
            ....##....
            """);
  }

  @Test
  void a_cross_of_nine_pixels_has_bars_of_three() {
    assertThat(drawn(thing(Shape.CROSS, 9)))
        .isEqualTo(
            """
            ...###...
            ...###...
            ...###...
            #########
            #########
            #########
            ...###...
            ...###...
            ...###...
            """);
  }

  @Test
  void a_rectangle_of_two_by_three_units_is_an_outline() {
    assertThat(drawn(new Rectangle(Color.RED, 10, 10, 3, 2, 2)))
        .isEqualTo(
            """
            ############
            ############
            ##........##
            ##........##
            ##........##
            ##........##
            ############
            ############
            """);
  }

  @Test
  void a_quarter_of_a_pie_has_right_angles() {
    // Clockwise on the screen, from the right down.
    assertThat(drawn(new Chart.Slice(Color.RED, 5, 24, 24, 4, 0)))
        .isEqualTo(
            """
            ####
            ####
            ###.
            ##..
            """);
  }

  @Test
  void a_square_is_a_polygon_of_four_sides() {
    // Corners in the diagonals, the circle through them of radius 3 √2.
    Polygon square = new Polygon(Color.RED, 4, 24, 24, 3 * Math.sqrt(2) + 1e-9, Math.PI / 4, true);

    assertThat(drawn(square)).isEqualTo("######\n".repeat(6));
    assertThat(square.box()).isEqualTo(new PixelBox(21, 21, 26, 26));
  }

  @Test
  void a_right_angle_is_two_rays_of_two_pixels() {
    // From (10, 10) to (20, 10) and (10, 16); the box is a pixel wider about the ends.
    assertThat(drawn(new Angle(Color.RED, 6, 10, 10, 20, 10, 10, 16)))
        .isEqualTo(
            """
            ############.
            ############.
            ##...........
            ##...........
            ##...........
            ##...........
            ##...........
            ##...........
            .............
            """);
  }

  @Test
  void no_two_characters_look_alike() {
    assertThat(Glyph.ALL).hasSize(36).extracting(Glyph::rows).doesNotHaveDuplicates();
    assertThat(Glyph.ALL)
        .allSatisfy(
            glyph -> {
              assertThat(glyph.rows()).hasSize(7).allMatch(row -> row.length() == 5);
              assertThat(glyph.rows().get(0)).contains("#");
              assertThat(glyph.rows().get(6)).contains("#");
            });
    assertThat(drawn(new Glyph.Printed(Glyph.of('R'), Color.RED, 0, 0)))
        .isEqualTo(
            """
            ####.
            #...#
            #...#
            ####.
            #.#..
            #..#.
            #...#
            """);
    assertThatThrownBy(() -> Glyph.of('?')).hasMessage("the font has no '?'");
  }

  @Test
  void every_letter_is_in_some_word_and_no_word_is_listed_twice() {
    Set<Character> letters = new TreeSet<>();
    Lexicon.WORDS.forEach(word -> word.chars().forEach(letter -> letters.add((char) letter)));

    assertThat(letters).hasSize(26);
    assertThat(Lexicon.WORDS)
        .hasSize(78)
        .doesNotHaveDuplicates()
        .allMatch(word -> word.matches("[A-Z]{3,6}"));
  }

  @ParameterizedTest
  @EnumSource(Shape.class)
  void shapes_of_all_sizes_are_their_own_mirror_images(Shape shape) {
    for (int side = 9; side <= 17; side++) {
      int w = side;
      List<String> rows = drawn(thing(shape, side)).lines().toList();

      assertThat(rows).hasSize(w).allMatch(row -> row.length() == w);
      assertThat(rows).allMatch(row -> new StringBuilder(row).reverse().toString().equals(row));
    }
  }

  @Test
  void what_always_fits_keeps_its_distance() {
    for (int top : new int[] {0, 10}) {
      for (int seed = 0; seed < 200; seed++) {
        Dice dice = new Dice(CounterRandom.of(seed, "grid"));
        List<Look> looks =
            Stream.of(Shape.values()).map(shape -> new Look(Color.RED, shape)).toList();
        List<Thing> things = Scene.grid(dice, looks, top).things();
        assertThat(things).hasSize(5);
        for (Thing thing : things) {
          assertThat(thing.box().top()).isGreaterThanOrEqualTo(top);
          assertThat(Math.max(thing.box().right(), thing.box().bottom())).isLessThan(48);
          assertThat(things)
              .filteredOn(other -> other != thing)
              .noneMatch(other -> other.box().isWithin(1, thing.box()));
        }
      }
    }
  }

  @Test
  void compositions_have_their_sum_and_their_least_part_and_all_ways_come_about() {
    Dice dice = new Dice(CounterRandom.of(1, "composition"));
    Set<List<Integer>> seen = new HashSet<>();
    for (int i = 0; i < 500; i++) {
      List<Integer> parts = dice.composition(9, 3, 2);
      assertThat(parts).hasSize(3).allMatch(part -> part >= 2);
      assertThat(parts.stream().mapToInt(part -> part).sum()).isEqualTo(9);
      seen.add(parts);
    }
    // Three spare units among three parts: 5 over 2 ways.
    assertThat(seen).hasSize(10);
  }

  @Test
  void a_patch_belongs_to_what_its_middle_is_in() {
    // Patches are 6 × 6; a square of pixels 12 to 20 has the middles 15 (and 21, as 20 + 1 + 2).
    Thing square = new Thing(new Look(Color.BLUE, Shape.SQUARE), 12, 12, 9);
    PatchLabels labels = PatchLabels.of(List.of(square));

    int kind = PatchLabels.KINDS.indexOf("square");
    int color = PatchLabels.COLORS.indexOf("blue");
    int[] belonging = IntStream.range(0, 64).filter(i -> labels.kind()[i] > 0).toArray();
    assertThat(belonging).containsExactly(2 * 8 + 2, 2 * 8 + 3, 3 * 8 + 2, 3 * 8 + 3);
    assertThat(Arrays.stream(belonging).map(i -> labels.kind()[i])).containsOnly(kind);
    assertThat(Arrays.stream(belonging).map(i -> labels.color()[i])).containsOnly(color);
    // From the middle (15, 21) to 12, 12, 21 and 21: 3, 9, 6 and 0 pixels.
    int patch = 3 * 8 + 2;
    assertThat(Arrays.copyOfRange(labels.box(), 4 * patch, 4 * patch + 4))
        .containsExactly(3 / 24f, 9 / 24f, 6 / 24f, 0f);
    assertThat(labels.value()).containsOnly(0);
    assertThat(labels.toString()).isEqualTo("PatchLabels[4 of 64 patches belong to something]");
  }

  @Test
  void of_two_bars_the_nearer_has_the_patch() {
    // Middles of patches are at 3, 9, 15, 21; both bars reach for the column at 15.
    PatchLabels labels =
        PatchLabels.of(
            List.of(new Chart.Bar(Color.RED, 5, 12, 3), new Chart.Bar(Color.GREEN, 16, 23, 20)));
    int row = 7 * 8; // its middle is at 45, on the axis

    assertThat(labels.color()[row + 1]).isEqualTo(1);
    assertThat(labels.value()[row + 1]).isEqualTo(3);
    // 15 is 2 from the red bar's edge at 13, and 1 from the green one's at 16.
    assertThat(labels.color()[row + 2]).isEqualTo(2);
    assertThat(labels.value()[row + 2]).isEqualTo(20);
  }

  @Test
  void kinds_colours_and_values_are_as_many_as_the_design_says() {
    assertThat(PatchLabels.KINDS).hasSize(48).doesNotHaveDuplicates().startsWith("none");
    assertThat(PatchLabels.COLORS).hasSize(9).startsWith("none");
    assertThatThrownBy(() -> new PatchLabels(new int[64], new int[64], new float[64], new int[64]))
        .hasMessageContaining("64 patches")
        .hasMessageContaining("64 sides");
  }
}
