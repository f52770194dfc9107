package org.optmerge.train;

/** Is told how a training goes on, by the thread that trains. */
@FunctionalInterface
public interface TrainingListener {
  /** Listens to nothing. */
  TrainingListener NONE = report -> {};

  /**
   * A step is done.
   *
   * @param name which run
   * @param step counted from 1
   * @param steps how many there are
   * @param loss before this step's update
   * @param learningRate of this step
   * @param gradientNorm before clipping
   * @param stepsPerSecond at the rate of the last steps
   * @param secondsLeft at the rate of the last steps
   */
  record Report(
      String name,
      int step,
      int steps,
      double loss,
      double learningRate,
      double gradientNorm,
      double stepsPerSecond,
      double secondsLeft) {}

  /** A step is done. */
  void stepped(Report report);
}
