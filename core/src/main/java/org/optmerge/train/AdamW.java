package org.optmerge.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.optmerge.linalg.Adam;

/**
 * Adam with decoupled weight decay over the parameters of a model, and clipping of the gradient's
 * norm.
 *
 * <p>Matrices and larger arrays decay, vectors (biases, norms) do not.
 *
 * @see <a href="https://arxiv.org/abs/1711.05101">Loshchilov and Hutter, Decoupled weight decay
 *     regularization, ICLR 2019</a>
 */
public final class AdamW implements AutoCloseable {
  /** As PyTorch clips: the norm is divided by a little more than itself. */
  private static final double CLIP_EPSILON = 1e-6;

  /**
   * The constants of the optimiser.
   *
   * @param beta1 decay of the first moment, in [0, 1)
   * @param beta2 decay of the second moment, in [0, 1)
   * @param epsilon added to the root of the second moment
   * @param weightDecay share of a matrix that is taken off in each step, times the learning rate
   * @param clipNorm gradients are scaled down to this norm over all parameters; infinity: never
   */
  public record Settings(
      double beta1, double beta2, double epsilon, double weightDecay, double clipNorm) {
    /**
     * @throws IllegalArgumentException if a component is out of its range
     */
    public Settings {
      if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) {
        throw new IllegalArgumentException(
            "the moments decay by shares in [0, 1), not %s and %s".formatted(beta1, beta2));
      }
      if (!(epsilon > 0 && weightDecay >= 0 && clipNorm > 0)) {
        throw new IllegalArgumentException(
            "epsilon %s and clip norm %s are positive, weight decay %s is not negative"
                .formatted(epsilon, clipNorm, weightDecay));
      }
    }

    /** The same with another weight decay. */
    public Settings withWeightDecay(double other) {
      return new Settings(beta1, beta2, epsilon, other, clipNorm);
    }
  }

  private final SortedMap<String, NDArray> parameters;
  private final Settings settings;
  private final SortedMap<String, Adam> moments = new TreeMap<>();

  /**
   * Begins with both moments zero.
   *
   * @param parameters by name; from now on they record gradients, and {@link #step} changes them
   */
  public AdamW(SortedMap<String, NDArray> parameters, Settings settings) {
    this.parameters = new TreeMap<>(parameters);
    this.settings = settings;
    parameters.forEach(
        (name, parameter) -> {
          moments.put(name, new Adam(parameter, settings.beta1, settings.beta2, settings.epsilon));
          parameter.setRequiresGradient(true);
        });
  }

  /**
   * One update of every parameter by its gradient, which is then zero again.
   *
   * @param learningRate of this step
   * @return the norm of the gradient over all parameters, before clipping
   * @throws TrainingException if that is not finite; then nothing has changed
   */
  public double step(double learningRate) {
    Map<String, NDArray> gradients = new LinkedHashMap<>();
    try (NDManager step = parameters.values().iterator().next().getManager().newSubManager()) {
      double squares = 0;
      for (Map.Entry<String, NDArray> parameter : parameters.entrySet()) {
        NDArray gradient = parameter.getValue().getGradient();
        gradient.attach(step);
        gradients.put(parameter.getKey(), gradient);
        squares += gradient.square().sum().getFloat();
      }
      double norm = Math.sqrt(squares);
      if (!Double.isFinite(norm)) {
        throw new TrainingException(
            "the gradient is not finite: a lower learning rate or a smaller clip norm may help");
      }
      double scale = Math.min(1, settings.clipNorm / (norm + CLIP_EPSILON));
      gradients.forEach(
          (name, gradient) -> {
            NDArray parameter = Objects.requireNonNull(parameters.get(name));
            if (scale < 1) {
              gradient.muli(scale);
            }
            if (settings.weightDecay > 0 && parameter.getShape().dimension() > 1) {
              parameter.muli(1 - learningRate * settings.weightDecay);
            }
            Objects.requireNonNull(moments.get(name)).step(gradient, learningRate);
            gradient.muli(0);
          });
      return norm;
    }
  }

  /** The moments of each parameter, as they are now: the live arrays, to be saved or set. */
  SortedMap<String, Adam> moments() {
    return moments;
  }

  /** The parameters record no more gradients; the moments are gone. */
  @Override
  public void close() {
    parameters.values().forEach(parameter -> parameter.setRequiresGradient(false));
    moments.values().forEach(Adam::close);
  }
}
