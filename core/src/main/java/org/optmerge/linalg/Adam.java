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
public final class Adam implements AutoCloseable {
  private final NDArray parameter;
  private final NDArray firstMoment;
  private final NDArray secondMoment;
  private final double beta1;
  private final double beta2;
  private final double epsilon;
  private int steps;

  /**
   * PyTorch's constants: β₁ = 0.9, β₂ = 0.999, ε = 1e-8.
   *
   * @param parameter changed in place by {@link #step}
   */
  public Adam(NDArray parameter) {
    this(parameter, 0.9, 0.999, 1e-8);
  }

  /**
   * Starts with both moments zero, in the parameter's manager.
   *
   * @param parameter changed in place by {@link #step}
   */
  public Adam(NDArray parameter, double beta1, double beta2, double epsilon) {
    this.parameter = parameter;
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
    this.firstMoment = parameter.zerosLike();
    this.secondMoment = parameter.zerosLike();
  }

  /** One update of the parameter, in place. The gradient is only read. */
  public void step(NDArray gradient, double learningRate) {
    steps++;
    double stepSize = learningRate / (1 - Math.pow(beta1, steps));
    double root = Math.sqrt(1 - Math.pow(beta2, steps));
    TorchModule.update(
        parameter,
        "adam",
        gradient,
        firstMoment,
        secondMoment,
        beta1,
        beta2,
        epsilon,
        stepSize,
        root);
  }

  /** The moving average of the gradients: the live array. */
  public NDArray firstMoment() {
    return firstMoment;
  }

  /** The moving average of their squares: the live array. */
  public NDArray secondMoment() {
    return secondMoment;
  }

  /** Goes on as if so many steps had been taken; the moments have been set by the caller. */
  public void resume(int stepsTaken) {
    steps = stepsTaken;
  }

  /** Frees the moments; the parameter stays. */
  @Override
  public void close() {
    firstMoment.close();
    secondMoment.close();
  }
}
