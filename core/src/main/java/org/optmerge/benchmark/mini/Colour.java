package org.optmerge.benchmark.mini;

import java.util.List;
import java.util.Locale;

/** The eight colours, each with a name of one word. */
enum Colour {
  RED(220, 40, 40),
  GREEN(40, 160, 60),
  BLUE(50, 70, 220),
  YELLOW(235, 215, 40),
  PURPLE(150, 60, 190),
  CYAN(60, 200, 220),
  ORANGE(245, 140, 30),
  BLACK(30, 30, 30);

  static final List<Colour> ALL = List.of(values());

  private final int red;
  private final int green;
  private final int blue;

  Colour(int red, int green, int blue) {
    this.red = red;
    this.green = green;
    this.blue = blue;
  }

  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** 0 red, 1 green, 2 blue, each 0 to 255. */
  int channel(int channel) {
    return switch (channel) {
      case 0 -> red;
      case 1 -> green;
      default -> blue;
    };
  }
}
