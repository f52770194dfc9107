package org.optmerge.benchmark.mini.stage;

import java.util.List;
import org.optmerge.benchmark.mini.Word;

/** A third of the stage. */
public enum Place implements Word {
  /** On the left third. */
  LEFT,
  /** On the middle third. */
  MIDDLE,
  /** On the right third. */
  RIGHT;

  /** All of them, from left to right. */
  public static final List<Place> ALL = List.of(values());
}
