package org.optmerge.method;

import static org.optmerge.method.NamedMethod.Cost.DECOMPOSITION;
import static org.optmerge.method.NamedMethod.Cost.MODEL;
import static org.optmerge.method.NamedMethod.Cost.PASS;
import static org.optmerge.method.NamedMethod.Cost.PASSES;

import java.util.List;
import org.optmerge.method.NamedMethod.Builder;
import org.optmerge.method.NamedMethod.Cost;
import org.optmerge.method.NamedMethod.Origin;

/** The methods that the paper's code compares OptMerge with, in the paper's order. */
public final class OfficialMethods implements MethodProvider {
  private static final String BY_POSITION = "what is dropped depends on an expert's position";

  @Override
  public List<NamedMethod> methods() {
    return NamedMethod.list(
        official("weight-average", new WeightAverage(), 1, Papers.MODEL_SOUPS, PASS)
            .summary("mean of the experts")
            .formula("Δ = (1/N) Σ τ_t")
            .use("nothing to tune; the baseline that every other method must beat")
            .pinnedBy("golden `weight-average`"),
        official("task-arithmetic", new TaskArithmetic(), 0.3, Papers.TASK_ARITHMETIC, PASS)
            .summary("sum of the task vectors")
            .formula("Δ = Σ τ_t")
            .use("experts of different skills, with a λ tuned on validation questions")
            .pinnedBy("golden `task-arithmetic`"),
        official("ties-tensor", Ties.PER_TENSOR, 0.3, Papers.TIES, PASSES)
            .summary("TIES, each tensor trimmed by itself")
            .formula("Δ = mean of the trim(τ_t) that have the sign of Σ trim(τ_t)")
            .use("many experts whose small changes are noise and whose signs disagree")
            .pinnedBy("golden `ties`, `TiesTest`"),
        official("ties-global", Ties.GLOBAL, 0.3, Papers.TIES, MODEL)
            .summary("TIES, trimmed over the whole model")
            .formula("Δ as of ties-tensor, with one threshold for each expert's whole model")
            .use("as ties-tensor, where layers changed by very different amounts")
            .pinnedBy("golden `ties`, `TiesTest`"),
        official(
                "dare-task-arithmetic",
                DropAndRescale.DEFAULT.then(new TaskArithmetic()),
                0.3,
                Papers.DARE,
                PASS)
            .summary(
                "DARE (drops 20 %, multiplies the rest by 1.25), then the sum of the task vectors")
            .formula("Δ = Σ m_t ⊙ τ_t / (1 − p), m_t random with P(0) = p")
            .use("to see how redundant the task vectors of full fine-tunes are")
            .except(Law.PERMUTATION, BY_POSITION)
            .pinnedBy("golden `dare_ta`, `DareTest`"),
        official(
                "dare-ties", DropAndRescale.DEFAULT.then(Ties.PER_TENSOR), 0.3, Papers.DARE, PASSES)
            .summary("DARE (drops 20 %, multiplies the rest by 1.25), then TIES per tensor")
            .formula("Δ = ties-tensor of the m_t ⊙ τ_t / (1 − p)")
            .use("as dare-task-arithmetic, where signs disagree")
            .except(Law.PERMUTATION, BY_POSITION)
            .pinnedBy("`DareTest`"),
        official("tsv-as-published", new WeightAverage(), 0.3, Papers.TSV, PASS)
            .summary(
                "what the published TSV script computes, the mean: its SVD branch is never reached")
            .formula("Δ = (1/N) Σ τ_t")
            .use("to reproduce numbers of the published script; else tsv")
            .pinnedBy("golden `tsv-as-published`"),
        official("tsv", new Tsv(), 0.3, Papers.TSV, DECOMPOSITION)
            .summary("leading singular vectors of each task vector, made orthonormal together")
            .formula(
                "Δ = polar[U_1 … U_N] · diag(S_1 … S_N) · polar[V_1 … V_N]ᵀ, each cut to min(m, n)/N")
            .use("many experts that share directions; strong without any training")
            .pinnedBy("golden `tsv`, `SpectralPeersTest`"),
        official("iso-c", new IsoC(NonMatrixRule.MEAN), 0.3, Papers.ISO, DECOMPOSITION)
            .summary("sum of the task vectors, all singular values replaced by their mean")
            .formula("Δ = s̄ U Vᵀ, with U S Vᵀ = Σ τ_t and s̄ the mean of S")
            .use("experts of which one dominates the sum")
            .except(Law.SINGLE, "singular values are made equal")
            .pinnedBy("golden `iso-c`, `iso`"));
  }

  private static Builder official(
      String name, MergeMethod method, double scaling, Paper paper, Cost cost) {
    return NamedMethod.of(Origin.OFFICIAL, name, method).scaling(scaling).paper(paper).cost(cost);
  }
}
