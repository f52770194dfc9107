package org.optmerge.benchmark.mini;

import java.util.List;

/** The eight colours, each with a name of one word. */
public enum Color implements Word {
  /** The word is {@code red}. */
  RED(220, 40, 40),
  /** The word is {@code green}. */
  GREEN(40, 160, 60),
  /** The word is {@code blue}. */
  BLUE(50, 70, 220),
  /** The word is {@code yellow}. */
  YELLOW(235, 215, 40),
  /** The word is {@code purple}. */
  PURPLE(150, 60, 190),
  /** The word is {@code cyan}. */
  CYAN(60, 200, 220),
  /** The word is {@code orange}. */
  ORANGE(245, 140, 30),
  /** The word is {@code black}. */
  BLACK(30, 30, 30);

  /** All of them, in order. */
  public static final List<Color> ALL = List.of(values());

  private final int red;
  private final int green;
  private final int blue;

  Color(int red, int green, int blue) {
    this.red = red;
    this.green = green;
    this.blue = blue;
  }

  /** 0 red, 1 green, 2 blue, each 0 to 255. */
  public int channel(int channel) {
    return switch (channel) {
      case 0 -> red;
      case 1 -> green;
      default -> blue;
    };
  }
}
