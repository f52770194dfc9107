package org.optmerge.merge.recipe;

/**
 * A place in a recipe.
 *
 * @param line counted from 1
 * @param column counted from 1
 */
public record Position(int line, int column) {
  /** The beginning of the file, for what is missing altogether. */
  public static final Position START = new Position(1, 1);

  public Position {
    if (line < 1 || column < 1) {
      throw new IllegalArgumentException(
          "Position: line and column are counted from 1, are %d and %d".formatted(line, column));
    }
  }

  @Override
  public String toString() {
    return line + ":" + column;
  }
}
