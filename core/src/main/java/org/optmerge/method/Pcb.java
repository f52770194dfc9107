package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import java.util.Arrays;
import org.optmerge.taskvector.ArrayTaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/**
 * PCB-Merging: entries compete within their task, by magnitude, and between tasks, by whether they
 * go the way of all; the winners are averaged with what they scored as weights.
 *
 * <p>With x̂ the magnitudes cut at their 0.01 % and 99.99 % quantiles and brought to [0, 1], the
 * score of an entry is exp(N x̂²) · tanh(x Σ_s x_s); scores below the (1 − ratio) quantile count as
 * that, and what is left is brought to [0, 1]: s_t. Δ = Σ s_t sign(x_t)|x_t|_cut / Σ s_t.
 *
 * <p>The published code flattens the whole model, so that layers compete with each other; here each
 * tensor is by itself, as the name says. Arithmetic is float64, there float32. Where all scores are
 * equal, as of a task vector that is zero, none wins.
 *
 * @param ratio share of each task's entries that win
 * @see <a href="https://arxiv.org/abs/2410.02396">Du et al., Parameter competition balancing for
 *     model merging, NeurIPS 2024, section 3.2</a>
 */
record Pcb(@ParameterDoc("share of each task's entries that win") double ratio)
    implements MergeMethod {
  /** The published code's default. */
  static final Pcb PUBLISHED = new Pcb(0.1);

  private static final double CUT = 1e-4;
  private static final double LEAST_WEIGHT = 1e-12;

  Pcb {
    Check.that("pcb-tensor", "ratio", ratio, r -> r > 0 && r <= 1, "in (0, 1]");
  }

  @Override
  public NDArray merge(TaskVectors tau) {
    ArrayTaskVectorStream stream = ArrayTaskVectorStream.of(tau);
    int size = Math.toIntExact(stream.size());
    float[] merged = new float[size];
    if (size > 0) {
      stream.visit(0, size, size, block -> merge(block.tau(), size, merged));
    }
    return tau.manager().create(merged, tau.shape());
  }

  private void merge(float[][] tau, int size, float[] merged) {
    double[] all = new double[size];
    for (float[] one : tau) {
      for (int i = 0; i < size; i++) {
        all[i] += one[i];
      }
    }
    double[] sum = new double[size];
    double[] weights = new double[size];
    for (float[] one : tau) {
      double[] magnitudes = new double[size];
      Arrays.setAll(magnitudes, i -> Math.abs(one[i]));
      clamp(magnitudes, CUT, CUT);
      double[] scores = magnitudes.clone();
      normalise(scores);
      for (int i = 0; i < size; i++) {
        double own = StrictMath.exp(tau.length * scores[i] * scores[i]);
        scores[i] = own * StrictMath.tanh(one[i] * all[i]);
      }
      clamp(scores, 1 - ratio, 0);
      normalise(scores);
      for (int i = 0; i < size; i++) {
        sum[i] += scores[i] * Math.copySign(magnitudes[i], one[i]);
        weights[i] += scores[i];
      }
    }
    for (int i = 0; i < size; i++) {
      merged[i] = (float) (sum[i] / Math.max(weights[i], LEAST_WEIGHT));
    }
  }

  /** Cuts values at quantiles, a share from below and one from above, as published. */
  private static void clamp(double[] values, double below, double above) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double least = sorted[Math.min(sorted.length - 1, (int) (sorted.length * below))];
    double most = sorted[Math.max(0, (int) (sorted.length * (1 - above) - 1))];
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.min(Math.max(values[i], least), most);
    }
  }

  private static void normalise(double[] values) {
    double least = Arrays.stream(values).min().orElse(0);
    double range = Arrays.stream(values).max().orElse(0) - least;
    for (int i = 0; i < values.length; i++) {
      values[i] = range == 0 ? 0 : (values[i] - least) / range;
    }
  }
}
