package org.optmerge.benchmark.mini;

import org.optmerge.benchmark.mini.BalancedSchedule.Turn;

/**
 * How the images of a task are drawn and what is asked about them.
 *
 * @param <K> the kinds of questions
 */
interface TaskDrawing<K extends Enum<K>> {
  /** Which kind of question comes first. */
  BalancedSchedule<K> schedule();

  /** Draws an image about which the first question can be asked, and asks it and others. */
  void draw(Sketch sketch, Turn<K> first);
}
