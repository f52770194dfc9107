package org.optmerge.method.interference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.OptionalDouble;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.method.Arrays2d;
import org.optmerge.method.MergeMethods;
import org.optmerge.taskvector.TaskVectors;

class OptMergeMethodTest {
  private NDManager manager;

  @BeforeEach
  void openManager() {
    manager = NDManager.newBaseManager();
  }

  @AfterEach
  void closeManager() {
    manager.close();
  }

  @Test
  void two_steps_on_diagonal_experts_as_worked_out_by_hand() {
    // τ₁ = diag(2, 1), τ₂ = diag(0, 3); k = ⌊2/2⌋ = 1: A₁ = diag(2, 0), A₂ = τ₂, w = 1/5 and 1/9
    // G = diag(4/5, 1), H = diag(8/5, 3); start: mean diag(1, 2); one step of η = 0.25:
    // entry 11: 1 − 0.25 · 2(0.8 − 1.6) = 1.4; entry 22: 2 − 0.25 · 2(2 − 3) = 2.5
    TaskVectors tau =
        Arrays2d.tau(manager, new double[][] {{2, 0}, {0, 1}}, new double[][] {{0, 0}, {0, 3}});
    OptMergeMethod method =
        new OptMergeMethod(
            Init.MEAN,
            OptionalDouble.empty(),
            false,
            OptMergeMethod.Projector.TRUNCATED,
            Descent.sgd(0.25, 0, 1));

    assertThat(method.merge(tau).toDoubleArray())
        .containsExactly(new double[] {1.4, 0, 0, 2.5}, within(1e-14));
  }

  @Test
  void targets_are_low_rank_but_for_the_mean_where_centred() {
    // τ₁ = diag(4, 1), τ₂ = diag(0, 3), mean diag(2, 2), τ₁ − mean = diag(2, −1) = −(τ₂ − mean)
    // k = 1 keeps diag(±2, 0): A₁ = diag(4, 2), A₂ = diag(0, 2); B₁ = (4, 0), B₂ = (0, 3)
    // the minimum is that of A₁ in column 1 and of A₂ in column 2
    TaskVectors tau =
        Arrays2d.tau(manager, new double[][] {{4, 0}, {0, 1}}, new double[][] {{0, 0}, {0, 3}});
    OptMergeMethod method =
        new OptMergeMethod(
            Init.SUM,
            OptionalDouble.empty(),
            true,
            OptMergeMethod.Projector.TRUNCATED,
            Descent.flow(1e4));

    assertThat(method.merge(tau).toDoubleArray())
        .containsExactly(new double[] {4, 0, 0, 2}, within(1e-12));

    // equation 3: the projectors are (2, 0) for both, nothing spans column 2: it keeps the sum, 4;
    // column 1: weights 4/17 and 4/9 of 4 and 0
    OptMergeMethod paper =
        new OptMergeMethod(
            Init.SUM,
            OptionalDouble.empty(),
            true,
            OptMergeMethod.Projector.CENTRED,
            Descent.flow(1e4));
    double first = 4 * (4 / 17.0) / (4 / 17.0 + 4 / 9.0);
    assertThat(paper.merge(tau).toDoubleArray())
        .containsExactly(new double[] {first, 0, 0, 4}, within(1e-12));
  }

  @Test
  void a_relative_step_is_in_units_of_the_task_vectors_size() {
    // rms of (3, 4; 0, 0) is 2.5, of (0, 0; 0, 1) it is 0.5: mean 1.5, one step of Adam is 0.01 ·
    // 1.5
    TaskVectors tau =
        Arrays2d.tau(manager, new double[][] {{3, 4}, {0, 0}}, new double[][] {{0, 0}, {0, 1}});
    Wudi method = new Wudi(Init.ZERO, Descent.relativeAdam(0.01, 1));

    double[] merged = method.merge(tau).toDoubleArray();

    assertThat(merged).containsExactly(new double[] {0.015, 0.015, 0, 0.015}, within(1e-9));
  }

  @Test
  void ranks_are_rounded_down() {
    assertThat(OptMergeMethod.LORA.rank(896, 4864, 5)).isEqualTo(179);
    assertThat(OptMergeMethod.LORA.rank(4, 16, 5)).isZero();
    assertThat(OptMergeMethod.MODALITIES.rank(128, 4096, 3)).isEqualTo(25);
    for (int side = 1; side < 3000; side++) {
      assertThat(OptMergeMethod.MODALITIES.rank(side, side, 3)).isEqualTo(side / 5);
    }
    assertThatThrownBy(
            () ->
                new OptMergeMethod(
                    Init.SUM,
                    OptionalDouble.of(1.5),
                    false,
                    OptMergeMethod.Projector.FULL,
                    Descent.flow(1)))
        .hasMessage("optmerge: rank_share must be in [0, 1], is 1.5");
  }

  @Test
  void the_trajectory_starts_at_the_start_and_ends_at_the_result() {
    TaskVectors tau = Arrays2d.gaussian(manager, 7, 12, 3, 1);

    Trajectory trajectory = Trajectory.of(OptMergeMethod.LORA, tau, 100);

    assertThat(trajectory.points())
        .extracting(Trajectory.Point::step)
        .containsExactly(0, 100, 200, 300);
    NDArray mean = Arrays2d.sum(tau).div(3);
    assertThat(trajectory.points().get(0).norm())
        .isEqualTo(Math.sqrt(LinearAlgebra.squaredNorm(mean)), within(1e-14));
    assertThat(trajectory.points().get(3).norm())
        .isEqualTo(Math.sqrt(LinearAlgebra.squaredNorm(trajectory.merged())), within(1e-14));
    assertThatThrownBy(() -> Trajectory.of(OptMergeMethod.FLOW_10, tau, 1))
        .hasMessageStartingWith("trajectory: needs a method that makes steps");
    assertThatThrownBy(() -> Trajectory.of(MergeMethods.named("tsv").method(), tau, 1))
        .hasMessageEndingWith("got Tsv[]");
    assertThatThrownBy(() -> Trajectory.of(OptMergeMethod.LORA, tau, 0))
        .hasMessage("trajectory: every must be at least 1, is 0");
  }

  @Test
  void an_interrupted_descent_stops() {
    TaskVectors tau = Arrays2d.gaussian(manager, 7, 12, 3, 2);
    Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(() -> Wudi.PUBLISHED.merge(tau))
          .isInstanceOf(java.util.concurrent.CancellationException.class)
          .hasMessage("parameter 'layer.weight': interrupted at step 0 of 300");
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }
}
