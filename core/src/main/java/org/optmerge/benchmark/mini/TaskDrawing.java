package org.optmerge.benchmark.mini;

import org.optmerge.benchmark.mini.BalancedSchedule.Turn;

/**
 * The drawing of a task's images, and the questions about them.
 *
 * @param <K> the kinds of questions
 */
abstract class TaskDrawing<K extends Enum<K>> {
  private final BalancedSchedule<K> schedule;

  /**
   * @param shares how often each kind comes in one round, in order
   */
  TaskDrawing(Class<K> kinds, int... shares) {
    schedule = BalancedSchedule.of(kinds, shares);
  }

  /** The kind of question that comes first, by image. */
  BalancedSchedule<K> schedule() {
    return schedule;
  }

  /** Draws an image about which the first question can be asked, and asks it and others. */
  abstract void draw(Sketch sketch, Turn<K> first);
}
