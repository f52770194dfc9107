package org.optmerge.benchmark.mini;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.optmerge.base.CounterRandom;

/**
 * A norm and a linear layer that read labels from features while an encoder is pretrained, before
 * any language model; thrown away afterwards.
 */
public final class LabelHead {
  private static final double EPSILON = 1e-6;

  private final NDArray normWeight;
  private final NDArray normBias;
  private final NDArray weight;
  private final NDArray bias;

  /** The targets of some of the outputs for each feature. */
  public sealed interface Target {
    /** The number of these outputs. */
    int outputs();

    /** Weight of this part of the loss. */
    double weight();

    /**
     * A number for each feature, which counts in the mean by its share.
     *
     * @param outputs (features, {@link #outputs})
     */
    NDArray errors(NDArray outputs);

    /** The share of each feature. */
    float[] shares();
  }

  /**
   * A class of each feature; the error is its cross entropy.
   *
   * @param outputs how many classes there are
   */
  @SuppressWarnings("ArrayRecordComponent") // a carrier of buffers, not compared
  public record Classes(int outputs, int[] classes, float[] shares, double weight)
      implements Target {
    @Override
    public NDArray errors(NDArray outputs) {
      NDArray index =
          outputs
              .getManager()
              .create(classes, new Shape(classes.length, 1))
              .toType(DataType.INT64, false);
      return outputs.logSoftmax(1).gather(index, 1).reshape(-1).neg();
    }
  }

  /**
   * Numbers of each feature, such as the sides of a box; the error is absolute, smoothly.
   *
   * @param numbers row by row
   * @param beta error below which that is quadratic
   */
  @SuppressWarnings("ArrayRecordComponent") // a carrier of buffers, not compared
  public record Numbers(int outputs, float[] numbers, double beta, float[] shares, double weight)
      implements Target {
    @Override
    public NDArray errors(NDArray outputs) {
      NDArray right =
          outputs
              .getManager()
              .create(numbers, new Shape(numbers.length / this.outputs, this.outputs));
      NDArray error = outputs.sub(right).abs();
      // Quadratic up to beta, then linear: with c = min(error, beta), c(error − c/2)/beta.
      NDArray near = error.minimum((float) beta);
      return near.mul(error.sub(near.mul(0.5f))).div((float) beta).mean(new int[] {1});
    }
  }

  /**
   * A head with random weights.
   *
   * @param manager where the head lives
   * @param outputs numbers of a feature
   * @param width of a feature
   * @param random the first weights, normal with deviation 1/√width
   */
  public LabelHead(NDManager manager, int outputs, int width, CounterRandom random) {
    float[] initial = new float[outputs * width];
    for (int i = 0; i < initial.length; i++) {
      initial[i] = (float) (random.gaussian(i) / Math.sqrt(width));
    }
    normWeight = manager.ones(new Shape(width));
    normBias = manager.zeros(new Shape(width));
    weight = manager.create(initial, new Shape(outputs, width));
    bias = manager.zeros(new Shape(outputs));
  }

  /** The parameters that are trained with the encoder. */
  public SortedMap<String, NDArray> parameters() {
    SortedMap<String, NDArray> parameters = new TreeMap<>();
    parameters.put("head.norm.weight", normWeight);
    parameters.put("head.norm.bias", normBias);
    parameters.put("head.weight", weight);
    parameters.put("head.bias", bias);
    return parameters;
  }

  /**
   * The sum of the targets' mean errors, each with its weight.
   *
   * @param features (features, width)
   * @param targets at least one; together they have as many outputs as the head
   */
  public NDArray loss(NDArray features, List<Target> targets) {
    Shape width = new Shape(features.getShape().get(1));
    NDArray normed =
        LayerNorm.layerNorm(features, width, normWeight, normBias, (float) EPSILON)
            .singletonOrThrow();
    NDArray outputs = Linear.linear(normed, weight, bias).singletonOrThrow();
    NDArray loss = outputs.getManager().zeros(new Shape());
    int from = 0;
    for (Target target : targets) {
      int to = from + target.outputs();
      NDArray share = outputs.getManager().create(target.shares());
      NDArray errors = target.errors(outputs.get(":, " + from + ":" + to));
      NDArray mean = errors.mul(share).sum().div(share.sum().maximum(1));
      loss = loss.add(mean.mul((float) target.weight()));
      from = to;
    }
    return loss;
  }
}
