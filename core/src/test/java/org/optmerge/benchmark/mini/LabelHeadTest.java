package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;
import org.optmerge.base.CounterRandom;

/** Against the same sum, written out in loops. */
class LabelHeadTest {
  private static final int WIDTH = 5;
  private static final PatchLabels.Weights WEIGHTS =
      new PatchLabels.Weights(0.3, 0.5, 4, 0.05, 0.7);

  @Test
  void it_is_the_weighted_sum_of_four_means() {
    List<PatchLabels> labels =
        List.of(
            new MiniGenerator(1).generate(MiniSplit.BASE, MiniTask.VQA, 0).labels(),
            new MiniGenerator(1).generate(MiniSplit.BASE, MiniTask.CHART, 1).labels());
    int tokens = 1 + PatchLabels.PATCHES;
    CounterRandom random = CounterRandom.of(3, "hidden");
    float[] hidden = new float[labels.size() * tokens * WIDTH];
    for (int i = 0; i < hidden.length; i++) {
      hidden[i] = (float) random.gaussian(i);
    }
    try (NDManager manager = NDManager.newBaseManager()) {
      LabelHead head =
          new LabelHead(manager, PatchLabels.OUTPUTS, WIDTH, CounterRandom.of(7, "patch head"));
      NDArray states =
          manager.create(hidden, new ai.djl.ndarray.types.Shape(labels.size(), tokens, WIDTH));
      double actual =
          head.loss(states.get(":, 1:").reshape(-1, WIDTH), PatchLabels.targets(labels, WEIGHTS))
              .getFloat();
      assertThat(actual).isCloseTo(naive(hidden, labels, head.parameters()), within(1e-4));
    }
  }

  private static double naive(
      float[] hidden, List<PatchLabels> labels, SortedMap<String, NDArray> head) {
    float[] weight = head.get("head.weight").toFloatArray();
    int kinds = PatchLabels.KINDS.size();
    int colors = PatchLabels.COLORS.size();
    double[] sums = new double[4];
    double[] counts = new double[4];
    for (int image = 0; image < labels.size(); image++) {
      PatchLabels of = labels.get(image);
      for (int patch = 0; patch < PatchLabels.PATCHES; patch++) {
        double[] x = normalised(hidden, (image * (1 + PatchLabels.PATCHES) + 1 + patch) * WIDTH);
        double[] out = new double[weight.length / WIDTH];
        for (int o = 0; o < out.length; o++) {
          for (int i = 0; i < WIDTH; i++) {
            out[o] += weight[o * WIDTH + i] * x[i];
          }
        }
        boolean object = of.kind()[patch] > 0;
        add(sums, counts, 0, crossEntropy(out, 0, kinds, of.kind()[patch]), object ? 1 : 0.3);
        if (object) {
          add(sums, counts, 1, crossEntropy(out, kinds, colors, of.color()[patch]), 1);
          double smooth = 0;
          for (int side = 0; side < 4; side++) {
            double error = Math.abs(out[kinds + colors + side] - of.box()[4 * patch + side]);
            smooth += error < 0.05 ? error * error / 0.1 : error - 0.025;
          }
          add(sums, counts, 2, smooth / 4, 1);
        }
        if (of.value()[patch] > 0) {
          double error =
              crossEntropy(out, kinds + colors + 4, PatchLabels.VALUES, of.value()[patch]);
          add(sums, counts, 3, error, 1);
        }
      }
    }
    return sums[0] / counts[0]
        + 0.5 * sums[1] / counts[1]
        + 4 * sums[2] / counts[2]
        + 0.7 * sums[3] / counts[3];
  }

  private static void add(double[] sums, double[] counts, int part, double error, double weight) {
    sums[part] += weight * error;
    counts[part] += weight;
  }

  private static double[] normalised(float[] hidden, int at) {
    double mean = 0;
    double square = 0;
    for (int i = 0; i < WIDTH; i++) {
      mean += hidden[at + i] / (double) WIDTH;
      square += hidden[at + i] * (double) hidden[at + i] / WIDTH;
    }
    double[] x = new double[WIDTH];
    for (int i = 0; i < WIDTH; i++) {
      x[i] = (hidden[at + i] - mean) / Math.sqrt(square - mean * mean + 1e-6);
    }
    return x;
  }

  private static double crossEntropy(double[] out, int from, int length, int label) {
    double sum = 0;
    for (int i = 0; i < length; i++) {
      sum += Math.exp(out[from + i]);
    }
    return Math.log(sum) - out[from + label];
  }
}
