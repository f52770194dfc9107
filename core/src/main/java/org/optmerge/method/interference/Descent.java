package org.optmerge.method.interference;

import java.util.Optional;
import org.apiguardian.api.API;
import org.optmerge.method.Check;
import org.optmerge.method.ParameterDoc;

/**
 * The way of the merged task vector from its start towards the minimum of an interference loss.
 *
 * @param optimiser what makes a step; gradient descent and gradient flow are computed in closed
 *     form, Adam step by step
 * @param learningRate η of SGD and of Adam
 * @param momentum μ of SGD, in [0, 1)
 * @param steps K of SGD and of Adam
 * @param relativeRate true: Adam's η is {@code learningRate} times the mean root mean square of the
 *     task vectors' entries, so that scaling them scales the result
 * @param time t of gradient flow
 */
@API(status = API.Status.EXPERIMENTAL)
public record Descent(
    @ParameterDoc("what makes a step: sgd and flow in closed form, adam step by step")
        Optimiser optimiser,
    @ParameterDoc("step size of sgd and adam") double learningRate,
    @ParameterDoc("momentum of sgd") double momentum,
    @ParameterDoc("number of steps of sgd and adam") int steps,
    @ParameterDoc("adam's step size in units of the task vectors' root mean square")
        boolean relativeRate,
    @ParameterDoc("how long gradient flow flows") double time) {
  /** The rule that makes a step. */
  public enum Optimiser {
    /** Gradient descent with momentum; the exact result of K steps in closed form. */
    SGD,
    /** Adam; its normalisation of each entry admits no closed form. */
    ADAM,
    /** Gradient flow for a given time, in closed form. */
    FLOW
  }

  public Descent {
    requireSteps("descent", learningRate, momentum, steps);
    Check.atLeastZero("descent", "time", time);
  }

  /** K steps of gradient descent with momentum. */
  public static Descent sgd(double learningRate, double momentum, int steps) {
    return new Descent(Optimiser.SGD, learningRate, momentum, steps, false, 0);
  }

  /** K steps of Adam with β = (0.9, 0.999), ε = 1e-8. */
  public static Descent adam(double learningRate, int steps) {
    return new Descent(Optimiser.ADAM, learningRate, 0, steps, false, 0);
  }

  /** {@link #adam}, the step size in units of the task vectors' root mean square. */
  public static Descent relativeAdam(double learningRate, int steps) {
    return new Descent(Optimiser.ADAM, learningRate, 0, steps, true, 0);
  }

  /** Gradient flow for a time. */
  public static Descent flow(double time) {
    return new Descent(Optimiser.FLOW, 0, 0, 0, false, time);
  }

  /** The filter that gives the result in closed form; empty for Adam, which has none. */
  public Optional<SpectralFilter> filter() {
    return switch (optimiser) {
      case SGD -> Optional.of(new SpectralFilter.MomentumDescent(learningRate, momentum, steps));
      case FLOW -> Optional.of(new SpectralFilter.GradientFlow(time));
      case ADAM -> Optional.empty();
    };
  }

  /**
   * The time that gradient flow takes to go as far in flat directions: 0.582 for the published SGD
   * of language models, 291 for that of modalities; empty for Adam.
   */
  public Optional<Double> effectiveTime() {
    return filter().map(SpectralFilter::effectiveTime);
  }

  static void requireSteps(String who, double learningRate, double momentum, int steps) {
    Check.atLeastZero(who, "learning_rate", learningRate);
    Check.that(who, "momentum", momentum, m -> m >= 0 && m < 1, "in [0, 1)");
    Check.atLeast(who, "steps", steps, 0);
  }
}
