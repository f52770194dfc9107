package org.optmerge.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class AdamWTest {
  /** The loss 3a + 4b₀ + 0b₁ has gradient (3, 4, 0), of norm 5. */
  private static void backward(NDArray matrix, NDArray vector) {
    try (NDManager step = matrix.getManager().newSubManager();
        GradientCollector collector = Engine.getInstance().newGradientCollector()) {
      NDArray weights = step.create(new float[] {4, 0});
      collector.backward(step.create(3f).mul(matrix.sum()).add(weights.mul(vector).sum()));
    }
  }

  @Test
  void one_step_clips_decays_matrices_only_and_moves_by_the_learning_rate() {
    try (NDManager manager = NDManager.newBaseManager()) {
      NDArray matrix = manager.create(new float[] {2}, new Shape(1, 1));
      NDArray vector = manager.create(new float[] {1, 1});
      AdamW.Settings settings = new AdamW.Settings(0.9, 0.98, 1e-8, 0.5, 1);
      try (AdamW adam = new AdamW(new TreeMap<>(Map.of("m", matrix, "v", vector)), settings)) {
        backward(matrix, vector);
        assertThat(adam.step(0.1)).isCloseTo(5, within(1e-6));
        // 2 · (1 − 0.1 · 0.5) − 0.1; the first step of Adam is the sign of the gradient.
        assertThat(matrix.toFloatArray()[0]).isCloseTo(1.8f, within(1e-6f));
        assertThat(vector.toFloatArray()).containsExactly(new float[] {0.9f, 1}, within(1e-6f));
        // Clipped to norm 1: the gradient was 0.6, of which a tenth is in the first moment.
        assertThat(adam.moments().get("m").firstMoment().toFloatArray()[0])
            .isCloseTo(0.06f, within(1e-6f));
        assertThat(matrix.getGradient().toFloatArray()).containsExactly(0);
      }
      assertThat(matrix.hasGradient()).isFalse();
    }
  }

  @Test
  void a_gradient_that_is_not_finite_changes_nothing() {
    try (NDManager manager = NDManager.newBaseManager()) {
      NDArray matrix = manager.create(new float[] {Float.POSITIVE_INFINITY}, new Shape(1, 1));
      AdamW.Settings settings = new AdamW.Settings(0.9, 0.98, 1e-8, 0, 1);
      try (AdamW adam = new AdamW(new TreeMap<>(Map.of("m", matrix)), settings)) {
        try (NDManager step = manager.newSubManager();
            GradientCollector collector = Engine.getInstance().newGradientCollector()) {
          collector.backward(step.create(1f).mul(matrix).mul(matrix).sum());
        }
        assertThatThrownBy(() -> adam.step(0.1))
            .isInstanceOf(TrainingException.class)
            .hasMessageStartingWith("the gradient is not finite");
        assertThat(matrix.toFloatArray()).containsExactly(Float.POSITIVE_INFINITY);
      }
    }
  }

  @Test
  void settings_are_checked() {
    assertThatThrownBy(() -> new AdamW.Settings(1, 0.9, 1e-8, 0, 1))
        .hasMessageContaining("[0, 1), not 1.0 and 0.9");
    assertThatThrownBy(() -> new AdamW.Settings(0.9, 0.9, 1e-8, 0, 0))
        .hasMessageContaining("clip norm 0.0");
  }
}
