package org.optmerge.benchmark.mini.stage;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** How an instrument looks: a square of pixels, some of which are covered. */
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

  private static final Map<Instrument, Icon> ICONS = parse();

  private static Map<Instrument, Icon> parse() {
    Map<Instrument, Icon> icons = new EnumMap<>(Instrument.class);
    for (Instrument instrument : Instrument.ALL) {
      int left = instrument.ordinal() * (SIDE + 1);
      icons.put(
          instrument,
          new Icon(DRAWN.lines().map(line -> line.substring(left, left + SIDE)).toList()));
    }
    return icons;
  }

  static Icon of(Instrument instrument) {
    return ICONS.get(instrument);
  }

  /** Whether a pixel is covered, counted from the top left. */
  boolean covers(int x, int y) {
    return rows.get(y).charAt(x) == '#';
  }
}
