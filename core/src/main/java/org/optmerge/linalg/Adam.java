package org.optmerge.linalg;

import ai.djl.ndarray.NDArray;

/**
 * Adam with PyTorch's order of operations: bias corrections outside the moving averages, ε added
 * after the square root of the corrected second moment.
 *
 * <p>m ← m + (1 − β₁)(g − m); v ← β₂v + (1 − β₂)g²; x ← x − η/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε).
 *
 * @see <a href="https://arxiv.org/abs/1412.6980">Kingma and Ba, Adam, ICLR 2015</a>
 */
public final class Adam {
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final double EPSILON = 1e-8;

  private final NDArray parameter;
  private final NDArray firstMoment;
  private final NDArray secondMoment;
  private final double learningRate;
  private int steps;

  /**
   * Starts with both moments zero, in the parameter's manager.
   *
   * @param parameter changed in place by {@link #step}
   */
  public Adam(NDArray parameter, double learningRate) {
    this.parameter = parameter;
    this.learningRate = learningRate;
    this.firstMoment = parameter.zerosLike();
    this.secondMoment = parameter.zerosLike();
  }

  /** One update of the parameter, in place. The gradient is only read. */
  public void step(NDArray gradient) {
    steps++;
    double stepSize = learningRate / (1 - Math.pow(BETA1, steps));
    double root = Math.sqrt(1 - Math.pow(BETA2, steps));
    TorchModule.update(
        parameter,
        "adam",
        gradient,
        firstMoment,
        secondMoment,
        BETA1,
        BETA2,
        EPSILON,
        stepSize,
        root);
  }
}
