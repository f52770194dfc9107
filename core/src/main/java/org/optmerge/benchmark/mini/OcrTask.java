package org.optmerge.benchmark.mini;

import java.util.List;
import org.optmerge.benchmark.mini.BalancedSchedule.Turn;

/** One or two words or numbers, in different colours. */
final class OcrTask extends TaskDrawing<OcrTask.Kind> {
  enum Kind {
    ONLY_WORD,
    WORD_OF_COLOR,
    TOP_WORD,
    BOTTOM_WORD
  }

  /** A word in a colour. */
  private record Written(String text, Color color) {}

  private static final List<Kind> OF_TWO =
      List.of(Kind.WORD_OF_COLOR, Kind.TOP_WORD, Kind.BOTTOM_WORD);

  OcrTask() {
    super(Kind.class, 8, 6, 3, 3);
  }

  @Override
  void draw(Sketch sketch, Turn<Kind> first) {
    Dice dice = sketch.dice();
    List<Color> colors = dice.shuffled(Color.ALL);
    if (first.kind() == Kind.ONLY_WORD) {
      Written word = write(sketch, colors.get(0), dice.between(1, 12));
      sketch.ask(
          ImageQuestion.of("word", false, "what is written in the image ?", word.text(), "word"));
      return;
    }
    Written top = write(sketch, colors.get(0), dice.between(1, 4));
    Written bottom = write(sketch, colors.get(1), dice.between(8, 12));
    sketch.ask(question(dice, top, bottom, first.kind()));
    while (sketch.asked() < OF_TWO.size() + 1) {
      // There is one more than kinds, so all are found soon; in a random order, as few fit a prompt.
      sketch.ask(question(dice, top, bottom, dice.pick(OF_TWO)));
    }
  }

  /** Writes something at a random place of a row of three pixels and one. */
  private static Written write(Sketch sketch, Color color, int row) {
    Dice dice = sketch.dice();
    String text = Lexicon.any(dice);
    int free = Sketch.SIDE - Glyph.ADVANCE * text.length();
    Glyph.print(sketch, text, color, 2 * dice.between(0, free / 2), 3 * row + 1);
    return new Written(text, color);
  }

  private static ImageQuestion question(Dice dice, Written top, Written bottom, Kind kind) {
    Written asked =
        switch (kind) {
          case TOP_WORD -> top;
          case BOTTOM_WORD -> bottom;
          case ONLY_WORD, WORD_OF_COLOR -> dice.chance(.5) ? top : bottom;
        };
    String which =
        switch (kind) {
          case TOP_WORD -> "top";
          case BOTTOM_WORD -> "bottom";
          case ONLY_WORD, WORD_OF_COLOR -> asked.color().word();
        };
    return ImageQuestion.of(
        kind == Kind.WORD_OF_COLOR ? "color-word" : which + "-word",
        true,
        "what is the %s word ?".formatted(which),
        asked.text(),
        "word " + which);
  }
}
