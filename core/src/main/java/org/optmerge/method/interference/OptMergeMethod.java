package org.optmerge.method.interference;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import java.util.OptionalDouble;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.PrincipalPart;
import org.optmerge.method.Check;
import org.optmerge.method.Matrices;
import org.optmerge.method.ParameterDoc;

/**
 * OptMerge: minimises Σ ‖(τ − Aᵢ)Bᵢᵀ‖_F² / ‖τᵢ‖_F², where the target Aᵢ is a low-rank part of task
 * vector τᵢ and the projector Bᵢ spans its leading inputs.
 *
 * <p>One body for all published variants, which are {@linkplain #LORA settings} of it. With SGD and
 * gradient flow the exact result is computed in closed form, and experts given as factors are never
 * expanded (unless {@code centred}); Adam goes step by step.
 *
 * <p>Matrices only; the mean elsewhere and for the head, as published. A task vector that is zero
 * has no say (the published code divides by zero); if all are, so is the result. If the rank comes
 * out as 0, as when there are more experts than rows, no target is left: a truncated projector then
 * leaves the start as it is, a full one pulls it towards zero, both as published. What the
 * projectors do not span keeps the start, so that rank-deficient and repeated experts need no care.
 *
 * @param init where the descent starts
 * @param rankShare rank of the targets as a share of min(m, n), rounded down; empty for 1/N
 * @param centred true: the target is the leading part of τᵢ − τ̄, plus τ̄; false: of τᵢ
 * @param projector what spans the inputs of an expert
 * @param descent how the minimum is approached
 * @see <a href="https://arxiv.org/abs/2505.19892">Wei et al., OptMerge, ICLR 2026, section 4</a>
 */
@API(status = API.Status.EXPERIMENTAL)
public record OptMergeMethod(
    @ParameterDoc("where the descent starts") Init init,
    @ParameterDoc("rank of the targets as a share of min(m, n); 1/N if not given")
        OptionalDouble rankShare,
    @ParameterDoc("targets are low-rank in what tells an expert from the mean") boolean centred,
    @ParameterDoc("what spans the inputs of an expert") Projector projector,
    Descent descent)
    implements DescentMethod {
  /** The projector that spans the inputs of an expert. */
  public enum Projector {
    /** diag(s) · Vᵀ of the leading part of τᵢ. */
    TRUNCATED,
    /** τᵢ itself. */
    FULL,
    /** diag(s) · Vᵀ of the leading part of τᵢ − τ̄: equation 3 of the paper. */
    CENTRED
  }

  /**
   * For LoRA experts: the published code for Qwen2-VL, SGD at 1e-4 with momentum 0.9 for 300 steps
   * from the mean. Its effective time is 0.58: little more than the mean.
   */
  public static final OptMergeMethod LORA =
      new OptMergeMethod(
          Init.MEAN,
          OptionalDouble.empty(),
          false,
          Projector.TRUNCATED,
          Descent.sgd(1e-4, 0.9, 300));

  /**
   * For full fine-tuning: the published code for InternVL, Adam at 1e-5, 300 steps, from the sum.
   */
  public static final OptMergeMethod FULL_FINE_TUNING =
      new OptMergeMethod(
          Init.SUM, OptionalDouble.empty(), true, Projector.TRUNCATED, Descent.adam(1e-5, 300));

  /**
   * For modalities: the published code for Vicuna, SGD at 5e-2 with momentum 0.9 for 300 steps from
   * the mean, rank min(m, n)/5 however many experts there are, effective time 291.
   */
  public static final OptMergeMethod MODALITIES =
      new OptMergeMethod(
          Init.MEAN, OptionalDouble.of(0.2), false, Projector.FULL, Descent.sgd(5e-2, 0.9, 300));

  /** Equation 3 as printed: the projector, too, comes from the centred decomposition. */
  public static final OptMergeMethod PAPER =
      new OptMergeMethod(
          Init.SUM, OptionalDouble.empty(), true, Projector.CENTRED, Descent.adam(1e-5, 300));

  /**
   * {@link #FULL_FINE_TUNING} with a step size of 1 % of the task vectors' root mean square, which
   * gets as far whatever the size of the task vectors.
   */
  public static final OptMergeMethod FULL_FINE_TUNING_RELATIVE =
      new OptMergeMethod(
          Init.SUM,
          OptionalDouble.empty(),
          true,
          Projector.TRUNCATED,
          Descent.relativeAdam(0.01, 300));

  /** {@link #LORA} with gradient flow for a time of 10: directions with λ ≥ 0.15 converge. */
  public static final OptMergeMethod FLOW_10 =
      new OptMergeMethod(
          Init.MEAN, OptionalDouble.empty(), false, Projector.TRUNCATED, Descent.flow(10));

  /** {@link #LORA} with gradient flow for a time of 100: a typical direction converges. */
  public static final OptMergeMethod FLOW_100 =
      new OptMergeMethod(
          Init.MEAN, OptionalDouble.empty(), false, Projector.TRUNCATED, Descent.flow(100));

  public OptMergeMethod {
    rankShare.ifPresent(share -> Check.inUnitInterval("optmerge", "rank_share", share));
  }

  /** The rank of the targets of {@code count} experts in an m × n matrix. */
  public int rank(long m, long n, int count) {
    long side = Math.min(m, n);
    // A share such as 0.2 is meant as a fifth: its rounding must not cost a rank.
    return rankShare.isPresent()
        ? (int) Math.floor(side * rankShare.getAsDouble() + 1e-9)
        : Math.toIntExact(side / count);
  }

  @Override
  public long projectorRows(Matrices tau) {
    long rows = 0;
    for (int t = 0; t < tau.count(); t++) {
      rows += projector == Projector.FULL ? tau.rowFactorRows(t) : truncatedRows(tau, t);
    }
    return rows;
  }

  private int truncatedRows(Matrices tau, int t) {
    int rank = rank(tau.rows(), tau.columns(), tau.count());
    return tau.isFactored(t) && projector == Projector.TRUNCATED
        ? Math.min(rank, tau.rank(t))
        : rank;
  }

  @Override
  public ProjectionLoss loss(Matrices tau, boolean factored) {
    var loss = new ProjectionLoss.Builder(tau, factored);
    int rank = rank(tau.rows(), tau.columns(), tau.count());
    boolean needsMean = centred || projector == Projector.CENTRED;
    @Nullable NDArray mean = needsMean ? tau.sum(1.0 / tau.count()) : null;
    for (int t = 0; t < tau.count(); t++) {
      double weight = tau.inverseSquaredNorm(t);
      if (weight != 0) {
        if (mean == null) {
          add(loss, tau, t, weight, rank);
        } else {
          addCentred(loss, tau, t, weight, rank, mean);
        }
      }
    }
    if (mean != null) {
      mean.close();
    }
    return loss.build();
  }

  private void add(ProjectionLoss.Builder loss, Matrices tau, int t, double weight, int rank) {
    PrincipalPart target = tau.principalPart(t, rank);
    double largest = rank == 0 ? tau.squaredNorm(t) : target.s()[0] * target.s()[0];
    try (NDArray us = target.us();
        NDArray svt = target.svt()) {
      if (projector == Projector.TRUNCATED) {
        // A and B share singular vectors: ABᵀ = U diag(s²).
        try (NDArray response = LinearAlgebra.scaleColumns(us, target.s())) {
          loss.add(weight, svt, response, largest);
        }
      } else if (loss.isFactored() || tau.isFactored(t)) {
        try (NDArray rows = tau.rowFactor(t);
            NDArray transposed = rows.transpose();
            NDArray inner = target.right().matMul(transposed);
            NDArray response = target.left().matMul(inner)) {
          loss.add(weight, rows, response, largest);
        }
      } else {
        try (NDArray dense = tau.dense(t);
            NDArray gram = LinearAlgebra.gramOfColumns(dense, tau.type());
            NDArray scaled = LinearAlgebra.scaleColumns(us, target.s());
            NDArray product = scaled.matMul(svt)) {
          loss.addGram(weight, gram, product, largest);
        }
      }
    }
  }

  private void addCentred(
      ProjectionLoss.Builder loss, Matrices tau, int t, double weight, int rank, NDArray mean) {
    try (NDArray dense = tau.dense(t);
        NDArray deviation = dense.sub(mean)) {
      PrincipalPart ofDeviation = LinearAlgebra.principalPart(deviation, rank, DataType.FLOAT64);
      PrincipalPart ofVector =
          centred && projector != Projector.TRUNCATED ? ofDeviation : tau.principalPart(t, rank);
      PrincipalPart target = centred ? ofDeviation : ofVector;
      NDArray rows =
          switch (projector) {
            case TRUNCATED -> ofVector.svt();
            case CENTRED -> ofDeviation.svt();
            case FULL -> tau.rowFactor(t);
          };
      try (rows;
          NDArray transposed = rows.transpose();
          NDArray inner = target.right().matMul(transposed);
          NDArray response = target.left().matMul(inner)) {
        if (centred) {
          try (NDArray ofMean = mean.matMul(transposed)) {
            response.addi(ofMean);
          }
        }
        loss.add(weight, rows, response, LinearAlgebra.squaredNorm(rows));
      }
    }
  }
}
