package org.optmerge.taskvector;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;

/**
 * The change that one expert learned of one parameter: τ = θ_t − θ_0, as a whole or as the factors
 * of an adapter.
 */
public sealed interface TaskVector {
  /** τ, expanded, float32 or float64. */
  NDArray dense();

  /** The extents of τ, expanded. */
  Shape shape();

  /**
   * A task vector as it is.
   *
   * @param dense any shape
   */
  record Dense(NDArray dense) implements TaskVector {
    @Override
    public Shape shape() {
      return dense.getShape();
    }
  }

  /**
   * A low-rank task vector, τ = scale · B · A, as a LoRA adapter holds it.
   *
   * @param b shape (m, r)
   * @param a shape (r, n)
   * @param scale α/r, or α/√r for rank-stabilised LoRA
   */
  record LowRank(NDArray b, NDArray a, double scale) implements TaskVector {
    public LowRank {
      if (b.getShape().dimension() != 2
          || a.getShape().dimension() != 2
          || b.getShape().get(1) != a.getShape().get(0)) {
        throw new IllegalArgumentException(
            "low-rank task vector: B must be (m, r) and A (r, n), are %s and %s"
                .formatted(b.getShape(), a.getShape()));
      }
    }

    /** The inner extent, r. */
    public long rank() {
      return a.getShape().get(0);
    }

    @Override
    public Shape shape() {
      return new Shape(b.getShape().get(0), a.getShape().get(1));
    }

    @Override
    public NDArray dense() {
      try (NDArray product = b.matMul(a)) {
        return product.mul(scale);
      }
    }
  }
}
