package org.optmerge.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import org.junit.jupiter.api.Test;
import org.optmerge.method.Arrays2d;
import org.optmerge.method.MergeMethods;
import org.optmerge.taskvector.TaskVectors;

class TaskVectorDiagnosticsTest {
  @Test
  void looks_at_two_matrices_as_worked_out_by_hand() {
    try (NDManager manager = NDManager.newBaseManager()) {
      // τ₁ = diag(3, 3), τ₂ = (4 0; 0 0): ⟨τ₁, τ₂⟩ = 12, norms √18 and 4
      TaskVectors tau =
          Arrays2d.tau(manager, new double[][] {{3, 0}, {0, 3}}, new double[][] {{4, 0}, {0, 0}});

      TaskVectorDiagnostics found = TaskVectorDiagnostics.of(tau);

      assertThat(found.norms().get(0)).isEqualTo(Math.sqrt(18), within(1e-14));
      // shares ½ and ½: exp(ln 2); a single direction: 1
      assertThat(found.effectiveRanks().get(0)).isEqualTo(2, within(1e-12));
      assertThat(found.effectiveRanks().get(1)).isEqualTo(1, within(1e-12));
      assertThat(found.cosines().get(0).get(1)).isEqualTo(12 / (4 * Math.sqrt(18)), within(1e-14));
      assertThat(found.cosines().get(1).get(0)).isEqualTo(found.cosines().get(0).get(1));
      assertThat(found.overlaps().get(1).get(1)).isEqualTo(1, within(1e-12));
    }
  }

  @Test
  void row_spaces_overlap_by_the_squared_cosine_of_their_angle() {
    try (NDManager manager = NDManager.newBaseManager()) {
      // rows (1, 0) and (3, 4)/5: cosine 0.6
      TaskVectors tau = Arrays2d.tau(manager, new double[][] {{2, 0}}, new double[][] {{3, 4}});

      assertThat(TaskVectorDiagnostics.of(tau).overlaps().get(0).get(1))
          .isEqualTo(0.36, within(1e-12));
    }
  }

  @Test
  void measures_interference_and_distance_from_the_mean() {
    try (NDManager manager = NDManager.newBaseManager()) {
      TaskVectors tau = Arrays2d.tau(manager, new double[][] {{2, 0}}, new double[][] {{0, 4}});

      // the sum (2, 4): (τ_m − τ₁)τ₁ᵀ = (0, 4)·(2, 0) = 0, and 0: no interference
      TaskVectorDiagnostics.Merged sum =
          TaskVectorDiagnostics.ofMerged(
              tau, MergeMethods.named("task-arithmetic").method().merge(tau));
      assertThat(sum.totalInterference()).isZero();
      // the mean (1, 2): distance from it 1, in its direction
      assertThat(sum.distanceFromMean()).isEqualTo(1, within(1e-12));
      assertThat(sum.cosineWithMean()).isEqualTo(1, within(1e-12));

      // the mean: (−1, 2)·(2, 0) = −2, 4/4 = 1; (1, −2)·(0, 4) = −8, 64/16 = 4
      TaskVectorDiagnostics.Merged mean =
          TaskVectorDiagnostics.ofMerged(
              tau, MergeMethods.named("weight-average").method().merge(tau));
      assertThat(mean.interference()).containsExactly(1.0, 4.0);
      assertThat(mean.distanceFromMean()).isZero();
      assertThat(mean.norm()).isEqualTo(Math.sqrt(5), within(1e-12));
    }
  }

  @Test
  void vectors_and_zeros_are_looked_at_too() {
    try (NDManager manager = NDManager.newBaseManager()) {
      TaskVectors tau =
          Arrays2d.tau(
              java.util.List.of(
                  manager.create(new float[] {3, 4, 0}), manager.create(new float[3])));

      TaskVectorDiagnostics found = TaskVectorDiagnostics.of(tau);

      assertThat(found.norms()).containsExactly(5.0, 0.0);
      assertThat(found.effectiveRanks().get(1)).isZero();
      assertThat(found.cosines().get(0)).containsExactly(1.0, 0.0);
      assertThat(found.overlaps().get(0).get(1)).isZero();
      assertThat(manager.getManagedArrays()).hasSize(2);
    }
  }
}
