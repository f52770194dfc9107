package org.optmerge.train;

/**
 * The learning rate by step: a linear warm-up, then half a cosine down to a share of the peak.
 *
 * @param peak the largest rate, positive
 * @param warmUp steps until the peak is reached; 0 starts there
 * @param steps how many there are in all, more than the warm-up
 * @param finalShare the last rate over the peak, in [0, 1]
 */
public record LearningRateSchedule(double peak, int warmUp, int steps, double finalShare) {
  /**
   * @throws IllegalArgumentException if a component is out of its range
   */
  public LearningRateSchedule {
    if (!(peak > 0 && Double.isFinite(peak))) {
      throw new IllegalArgumentException("the peak learning rate is positive, not " + peak);
    }
    if (warmUp < 0 || steps <= warmUp) {
      throw new IllegalArgumentException(
          "a warm-up of %d steps does not fit into %d steps".formatted(warmUp, steps));
    }
    if (!(finalShare >= 0 && finalShare <= 1)) {
      throw new IllegalArgumentException(
          "the last rate is a share of the peak in [0, 1], not " + finalShare);
    }
  }

  /**
   * The learning rate of a step, counted from 0.
   *
   * @throws IndexOutOfBoundsException if there is no such step
   */
  public double rate(int step) {
    if (step < 0 || step >= steps) {
      throw new IndexOutOfBoundsException("step %d of %d".formatted(step, steps));
    }
    if (step < warmUp) {
      return peak * (step + 1) / warmUp;
    }
    double done = steps - warmUp == 1 ? 1 : (double) (step - warmUp) / (steps - warmUp - 1);
    return peak * (finalShare + (1 - finalShare) * 0.5 * (1 + Math.cos(Math.PI * done)));
  }
}
