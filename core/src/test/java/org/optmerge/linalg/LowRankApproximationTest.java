package org.optmerge.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.optmerge.taskvector.TaskVector;

class LowRankApproximationTest {
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
  void keeps_the_largest_directions_and_says_what_is_lost() {
    // singular values 4 and 3 of diag(4, −3): rank 1 loses 3 of 5
    NDArray x = manager.create(new double[][] {{4, 0}, {0, -3}});

    LowRankApproximation found = LowRankApproximation.of(x, 1);

    assertThat(found.relativeError()).isEqualTo(0.6, within(1e-14));
    assertThat(found.factors().dense().toDoubleArray())
        .containsExactly(new double[] {4, 0, 0, 0}, within(1e-14));
    // the singular value is shared out evenly
    assertThat(found.factors().b().toDoubleArray())
        .containsExactly(new double[] {2, 0}, within(1e-14));
    assertThat(LowRankApproximation.of(x, 2).relativeError()).isLessThan(1e-15);
  }

  @Test
  void factors_are_not_expanded_and_exact_where_their_rank_permits() {
    // 2 · (1; 0; 2)(0 1) + 2 · (0; 1; 0)(1 0): singular values 2√5 and 2, written with rank 2 scale
    // 2
    NDArray b = manager.create(new double[][] {{1, 0}, {0, 1}, {2, 0}, {0, 0}});
    NDArray a = manager.create(new double[][] {{0, 1, 0}, {1, 0, 0}});
    TaskVector.LowRank x = new TaskVector.LowRank(b, a, 2);

    LowRankApproximation exact = LowRankApproximation.of(x, 3);
    assertThat(exact.relativeError()).isZero();
    assertThat(exact.factors().rank()).isEqualTo(3);
    assertThat(exact.factors().dense().toDoubleArray())
        .containsExactly(x.dense().toDoubleArray(), within(1e-13));

    // 2²/(20 + 4)
    assertThat(LowRankApproximation.of(x, 1).relativeError())
        .isEqualTo(Math.sqrt(4 / 24.0), within(1e-13));
  }

  @Test
  void zeros_and_ranks_out_of_range() {
    NDArray zeros = manager.zeros(new Shape(3, 2));

    assertThat(LowRankApproximation.of(zeros, 2).relativeError()).isZero();
    assertThat(LowRankApproximation.of(zeros, 2).factors().dense().toDoubleArray()).containsOnly(0);
    assertThatThrownBy(() -> LowRankApproximation.of(zeros, 3))
        .hasMessage(
            "low-rank approximation: rank must be in [1, min(m, n)] of a matrix, is 3 for shape (3, 2)");
    assertThatThrownBy(() -> LowRankApproximation.of(manager.zeros(new Shape(3)), 1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
