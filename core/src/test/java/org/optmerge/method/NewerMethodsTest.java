package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.optmerge.taskvector.ArrayTaskVectorStream;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/** Methods of 2024 to 2026: cases worked out by hand, and values computed another way. */
class NewerMethodsTest {
  private NDManager manager;

  @BeforeEach
  void openManager() {
    manager = NDManager.newBaseManager();
  }

  @AfterEach
  void closeManager() {
    manager.close();
  }

  private static ArrayTaskVectorStream stream(float[]... tau) {
    return new ArrayTaskVectorStream("w", List.of((long) tau[0].length), tau);
  }

  @Test
  void metagpt_weighs_by_squared_norms_of_the_whole_model() {
    ArrayTaskVectorStream one = stream(new float[] {3, 0}, new float[] {0, 1});
    ArrayTaskVectorStream other = stream(new float[] {0, 0}, new float[] {2, 2});

    // 9 and 1: coefficients 0.9 and 0.1
    assertThat(new MetaGpt().merge(one)).containsExactly(new float[] {2.7f, 0.1f}, within(1e-6f));
    // With the other tensor 9 and 9.
    StreamingMergeMethod fitted = new MetaGpt().fit(List.of(one, other));
    assertThat(fitted.merge(one)).containsExactly(1.5f, 0.5f);
    assertThat(fitted.merge(other)).containsExactly(1, 1);
  }

  @Test
  void pcb_of_one_task_keeps_its_largest_entries() {
    // Magnitudes are cut at the second largest, 3. With half of the entries the lowest score that
    // counts is that of 3 itself, so only 4 is above it.
    assertThat(pcb(0.5, new float[] {1, 2, -3, 4})).containsExactly(0, 0, 0, 3);
  }

  @Test
  void pcb_is_what_its_definition_says() {
    float[] x = random(60, 1);
    float[] y = random(60, 2);

    double[] merged = pcb(0.3, x, y);

    assertThat(merged).containsExactly(naivePcb(0.3, x, y), within(1e-6));
    assertThat(Arrays.stream(merged).filter(value -> value != 0).count()).isBetween(15L, 40L);
  }

  private double[] pcb(double ratio, float[]... tau) {
    List<NDArray> vectors = Arrays.stream(tau).map(manager::create).toList();
    return new Pcb(ratio)
        .merge(Arrays2d.tau(vectors))
        .toType(DataType.FLOAT64, true)
        .toDoubleArray();
  }

  /** By lists and ranks, entry by entry. */
  private static double[] naivePcb(double ratio, float[]... tau) {
    int d = tau[0].length;
    List<double[]> scores = new ArrayList<>();
    List<double[]> cut = new ArrayList<>();
    for (float[] x : tau) {
      List<Double> magnitudes = new ArrayList<>();
      for (float value : x) {
        magnitudes.add((double) Math.abs(value));
      }
      Collections.sort(magnitudes);
      double low = magnitudes.get((int) (d * 1e-4));
      double high = magnitudes.get((int) (d * (1 - 1e-4) - 1));
      double[] kept = new double[d];
      double[] score = new double[d];
      for (int i = 0; i < d; i++) {
        double magnitude = Math.max(low, Math.min(high, Math.abs(x[i])));
        kept[i] = Math.signum(x[i]) * magnitude;
        double all = 0;
        for (float[] other : tau) {
          all += other[i];
        }
        double unit = (magnitude - low) / (high - low);
        score[i] = Math.exp(tau.length * unit * unit) * Math.tanh(x[i] * all);
      }
      double[] sorted = score.clone();
      Arrays.sort(sorted);
      double least = sorted[(int) (d * (1 - ratio))];
      double most = sorted[d - 1];
      for (int i = 0; i < d; i++) {
        score[i] = (Math.max(score[i], least) - least) / (most - least);
      }
      scores.add(score);
      cut.add(kept);
    }
    double[] merged = new double[d];
    for (int i = 0; i < d; i++) {
      double weights = 0;
      for (int t = 0; t < tau.length; t++) {
        merged[i] += scores.get(t)[i] * cut.get(t)[i];
        weights += scores.get(t)[i];
      }
      merged[i] /= Math.max(weights, 1e-12);
    }
    return merged;
  }

  private TaskVector adapter(double scale, double[][] b, double[][] a) {
    return new TaskVector.LowRank(manager.create(b), manager.create(a), scale);
  }

  @Test
  void robustmerge_prunes_makes_up_and_merges_factors() {
    // Half of the entries, k = 2: those from the second smallest on stay.
    // A_1 → ((4, 0), (2, 3)), s = (5/4, 1); A_2 → ((2, 4), (0, 3)), s = (1, 4/3)
    // B_1 → ((0, 2), (3, 8)); B_2 → ((5, 6), (0, 7)), of which a scale of 2 makes B_2
    TaskVectors tau =
        new TaskVectors(
            "w",
            List.of(
                adapter(1, new double[][] {{1, 2}, {3, 8}}, new double[][] {{4, 1}, {2, 3}}),
                adapter(
                    2, new double[][] {{2.5, 3}, {0.5, 3.5}}, new double[][] {{2, 4}, {1, 3}})));

    TaskVector merged = new RobustMerge(0.5, 1, 1).mergeFactored(tau);

    assertThat(merged).isInstanceOf(TaskVector.LowRank.class);
    TaskVector.LowRank factors = (TaskVector.LowRank) merged;
    assertThat(factors.a().toDoubleArray()).containsExactly(6, 4, 2, 6);
    // Columns: (5/4 (0, 3) + (5, 0)) / (9/4) and ((2, 8) + 4/3 (6, 7)) / (7/3)
    assertThat(factors.b().toDoubleArray())
        .containsExactly(new double[] {20.0 / 9, 30.0 / 7, 5.0 / 3, 52.0 / 7}, within(1e-12));
    // Twice the coefficient is four times the result; a tail of a half makes s_1 = (5/4, 5/4).
    TaskVector.LowRank doubled = (TaskVector.LowRank) new RobustMerge(0.5, 1, 2).mergeFactored(tau);
    assertThat(doubled.dense().toDoubleArray()[0])
        .isCloseTo(4 * factors.dense().toDoubleArray()[0], within(1e-9));
    TaskVector.LowRank tail = (TaskVector.LowRank) new RobustMerge(0.5, 0.5, 1).mergeFactored(tau);
    // s_1 = (5/4, 5/4), s_2 = (4/3, 4/3): (5/4 · 0 + 4/3 · 5) / (31/12)
    assertThat(tail.b().toDoubleArray()[0]).isCloseTo(80.0 / 31, within(1e-12));
  }

  @Test
  void robustmerge_averages_what_is_no_adapter_and_wants_one_rank() {
    TaskVectors mixed =
        new TaskVectors(
            "w",
            List.of(
                adapter(1, new double[][] {{1}, {2}}, new double[][] {{4, 1}}),
                new TaskVector.Dense(manager.create(new double[][] {{2, 1}, {0, 4}}))));

    assertThat(RobustMerge.PUBLISHED.merge(mixed).toDoubleArray()).containsExactly(3, 1, 4, 3);

    TaskVectors ranks =
        new TaskVectors(
            "w",
            List.of(
                adapter(1, new double[][] {{1}, {2}}, new double[][] {{4, 1}}),
                adapter(1, new double[][] {{1, 2}, {3, 8}}, new double[][] {{4, 1}, {2, 3}})));
    assertThatThrownBy(() -> RobustMerge.PUBLISHED.mergeFactored(ranks))
        .hasMessageContaining("adapters have ranks 1 and 2; they must be equal");
  }

  private TaskVectors diagonal(double[]... diagonals) {
    return Arrays2d.tau(
        Arrays.stream(diagonals)
            .map(
                values -> {
                  double[][] matrix = new double[values.length][values.length];
                  for (int i = 0; i < values.length; i++) {
                    matrix[i][i] = values[i];
                  }
                  return manager.create(matrix);
                })
            .toList());
  }

  private static double[] diagonalOf(NDArray matrix) {
    double[] values = matrix.toType(DataType.FLOAT64, true).toDoubleArray();
    int side = (int) Math.sqrt(values.length);
    double[] diagonal = new double[side];
    double off = 0;
    for (int i = 0; i < values.length; i++) {
      if (i % (side + 1) == 0) {
        diagonal[i / (side + 1)] = values[i];
      } else {
        off += Math.abs(values[i]);
      }
    }
    assertThat(off).isLessThan(1e-9);
    return diagonal;
  }

  @Test
  void dc_merge_spreads_energy_within_a_tasks_directions() {
    TaskVectors apart = diagonal(new double[] {4, 2, 0, 0}, new double[] {0, 0, 3, 1});

    assertThat(diagonalOf(dc(DcMerge.Smoothing.AVERAGE, 5, 1).merge(apart)))
        .containsExactly(new double[] {3, 3, 2, 2}, within(1e-9));
    // Shares 1.5 : 1 of 6 and of 4.
    assertThat(diagonalOf(dc(DcMerge.Smoothing.LINEAR, 1.5, 1).merge(apart)))
        .containsExactly(new double[] {3.6, 2.4, 2.4, 1.6}, within(1e-9));
    // 4 : 2 is less than 1 : 5 apart, 3 : 1 too: as they were.
    assertThat(diagonalOf(dc(DcMerge.Smoothing.LINEAR, 5, 1).merge(apart)))
        .containsExactly(new double[] {4, 2, 3, 1}, within(1e-9));
    // One entry of sixteen.
    assertThat(diagonalOf(dc(DcMerge.Smoothing.NONE, 5, 1 / 16.0).merge(apart)))
        .containsExactly(new double[] {4, 0, 3, 0}, within(1e-9));
  }

  @Test
  void dc_merge_takes_the_mean_of_those_that_agree() {
    // One direction each, the same one: made orthonormal together it is shared out, half and half.
    TaskVectors same = diagonal(new double[] {4, 0}, new double[] {2, 0});

    double[] merged = diagonalOf(dc(DcMerge.Smoothing.NONE, 5, 1).merge(same));

    // U = V = (e/√2, e/√2): M_t = σ_t/2 in all four entries, their mean 3/2; the two entries in the
    // blocks of one task give Δ = (3/2 + 3/2)/2.
    assertThat(merged[0]).isCloseTo(1.5, within(1e-9));
    assertThat(merged[1]).isCloseTo(0, within(1e-9));
  }

  private static DcMerge dc(DcMerge.Smoothing smoothing, double rho, double keepShare) {
    return new DcMerge(smoothing, rho, keepShare);
  }

  @Test
  void actmerge_of_diagonals() {
    TaskVectors tau = diagonal(new double[] {2, 1, 0}, new double[] {1, 3, 0});

    // (8 + 1)/(4 + 1), (1 + 27)/(1 + 9); no input was seen in the third.
    assertThat(diagonalOf(new ActMerge().merge(tau)))
        .containsExactly(new double[] {1.8, 2.8, 0}, within(1e-9));
  }

  @Test
  void actmerge_solves_its_normal_equations() {
    TaskVectors tau = Arrays2d.gaussian(manager, 11, 7, 3, 5);

    NDArray merged = new ActMerge().merge(tau);

    NDArray covariance = manager.zeros(new Shape(7, 7), DataType.FLOAT64);
    NDArray right = manager.zeros(new Shape(11, 7), DataType.FLOAT64);
    for (TaskVector vector : tau.vectors()) {
      NDArray gram = vector.dense().transpose().matMul(vector.dense());
      covariance.addi(gram);
      right.addi(vector.dense().matMul(gram));
    }
    assertThat(Arrays2d.error(merged.matMul(covariance), right)).isLessThan(1e-10);
  }

  /** W_0 turned by an angle about the third axis, times a factor of I. */
  private NDArray turned(double angle) {
    double c = Math.cos(angle);
    double s = Math.sin(angle);
    return manager.create(new double[][] {{c, s, 0}, {-s, c, 0}, {0, 0, 1}});
  }

  @Test
  void orthomerge_of_rotations_about_one_axis() {
    NDArray base = turned(0);
    // One expert points with itself: no row conflicts, nothing is turned, c = 0.2 of it is added.
    NDArray one = new OrthoMerge(0.2).merge(Arrays2d.tau(List.of(base, turned(0.5))));
    assertThat(one.toDoubleArray())
        .containsExactly(base.add(turned(0.5).sub(base).mul(0.2)).toDoubleArray(), within(1e-9));
    // The rotation between two bases is found.
    NDArray found = OrthoMerge.rotation(base, turned(0.5), base);
    assertThat(found.toDoubleArray()).containsExactly(turned(0.5).toDoubleArray(), within(1e-5));
    // A reflection is not taken for one.
    NDArray mirror = manager.create(new double[][] {{1, 0, 0}, {0, 1, 0}, {0, 0, -1}});
    NDArray nearest = OrthoMerge.rotation(base, mirror, base);
    assertThat(nearest.matMul(nearest.transpose()).toDoubleArray())
        .containsExactly(base.toDoubleArray(), within(1e-9));
    assertThat(nearest.toDoubleArray()).isNotEqualTo(mirror.toDoubleArray());
  }

  @Test
  void orthomerge_turns_what_conflicts_and_adds_the_rest() {
    // W_0 = I; τ_1 = (0, 0.4) in row 1, τ_2 = (0, −0.1) in row 1: row 1 of τ_2 conflicts with the
    // mean (0, 0.15). W_0 + τ_2's row: ((1, −0.1), (0, 1)), whose nearest rotation has tan φ =
    // 0.05.
    NDArray base = manager.create(new double[][] {{1, 0}, {0, 1}});
    NDArray first = manager.create(new double[][] {{1, 0.4}, {0, 1}});
    NDArray second = manager.create(new double[][] {{1, -0.1}, {0, 1}});

    double[] merged =
        new OrthoMerge(0.2).merge(Arrays2d.tau(List.of(base, first, second))).toDoubleArray();

    double phi = Math.atan(0.05);
    // Q_1 = 0, ‖Q_2‖ = √2 tan(φ/2); the mean length is half of it.
    double angle = 2 * Math.atan(Math.tan(phi / 2) / 2);
    double[] expected = {
      Math.cos(angle) + 0.2 * (1 - Math.cos(phi)),
      -Math.sin(angle) + 0.2 * (0.4 - 0.1 + Math.sin(phi)),
      Math.sin(angle) - 0.2 * Math.sin(phi),
      Math.cos(angle) + 0.2 * (1 - Math.cos(phi))
    };
    assertThat(merged).containsExactly(expected, within(1e-5));
  }

  private static float[] random(int size, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextDouble(-1, 1);
    }
    return values;
  }
}
