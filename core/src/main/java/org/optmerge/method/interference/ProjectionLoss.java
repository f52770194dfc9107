package org.optmerge.method.interference;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import org.optmerge.method.Matrices;

/**
 * The interference loss L(τ) = Σ wᵢ‖(τ − Aᵢ)Bᵢᵀ‖_F² of targets Aᵢ (m, n) in the row spaces of
 * projectors Bᵢ (kᵢ, n).
 *
 * <p>It is quadratic with gradient 2(τG − H), G = Σ wᵢBᵢᵀBᵢ, H = Σ wᵢAᵢBᵢᵀBᵢ, and it is held in the
 * smaller of two forms.
 */
sealed interface ProjectionLoss {
  /** ½ · gradient = τG − H, of any float type; a new array in the manager of {@code tau}. */
  NDArray halfGradient(NDArray tau);

  /** The extent that a gradient contracts over: n, or 2R in factored form. */
  long side();

  /** A number that no eigenvalue of G exceeds. */
  double largest();

  /**
   * For R = Σ kᵢ &lt; n: G = BᵀB and H = YB, so that L(τ) = ‖τBᵀ − Y‖_F².
   *
   * @param b the √wᵢBᵢ on top of each other, shape (R, n)
   * @param y the √wᵢAᵢBᵢᵀ beside each other, shape (m, R)
   * @param largest what no eigenvalue of G exceeds
   */
  record Factored(NDArray b, NDArray y, double largest) implements ProjectionLoss {
    @Override
    public NDArray halfGradient(NDArray tau) {
      try (NDArray transposed = b.transpose();
          NDArray product = tau.matMul(transposed)) {
        return product.subi(y).matMul(b);
      }
    }

    @Override
    public long side() {
      return 2 * b.getShape().get(0);
    }

    double value(NDArray tau) {
      try (NDArray transposed = b.transpose();
          NDArray residual = tau.matMul(transposed)) {
        residual.subi(y);
        try (NDArray square = residual.mul(residual);
            NDArray sum = square.sum()) {
          return sum.toDoubleArray()[0];
        }
      }
    }
  }

  /**
   * For R ≥ n.
   *
   * @param g G, shape (n, n)
   * @param h H, shape (m, n)
   * @param largest what no eigenvalue of G exceeds
   */
  record Gram(NDArray g, NDArray h, double largest) implements ProjectionLoss {
    @Override
    public NDArray halfGradient(NDArray tau) {
      return tau.matMul(g).subi(h);
    }

    @Override
    public long side() {
      return g.getShape().get(0);
    }
  }

  /** Takes one expert after the other and keeps only what the form needs. */
  final class Builder {
    private final Matrices tau;
    private final boolean factored;
    private final List<NDArray> b = new ArrayList<>();
    private final List<NDArray> y = new ArrayList<>();
    private final NDArray g;
    private final NDArray h;
    private double largest;

    /**
     * @param tau decides extents, type and where the loss lives
     * @param factored which form to build; see {@link #prefersFactors}
     */
    Builder(Matrices tau, boolean factored) {
      this.tau = tau;
      this.factored = factored;
      long side = factored ? 0 : tau.columns();
      this.g = zeros(side, side);
      this.h = zeros(factored ? 0 : tau.rows(), side);
    }

    private NDArray zeros(long rows, long columns) {
      return tau.scope().zeros(new Shape(rows, columns), tau.type());
    }

    /** True if projectors with so many rows in all are cheaper as they are than as G. */
    static boolean prefersFactors(long projectorRows, long columns) {
      return projectorRows < columns;
    }

    boolean isFactored() {
      return factored;
    }

    /**
     * Adds w‖(τ − A)Bᵀ‖².
     *
     * @param projector B, shape (k, n)
     * @param response ABᵀ, shape (m, k)
     * @param largest what no eigenvalue of BᵀB exceeds
     */
    void add(double weight, NDArray projector, NDArray response, double largest) {
      if (factored) {
        this.largest += weight * largest;
        double root = Math.sqrt(weight);
        b.add(projector.mul(root));
        y.add(response.mul(root));
      } else {
        try (NDArray transposed = projector.transpose();
            NDArray gram = transposed.matMul(projector);
            NDArray product = response.matMul(projector)) {
          addGram(weight, gram, product, largest);
        }
      }
    }

    /**
     * Adds w‖(τ − A)Bᵀ‖², only in the form with G.
     *
     * @param gram BᵀB, shape (n, n); changed
     * @param product ABᵀB, shape (m, n); changed
     * @param largest what no eigenvalue of BᵀB exceeds
     */
    void addGram(double weight, NDArray gram, NDArray product, double largest) {
      this.largest += weight * largest;
      g.addi(gram.muli(weight));
      h.addi(product.muli(weight));
    }

    ProjectionLoss build() {
      if (!factored) {
        return new Gram(g, h, largest);
      }
      if (b.isEmpty()) {
        return new Factored(zeros(0, tau.columns()), zeros(tau.rows(), 0), largest);
      }
      NDArray stackedB = NDArrays.concat(new NDList(b), 0);
      NDArray stackedY = NDArrays.concat(new NDList(y), 1);
      b.forEach(NDArray::close);
      y.forEach(NDArray::close);
      return new Factored(stackedB, stackedY, largest);
    }
  }
}
