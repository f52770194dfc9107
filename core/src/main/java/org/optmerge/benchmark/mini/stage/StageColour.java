package org.optmerge.benchmark.mini.stage;

import java.util.List;
import java.util.Locale;
import org.optmerge.benchmark.mini.Colour;

/** The six colours of instruments: those of the miniature that are told apart most easily. */
public enum StageColour {
  /** See {@link Colour#RED}. */
  RED(Colour.RED),
  /** See {@link Colour#GREEN}. */
  GREEN(Colour.GREEN),
  /** See {@link Colour#BLUE}. */
  BLUE(Colour.BLUE),
  /** See {@link Colour#YELLOW}. */
  YELLOW(Colour.YELLOW),
  /** See {@link Colour#PURPLE}. */
  PURPLE(Colour.PURPLE),
  /** See {@link Colour#ORANGE}. */
  ORANGE(Colour.ORANGE);

  /** All of them, in order. */
  public static final List<StageColour> ALL = List.of(values());

  private final Colour colour;

  StageColour(Colour colour) {
    this.colour = colour;
  }

  /** Its name, as questions and answers have it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** 0 red, 1 green, 2 blue, each 0 to 255. */
  public int channel(int channel) {
    return colour.channel(channel);
  }
}
