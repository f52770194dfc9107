package org.optmerge.taskvector;

import ai.djl.ndarray.NDArray;

/**
 * What one expert learned about one parameter: τ = θ_t − θ_0, as a whole or as the factors of an
 * adapter.
 */
public sealed interface TaskVector {
  /** τ, expanded, float32 or float64. */
  NDArray dense();

  /**
   * A task vector as it is.
   *
   * @param dense any shape
   */
  record Dense(NDArray dense) implements TaskVector {}

  /**
   * A low-rank task vector, τ = scale · B · A, as a LoRA adapter holds it.
   *
   * @param b shape (m, r)
   * @param a shape (r, n)
   * @param scale α/r, or α/√r for rank-stabilised LoRA
   */
  record LowRank(NDArray b, NDArray a, double scale) implements TaskVector {
    @Override
    public NDArray dense() {
      return b.matMul(a).mul(scale);
    }
  }
}
