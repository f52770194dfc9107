package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.LinearAlgebraException;
import org.optmerge.linalg.Svd;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/**
 * OrthoMerge: experts as rotations of the base's inputs and a rest; rotations are merged among
 * rotations, the rest is added.
 *
 * <p>R_t is the rotation that brings W_0 nearest to W_0 + the rows of τ_t that point against their
 * mean; Q_t = (R_t + I)⁻¹(R_t − I) is skew. Q has the direction of Σ Q_t and the mean length of the
 * Q_t; R = (I − Q)⁻¹(I + Q). The result is W_0 R + c Σ (W_t − W_0 R_t).
 *
 * <p>Where no weight says how to rotate, as always if a matrix has more columns than rows, the
 * published code takes what its decomposition happens to give; here nothing is turned there. And a
 * reflection, which has no Q, is never taken for a rotation. Parameters that are not matrices are
 * θ_0 + c Σ τ_t, as published. The base comes first among the weights.
 *
 * @param coefficient c
 * @see <a href="https://arxiv.org/abs/2602.05943">Yang et al., Orthogonal model merging, ICML 2026,
 *     section 3, with conflict-aware targets</a>
 */
record OrthoMerge(@ParameterDoc("coefficient of what is no rotation") double coefficient)
    implements MergeMethod {
  /** The published script's. */
  static final OrthoMerge PUBLISHED = new OrthoMerge(0.2);

  /** The part of I in a Procrustes problem, so that nothing turns without a reason. */
  private static final double STILL = 1e-6;

  private static final double REFLECTED = 1e-9;

  OrthoMerge {
    Check.finite("orthomerge", "coefficient", coefficient);
  }

  @Override
  public Operand operand() {
    return Operand.WEIGHTS;
  }

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    Check.inputs("orthomerge", count, 2, Integer.MAX_VALUE, "the base and one other model or more");
  }

  @Override
  public NDArray merge(TaskVectors weights) {
    try (NDManager scope = weights.manager().newSubManager()) {
      List<NDArray> experts = new ArrayList<>();
      for (TaskVector vector : weights.vectors()) {
        experts.add(LinearAlgebra.toFloat64(scope, vector.dense()));
      }
      NDArray base = experts.remove(0);
      if (base.getShape().dimension() != 2 || base.isEmpty()) {
        NDArray sum = scope.zeros(base.getShape(), DataType.FLOAT64);
        experts.forEach(expert -> sum.addi(expert.sub(base)));
        return scope.ret(sum.muli(coefficient).addi(base));
      }
      return scope.ret(merge(base, experts));
    } catch (LinearAlgebraException e) {
      throw e.at(weights.parameter());
    }
  }

  private NDArray merge(NDArray base, List<NDArray> experts) {
    int count = experts.size();
    NDArray mean = base.mul(-1);
    experts.forEach(expert -> mean.addi(expert.div(count)));
    int side = Math.toIntExact(base.getShape().get(1));
    NDArray identity = base.getManager().eye(side, side, 0, DataType.FLOAT64);
    NDArray direction = identity.zerosLike();
    NDArray rest = base.zerosLike();
    double length = 0;
    for (NDArray expert : experts) {
      NDArray rotation = rotation(base, target(base, expert.sub(base), mean), identity);
      NDArray skew = LinearAlgebra.solve(rotation.add(identity), rotation.sub(identity));
      NDArray antisymmetric = skew.sub(skew.transpose()).muli(0.5);
      direction.addi(antisymmetric);
      length += Math.sqrt(LinearAlgebra.squaredNorm(antisymmetric));
      rest.addi(expert.sub(base.matMul(rotation)));
    }
    double sum = Math.sqrt(LinearAlgebra.squaredNorm(direction));
    NDArray merged = direction.mul(sum < 1e-8 ? 0 : length / count / sum);
    NDArray rotation = LinearAlgebra.solve(identity.sub(merged), identity.add(merged));
    return base.matMul(rotation).addi(rest.muli(coefficient));
  }

  /** The base with the rows of a task vector that point against the mean. */
  private static NDArray target(NDArray base, NDArray tau, NDArray mean) {
    int[] rows = {1};
    NDArray products = tau.mul(mean).sum(rows, true);
    return base.add(tau.mul(products.lt(0).toType(DataType.FLOAT64, false)));
  }

  /** The rotation R for which W_0 R is nearest to a matrix. */
  static NDArray rotation(NDArray base, NDArray target, NDArray identity) {
    NDArray product = base.transpose().matMul(target);
    double norm = Math.sqrt(LinearAlgebra.squaredNorm(product));
    if (norm == 0) {
      return identity;
    }
    Svd svd = LinearAlgebra.svd(product.div(norm).addi(identity.mul(STILL)));
    double[] ones = new double[svd.s().length];
    Arrays.fill(ones, 1);
    NDArray nearest = svd.with(ones);
    NDArray symmetric = nearest.add(nearest.transpose()).muli(0.5);
    long halfTurns =
        Arrays.stream(LinearAlgebra.eigh(symmetric).values())
            .filter(cosine -> cosine < REFLECTED - 1)
            .count();
    // Angles of rotations come in pairs; an odd one is a reflection.
    if (halfTurns % 2 == 1) {
      ones[ones.length - 1] = -1;
      return svd.with(ones);
    }
    return nearest;
  }
}
