package org.optmerge.method;

import static org.optmerge.method.NamedMethod.Cost.DECOMPOSITION;
import static org.optmerge.method.NamedMethod.Cost.DESCENT;
import static org.optmerge.method.NamedMethod.Cost.MODEL;
import static org.optmerge.method.NamedMethod.Cost.PASS;
import static org.optmerge.method.NamedMethod.Cost.PASSES;

import java.util.List;
import org.optmerge.method.NamedMethod.Builder;
import org.optmerge.method.NamedMethod.Cost;
import org.optmerge.method.NamedMethod.Origin;

/** Methods as fusion_bench, or their authors' code, has them. */
public final class PeerMethods implements MethodProvider {
  @Override
  public List<NamedMethod> methods() {
    return NamedMethod.list(
        peer("iso-cts", IsoCts.PUBLISHED, Papers.ISO, DECOMPOSITION)
            .summary("common and task-specific directions, one singular value for all")
            .formula(
                "Δ = s̄ U Vᵀ, U and V orthonormal from the leading directions of Σ τ_t and of each"
                    + " τ_t outside them")
            .use("as iso-c, with many experts")
            .except(Law.SINGLE, "singular values are made equal")
            .pinnedBy("golden `iso-cts`"),
        peer(
                "knots-ties",
                Knots.around(Ties.PER_TENSOR),
                new Paper("Stoica et al., KnOTS, ICLR 2025", "https://arxiv.org/abs/2410.19735"),
                DECOMPOSITION)
            .summary("KnOTS: TIES in the common left singular basis of the task vectors")
            .formula("Δ = U · ties-tensor(Uᵀτ_1 … Uᵀτ_N), U of [τ_1 … τ_N]")
            .use("LoRA experts, whose entries do not line up")
            .pinnedBy("`SpectralPeersTest`"),
        peer("core-space-tsv", new CoreSpace(new Tsv()), Papers.CORE_SPACE, DECOMPOSITION)
            .summary("Core Space: TSV among the small matrices that low-rank task vectors are")
            .formula("Δ = U · tsv(UᵀB_tA_tV) · Vᵀ, U of all B_t, V of all A_t")
            .use("LoRA experts of a large model: the matrices merged are as small as the ranks")
            .pinnedBy("`SpectralPeersTest`"),
        peer("core-space-ties", new CoreSpace(Ties.PER_TENSOR), Papers.CORE_SPACE, DECOMPOSITION)
            .summary("Core Space: TIES among the small matrices that low-rank task vectors are")
            .formula("Δ = U · ties-tensor(UᵀB_tA_tV) · Vᵀ")
            .use("as core-space-tsv, where signs disagree")
            .pinnedBy("`SpectralPeersTest`"),
        peer(
                "doge-ta",
                DogeTa.PUBLISHED,
                new Paper(
                    "Wei et al., Modeling multi-task model merging as adaptive projective gradient"
                        + " descent, ICML 2025",
                    "https://arxiv.org/abs/2501.01230"),
                DESCENT)
            .summary(
                "task arithmetic after a common correction in directions the tasks do not share")
            .formula(
                "Δ = Σ λ_t (τ_t + δ) ⊙ mask_t, λ_t = scale/‖τ_t‖, δ by Adam outside shared"
                    + " directions")
            .use("full fine-tunes, where hundreds of steps a matrix are affordable")
            .except(Law.SCALE, "Adam's steps are absolute")
            .except(Law.SINGLE, "the result has a given length")
            .pinnedBy("golden `doge-ta`"),
        peer(
                "svc-ta",
                new SingularValueCalibration(new TaskArithmetic(), 0.4, 1.0),
                new Paper(
                    "When shared knowledge hurts: spectral over-accumulation in model merging",
                    "https://arxiv.org/abs/2602.05536"),
                DECOMPOSITION)
            .summary(
                "task arithmetic, singular values shrunk by how much they over-count the tasks")
            .formula("Δ = U diag(σ_r N / Σ_t max(α, s_rt)) Vᵀ, U diag(σ) Vᵀ = 0.4 Σ τ_t")
            .use("experts that learned much in common, which a sum counts several times")
            .pinnedBy("golden `svc`"),
        peer(
                "magmax",
                new MagMax(),
                new Paper("Marczak et al., MagMax, ECCV 2024", "https://arxiv.org/abs/2407.06322"),
                PASS)
            .scaling(0.5)
            .summary("of each entry the value of largest magnitude")
            .formula("Δ_i = the τ_t,i of largest magnitude")
            .use("experts fine-tuned one after the other")
            .pinnedBy("golden `magmax`"),
        peer(
                "model-stock",
                new ModelStock(ModelStock.Average.ANGLES, false),
                Papers.MODEL_STOCK,
                PASSES)
            .summary("the mean, drawn to the base by the mean angle between task vectors")
            .formula("Δ = t · mean(τ), t = N c / (1 + (N − 1) c), c the cosine of the mean angle")
            .use("several fine-tunes of one task, nothing to tune")
            .except(Law.SINGLE, "needs two inputs")
            .pinnedBy("golden `model-stock`, `PeerMethodsTest`"),
        peer(
                "emr",
                ElectMaskRescale.UNIFIED,
                new Paper(
                    "Huang et al., EMR-Merging, NeurIPS 2024", "https://arxiv.org/abs/2405.17461"),
                MODEL)
            .summary("EMR: the largest entries of the elected sign; for one task, if one is given")
            .formula(
                "Δ_i = γ_i · max |τ_t,i| over the τ_t of sign γ_i, γ the sign of Σ τ_t; ρ_t and a"
                    + " mask for one task")
            .use("one model for each task, when it is known which task a question belongs to")
            .pinnedBy("golden `emr`"),
        peer(
                "consensus-ta",
                new ConsensusTaskArithmetic(TallMask.LAMBDA, 2),
                new Paper(
                    "Wang et al., Localizing task information, ICML 2024, section 4.2",
                    "https://arxiv.org/abs/2405.07813"),
                PASS)
            .scaling(0.3)
            .summary("sum of the task vectors where it matters to several tasks")
            .formula("Δ = Σ τ_t where at least k masks |τ_t| > λ |Σ τ − τ_t| hold")
            .use("many experts, of whose changes most concern one task only")
            .except(Law.SINGLE, "an entry must matter to two tasks")
            .pinnedBy("golden `consensus-ta`"),
        peer(
                "tall-mask",
                new TallMask(TallMask.LAMBDA, 1),
                new Paper(
                    "Wang et al., Localizing task information, ICML 2024, equation 4",
                    "https://arxiv.org/abs/2405.07813"),
                PASS)
            .summary("sum of the task vectors where it matters to one task")
            .formula("Δ = Σ τ_t where |τ_t| > λ |Σ τ − τ_t| for the task given")
            .use("one model for each task, from one stored sum")
            .except(Law.PERMUTATION, "one task is recovered")
            .pinnedBy("golden `tall-mask`"),
        peer(
                "metagpt",
                new MetaGpt(),
                new Paper("Zhou et al., MetaGPT, EMNLP 2024", "https://arxiv.org/abs/2406.11385"),
                MODEL)
            .summary("sum of the task vectors, each with a coefficient that follows from its norm")
            .formula("Δ = Σ λ_t τ_t, λ_t = ‖τ_t‖² / Σ ‖τ_s‖² over the whole model")
            .use("experts of different strength, no λ to tune")
            .pinnedBy("`NewerMethodsTest`"),
        peer(
                "pcb-tensor",
                Pcb.PUBLISHED,
                new Paper(
                    "Du et al., Parameter competition balancing for model merging, NeurIPS 2024,"
                        + " section 3.2",
                    "https://arxiv.org/abs/2410.02396"),
                PASSES)
            .summary("PCB-Merging, each tensor by itself: entries compete in and between tasks")
            .formula(
                "Δ = Σ s_t τ_t / Σ s_t, s_t the largest of exp(N x̂_t²) tanh(τ_t Σ τ) brought to"
                    + " [0, 1]")
            .use("as ties-tensor, with a weight for each entry that stays")
            .except(Law.SCALE, "tanh is of absolute numbers")
            .except(Law.SINGLE, "the largest entries are cut")
            .pinnedBy("`NewerMethodsTest`"),
        peer(
                "robustmerge",
                RobustMerge.PUBLISHED,
                new Paper(
                    "Zeng et al., RobustMerge, NeurIPS 2025, section 4",
                    "https://arxiv.org/abs/2502.17159"),
                PASSES)
            .summary(
                "adapters' factors pruned, weakened directions made up for, factors merged apart")
            .formula(
                "Δ = B A, A = c Σ pruned A_t, B = c Σ s_t pruned B_t / Σ s_t, s_t = ‖A_t‖_1 /"
                    + " ‖pruned A_t‖_1 by row")
            .use("LoRA experts of one rank; all else becomes the mean")
            .pinnedBy("`NewerMethodsTest`"),
        peer(
                "dc-merge",
                DcMerge.PUBLISHED,
                new Paper(
                    "DC-Merge: directional consistency, CVPR 2026",
                    "https://arxiv.org/abs/2603.06242"),
                DECOMPOSITION)
            .summary("energy spread over each task's directions, then TIES in their common space")
            .formula(
                "Δ = U M Vᵀ, M the mean of the large Uᵀ τ̃_t V that agree in sign, in each task's"
                    + " block")
            .use("LoRA experts; for full fine-tunes with smoothing none")
            .except(Law.SINGLE, "singular values are made equal")
            .pinnedBy("`NewerMethodsTest`"),
        peer(
                "actmerge",
                new ActMerge(),
                new Paper(
                    "Hameed et al., Model merging via data-free covariance estimation, 2026",
                    "https://arxiv.org/abs/2604.01329"),
                DECOMPOSITION)
            .summary("RegMean with the inputs' covariance that a task vector betrays")
            .formula("Δ = (Σ τ_t C_t)(Σ C_t)⁺, C_t = τ_tᵀτ_t")
            .use("as aswudi, with more say for larger task vectors")
            .pinnedBy("`NewerMethodsTest`"),
        peer(
                "orthomerge",
                OrthoMerge.PUBLISHED,
                new Paper(
                    "Yang et al., Orthogonal model merging, ICML 2026, section 3",
                    "https://arxiv.org/abs/2602.05943"),
                DECOMPOSITION)
            .base(NamedMethod.Base.FIRST_INPUT)
            .summary("experts as rotations of the base, merged among rotations, and a rest, added")
            .formula(
                "θ = θ_0 R + c Σ (θ_t − θ_0 R_t), R the Cayley transform of the R_t's mean"
                    + " direction and length")
            .use("to keep the angles between the base's neurons; no λ")
            .except(Law.PERMUTATION, "the base comes first")
            .except(Law.SINGLE, "needs two inputs")
            .pinnedBy("`NewerMethodsTest`"));
  }

  private static Builder peer(String name, MergeMethod method, Paper paper, Cost cost) {
    return NamedMethod.of(Origin.FUSION_BENCH, name, method).paper(paper).cost(cost);
  }
}
