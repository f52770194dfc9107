package org.optmerge.method.interference;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/**
 * The progress of a descent on a quadratic loss along an eigendirection of its Hessian: ψ(λ), a
 * function of the eigenvalue alone.
 *
 * <p>For the loss Σ wᵢ‖(τ − Aᵢ)Bᵢᵀ‖², with G = Σ wᵢBᵢᵀBᵢ = QΛQᵀ and H = Σ wᵢAᵢBᵢᵀBᵢ, every method
 * of the family ends at τ₀ + (H − τ₀G) · Q ψ(Λ) Qᵀ. The share of the way to the minimum that a
 * direction has gone is f(λ) = λ · ψ(λ).
 */
public sealed interface SpectralFilter {
  /**
   * ψ for each eigenvalue.
   *
   * @param eigenvalues λ ≥ 0, descending
   */
  double[] psi(double[] eigenvalues);

  /**
   * True if ψ at an eigenvalue depends on that alone and has no jumps, so that a polynomial can
   * stand in for it.
   */
  default boolean isSmooth() {
    return true;
  }

  /** ψ(0): the time that gradient flow takes to go as far where the loss is flat. */
  double effectiveTime();

  /** The share of the way to the minimum as a function of the eigenvalue, in words. */
  String formula();

  /** The share of the way to the minimum, f(λ) = λ · ψ(λ), for each eigenvalue. */
  default double[] share(double[] eigenvalues) {
    double[] share = psi(eigenvalues);
    for (int i = 0; i < share.length; i++) {
      share[i] *= eigenvalues[i];
    }
    return share;
  }

  private static double[] each(double[] eigenvalues, DoubleUnaryOperator psi) {
    return Arrays.stream(eigenvalues).map(psi).toArray();
  }

  /**
   * Exactly K steps of gradient descent with momentum in PyTorch's convention: buffer ← μ · buffer
   * + gradient, τ ← τ − η · buffer, the buffer zero at the start.
   *
   * <p>ψ follows the scalar recurrence that the iteration itself follows in each eigendirection:
   * ψ_{t+1} = (1 + μ − a)ψ_t − μψ_{t−1} + 2η with a = 2ηλ and ψ_0 = ψ_{−1} = 0.
   *
   * @param learningRate η, positive
   * @param momentum μ, in [0, 1)
   * @param steps K, not negative
   */
  record MomentumDescent(double learningRate, double momentum, int steps)
      implements SpectralFilter {
    public MomentumDescent {
      Descent.requireSteps("MomentumDescent", learningRate, momentum, steps);
    }

    @Override
    public double[] psi(double[] eigenvalues) {
      return each(
          eigenvalues,
          lambda -> {
            double carry = 1 + momentum - 2 * learningRate * lambda;
            double before = 0;
            double now = 0;
            for (int t = 0; t < steps; t++) {
              double next = carry * now - momentum * before + 2 * learningRate;
              before = now;
              now = next;
            }
            return now;
          });
    }

    @Override
    public double effectiveTime() {
      return psi(new double[1])[0];
    }

    @Override
    public String formula() {
      return "%d steps of gradient descent at %s with momentum %s, in closed form"
          .formatted(steps, learningRate, momentum);
    }
  }

  /**
   * Gradient flow for a time: ψ = (1 − e^{−λt})/λ, and t at λ = 0.
   *
   * @param time t in dτ/dt = −(τG − H), not negative
   */
  record GradientFlow(double time) implements SpectralFilter {
    public GradientFlow {
      requireNotNegative("GradientFlow: time", time);
    }

    @Override
    public double[] psi(double[] eigenvalues) {
      return each(eigenvalues, lambda -> lambda == 0 ? time : -Math.expm1(-lambda * time) / lambda);
    }

    @Override
    public double effectiveTime() {
      return time;
    }

    @Override
    public String formula() {
      return "1 - exp(-%s eigenvalue), gradient flow for that time".formatted(time);
    }
  }

  /**
   * Landweber's iteration with a step that is a share of 1/λ_max: ψ = (1 − max(0, 1 − ηλ)^K)/λ.
   *
   * <p>As published, a direction that a step would overshoot arrives instead.
   *
   * @param stepShare η · λ_max, in (0, 2)
   * @param steps K, not negative
   */
  record Landweber(double stepShare, int steps) implements SpectralFilter {
    public Landweber {
      if (!(stepShare > 0 && stepShare < 2)) {
        throw new IllegalArgumentException(
            "Landweber: stepShare must be in (0, 2), is " + stepShare);
      }
      requireNotNegative("Landweber: steps", steps);
    }

    @Override
    public double[] psi(double[] eigenvalues) {
      if (eigenvalues.length == 0 || eigenvalues[0] == 0) {
        return new double[eigenvalues.length];
      }
      double step = stepShare / eigenvalues[0];
      return each(
          eigenvalues,
          lambda -> {
            if (lambda == 0 || steps == 0) {
              return step * steps;
            }
            double left = Math.log1p(-Math.min(1, step * lambda));
            return -Math.expm1(steps * left) / lambda;
          });
    }

    /** No: it depends on the largest eigenvalue, too. */
    @Override
    public boolean isSmooth() {
      return false;
    }

    /** In units of 1/λ_max, as the step is. */
    @Override
    public double effectiveTime() {
      return stepShare * steps;
    }

    @Override
    public String formula() {
      return ("1 - (1 - %s eigenvalue/largest)^%d, Landweber's iteration, time in units of 1/largest and"
              + " shares for a largest eigenvalue of 1")
          .formatted(stepShare, steps);
    }
  }

  /**
   * Ridge regression: ψ = 1/(λ + α).
   *
   * @param alpha α, positive
   */
  record Tikhonov(double alpha) implements SpectralFilter {
    public Tikhonov {
      if (!(alpha > 0)) {
        throw new IllegalArgumentException("Tikhonov: alpha must be positive, is " + alpha);
      }
    }

    @Override
    public double[] psi(double[] eigenvalues) {
      return each(eigenvalues, lambda -> 1 / (lambda + alpha));
    }

    @Override
    public double effectiveTime() {
      return 1 / alpha;
    }

    @Override
    public String formula() {
      return "eigenvalue/(eigenvalue + %s), ridge regression".formatted(alpha);
    }
  }

  /**
   * The minimiser nearest to the start: ψ = 1/λ, and 0 where λ is rounding error.
   *
   * @param tolerance eigenvalues up to this share of the largest count as zero
   */
  record Minimiser(double tolerance) implements SpectralFilter {
    public Minimiser {
      requireNotNegative("Minimiser: tolerance", tolerance);
    }

    @Override
    public double[] psi(double[] eigenvalues) {
      double limit = eigenvalues.length == 0 ? 0 : tolerance * eigenvalues[0];
      return each(eigenvalues, lambda -> lambda > limit ? 1 / lambda : 0);
    }

    @Override
    public boolean isSmooth() {
      return false;
    }

    @Override
    public double effectiveTime() {
      return Double.POSITIVE_INFINITY;
    }

    @Override
    public String formula() {
      return "all the way to the minimiser";
    }
  }

  private static void requireNotNegative(String what, double value) {
    if (!(value >= 0)) {
      throw new IllegalArgumentException("%s must be at least 0, is %s".formatted(what, value));
    }
  }
}
