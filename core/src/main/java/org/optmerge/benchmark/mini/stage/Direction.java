package org.optmerge.benchmark.mini.stage;

import java.util.List;
import org.optmerge.benchmark.mini.Word;

/** A direction of movement in the film. */
public enum Direction implements Word {
  /** To smaller y. */
  UP(0, -1),
  /** To larger y. */
  DOWN(0, 1),
  /** To smaller x. */
  LEFTWARD(-1, 0),
  /** To larger x. */
  RIGHTWARD(1, 0);

  /** All of them, in order. */
  public static final List<Direction> ALL = List.of(values());

  private final int dx;
  private final int dy;

  Direction(int dx, int dy) {
    this.dx = dx;
    this.dy = dy;
  }

  /** −1, 0 or 1; x grows to the right. */
  public int dx() {
    return dx;
  }

  /** −1, 0 or 1; y grows downwards. */
  public int dy() {
    return dy;
  }
}
