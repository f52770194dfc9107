package org.optmerge.benchmark.mini;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A capital letter or digit of 5 × 7 pixels. */
record Glyph(char character, List<String> rows) {
  static final int WIDTH = 5;
  static final int HEIGHT = 7;

  /** From one character's left edge to the next one's. */
  static final int ADVANCE = 6;

  private static final String ORDER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

  /** Nine characters side by side, in the order above. */
  private static final String FONT =
      """
      .###. ####. .###. ####. ##### ##### .###. #...# .###.
      #...# #...# #...# #...# #.... #.... #...# #...# ..#..
      #...# #...# #.... #...# #.... #.... #.... #...# ..#..
      ##### ####. #.... #...# ####. ####. #.### ##### ..#..
      #...# #...# #.... #...# #.... #.... #...# #...# ..#..
      #...# #...# #...# #...# #.... #.... #...# #...# ..#..
      #...# ####. .###. ####. ##### #.... .#### #...# .###.

      ..### #...# #.... #...# #...# .###. ####. .###. ####.
      ...#. #..#. #.... ##.## ##..# #...# #...# #...# #...#
      ...#. #.#.. #.... #.#.# ##..# #...# #...# #...# #...#
      ...#. ##... #.... #.#.# #.#.# #...# ####. #...# ####.
      ...#. #.#.. #.... #...# #..## #...# #.... #.#.# #.#..
      #..#. #..#. #.... #...# #..## #...# #.... #..#. #..#.
      .##.. #...# ##### #...# #...# .###. #.... .##.# #...#

      .#### ##### #...# #...# #...# #...# #...# ##### .###.
      #.... ..#.. #...# #...# #...# #...# #...# ....# #...#
      #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#. #..##
      .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#.. #.#.#
      ....# ..#.. #...# #...# #.#.# .#.#. ..#.. .#... ##..#
      ....# ..#.. #...# .#.#. ##.## #...# ..#.. #.... #...#
      ####. ..#.. .###. ..#.. #...# #...# ..#.. ##### .###.

      ..#.. .###. ##### ...#. ##### ..##. ##### .###. .###.
      .##.. #...# ...#. ..##. #.... .#... ....# #...# #...#
      ..#.. ....# ..#.. .#.#. ####. #.... ...#. #...# #...#
      ..#.. ...#. ...#. #..#. ....# ####. ..#.. .###. .####
      ..#.. ..#.. ....# ##### ....# #...# ..#.. #...# ....#
      ..#.. .#... #...# ...#. #...# #...# .#... #...# ...#.
      .###. ##### .###. ...#. .###. .###. .#... .###. .##..
      """;

  /** Letters, then digits. */
  static final List<Glyph> ALL = parse();

  private static final Map<Character, Glyph> BY_CHARACTER =
      ALL.stream().collect(Collectors.toUnmodifiableMap(Glyph::character, glyph -> glyph));

  private static List<Glyph> parse() {
    List<String> lines = FONT.lines().filter(line -> !line.isBlank()).toList();
    List<Glyph> glyphs = new ArrayList<>();
    for (int i = 0; i < ORDER.length(); i++) {
      int left = i % 9 * (WIDTH + 1);
      List<String> rows =
          lines.subList(i / 9 * HEIGHT, (i / 9 + 1) * HEIGHT).stream()
              .map(line -> line.substring(left, left + WIDTH))
              .toList();
      glyphs.add(new Glyph(ORDER.charAt(i), rows));
    }
    return List.copyOf(glyphs);
  }

  /**
   * The glyph of a character.
   *
   * @throws IllegalArgumentException if the font has none
   */
  static Glyph of(char character) {
    Glyph glyph = BY_CHARACTER.get(character);
    if (glyph == null) {
      throw new IllegalArgumentException("the font has no '%s'".formatted(character));
    }
    return glyph;
  }

  boolean covers(int x, int y) {
    return rows.get(y).charAt(x) == '#';
  }

  /** A character at a place; x and y are of its field's top left corner. */
  record Printed(Glyph glyph, Color color, int x, int y) implements Figure {
    @Override
    public String kind() {
      return String.valueOf(glyph.character());
    }

    /** The whole field, so that boxes of a word stand in step. */
    @Override
    public PixelBox box() {
      return new PixelBox(x, y, x + WIDTH - 1, y + HEIGHT - 1);
    }

    @Override
    public boolean covers(int px, int py) {
      return glyph.covers(px - x, py - y);
    }

    /** Half a pixel at the sides, so that a column of patches belongs to one character. */
    @Override
    public boolean claims(double px, double py) {
      return x - .5 <= px && px <= x + WIDTH + .5 && y - 1 <= py && py <= y + HEIGHT + 1;
    }
  }

  /** Draws a text from a place to the right. */
  static void print(Sketch sketch, String text, Color color, int x, int y) {
    sketch.draw(
        IntStream.range(0, text.length())
            .mapToObj(i -> new Printed(of(text.charAt(i)), color, x + i * ADVANCE, y))
            .toList());
  }
}
