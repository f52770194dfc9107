package org.optmerge.benchmark.mini.stage;

import java.util.List;

/** The icon of an instrument: a square of pixels, some of which are covered. */
record Icon(List<String> rows) {
  /** Pixels of a side. */
  static final int SIDE = 11;

  /** The instruments side by side, in their order. */
  private static final String DRAWN =
      """
      #.........# ........... ....###.... ......##### .....#.....
      .#.......#. ########### .....#..... ......##.## ....###....
      ..#.....#.. ########### .....#..... .....####.. ...#####...
      .#########. ########### .....#..... .....##.#.. ...#####...
      ########### ########### ...#####... ....####... ..#######..
      #.###.###.# #.#.#.#.#.# ..#######.. ....##.#... ..#######..
      ##.#.#.#.## #.#.#.#.#.# ...##.##... ...####.... ..#######..
      ###.###.### ########### ..###.###.. ...##.#.... .#########.
      ########### .#.......#. .####.####. ..####..... ###########
      .#########. .#.......#. .#########. ..##.#..... ....###....
      ...#####... .#.......#. ..#######.. .####...... .....#.....
      """;

  private static final List<Icon> ICONS = Instrument.ALL.stream().map(Icon::parse).toList();

  private static Icon parse(Instrument instrument) {
    int left = instrument.ordinal() * (SIDE + 1);
    return new Icon(DRAWN.lines().map(line -> line.substring(left, left + SIDE)).toList());
  }

  static Icon of(Instrument instrument) {
    return ICONS.get(instrument.ordinal());
  }

  /** True if a pixel is covered, counted from the top left. */
  boolean covers(int x, int y) {
    return rows.get(y).charAt(x) == '#';
  }
}
