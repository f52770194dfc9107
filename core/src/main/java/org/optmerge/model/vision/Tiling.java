package org.optmerge.model.vision;

/**
 * The division of pictures into square tiles.
 *
 * @param dynamic true if a picture is cut into tiles, else it is one
 * @param minimum fewest tiles, at least 1
 * @param maximum most tiles, without the thumbnail
 * @param thumbnail true if the whole picture follows as one more tile where there are several
 */
public record Tiling(boolean dynamic, int minimum, int maximum, boolean thumbnail) {
  /** Every picture is one tile, whatever its sides. */
  public static final Tiling SINGLE = new Tiling(false, 1, 1, false);

  /**
   * @throws IllegalArgumentException unless 1 ≤ minimum ≤ maximum
   */
  public Tiling {
    if (minimum < 1 || maximum < minimum) {
      throw new IllegalArgumentException(
          "tiles: must be 1 <= minimum <= maximum, are %d and %d".formatted(minimum, maximum));
    }
  }
}
