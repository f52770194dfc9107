package org.optmerge.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.junit.jupiter.api.Test;

class AdamTest {
  @Test
  void two_steps_as_worked_out_by_hand() {
    try (NDManager manager = NDManager.newBaseManager()) {
      NDArray x = manager.create(new double[] {1, 1});
      Adam adam = new Adam(x);

      adam.step(manager.create(new double[] {4, 0}), 0.5);
      // m = 0.4, v = 0.016; corrected 4 and 16: the step is 0.5 · 4/(4 + 1e-8); 0/ε = 0 beside it
      assertThat(x.toDoubleArray())
          .containsExactly(new double[] {1 - 0.5 * 4 / (4 + 1e-8), 1}, within(1e-15));

      adam.step(manager.create(new double[] {-1, 0}), 0.5);
      // m = 0.36 − 0.1 = 0.26, v = 0.015984 + 0.001 = 0.016984; 1 − 0.9² = 0.19, 1 − 0.999² =
      // 0.001999
      double second = 0.5 / 0.19 * 0.26 / (Math.sqrt(0.016984 / 0.001999) + 1e-8);
      assertThat(x.toDoubleArray()[0]).isEqualTo(1 - 0.5 * 4 / (4 + 1e-8) - second, within(1e-14));
      assertThat(manager.getManagedArrays()).hasSize(5);
    }
  }
}
