package org.optmerge.model;

import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import org.optmerge.base.CounterRandom;

/**
 * The weights of new models: matrices normal with deviation 0.7/√(fan-in), those that end a branch
 * of the decoder smaller by √(2 · layers), embeddings 0.1, the head 0.02; biases zero, norms one.
 *
 * @param seed every entry is a function of it, the parameter's name and its index
 * @param layers of the decoder
 * @param layerScale of vision transformers
 */
record InitialWeights(long seed, int layers, double layerScale) {
  void fill(Parameters parameters) {
    parameters.shapes().forEach((name, shape) -> fill(parameters, name, shape));
  }

  private void fill(Parameters parameters, String name, Shape shape) {
    float constant = constant(name);
    if (!Float.isNaN(constant)) {
      parameters.fill(name, (first, length, target) -> Arrays.fill(target, 0, length, constant));
      return;
    }
    double deviation = deviation(name, shape);
    CounterRandom random = CounterRandom.of(seed, name);
    parameters.fill(
        name,
        (first, length, target) -> {
          for (int i = 0; i < length; i++) {
            target[i] = (float) (deviation * random.gaussian(first + i));
          }
        });
  }

  /** The first value of a parameter that is not random, else NaN. */
  private float constant(String name) {
    if (name.endsWith(".bias")) {
      return 0;
    }
    if (name.endsWith(".ls1") || name.endsWith(".ls2")) {
      return (float) layerScale;
    }
    return name.contains("norm") || name.equals("mlp1.0.weight") ? 1 : Float.NaN;
  }

  private double deviation(String name, Shape shape) {
    if (name.contains("embed_tokens") || name.contains("_embedding") && !name.contains("patch")) {
      return 0.1;
    }
    if (name.endsWith("lm_head.weight")) {
      return 0.02;
    }
    double fanIn = (double) shape.size() / shape.get(0);
    double deviation = 0.7 / Math.sqrt(fanIn);
    return name.contains("o_proj") || name.contains("down_proj")
        ? deviation / Math.sqrt(2.0 * layers)
        : deviation;
  }
}
