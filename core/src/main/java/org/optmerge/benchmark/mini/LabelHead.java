package org.optmerge.benchmark.mini;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import java.util.SortedMap;
import java.util.TreeMap;
import org.optmerge.base.CounterRandom;

/**
 * What reads labels from features while an encoder is pretrained: a norm and a linear layer, thrown
 * away afterwards.
 */
public final class LabelHead {
  private static final double EPSILON = 1e-6;

  private final NDArray normWeight;
  private final NDArray normBias;
  private final NDArray weight;
  private final NDArray bias;

  /**
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

  /** What is trained with the encoder. */
  public SortedMap<String, NDArray> parameters() {
    SortedMap<String, NDArray> parameters = new TreeMap<>();
    parameters.put("head.norm.weight", normWeight);
    parameters.put("head.norm.bias", normBias);
    parameters.put("head.weight", weight);
    parameters.put("head.bias", bias);
    return parameters;
  }

  /**
   * Reads features.
   *
   * @param features (n, width)
   * @return (n, outputs)
   */
  public NDArray of(NDArray features) {
    Shape width = new Shape(features.getShape().get(1));
    NDArray normed =
        LayerNorm.layerNorm(features, width, normWeight, normBias, (float) EPSILON)
            .singletonOrThrow();
    return Linear.linear(normed, weight, bias).singletonOrThrow();
  }
}
