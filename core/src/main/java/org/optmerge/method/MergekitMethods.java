package org.optmerge.method;

import static org.optmerge.method.NamedMethod.Cost.PASS;
import static org.optmerge.method.NamedMethod.Cost.PASSES;

import java.util.List;
import org.optmerge.method.NamedMethod.Base;
import org.optmerge.method.NamedMethod.Builder;
import org.optmerge.method.NamedMethod.Cost;
import org.optmerge.method.NamedMethod.Origin;

/** mergekit's methods, with its names and defaults. */
public final class MergekitMethods implements MethodProvider {
  private static final String BY_POSITION = "what is dropped depends on an expert's position";
  private static final String ABSOLUTE = "a threshold is absolute";
  private static final String BASE_FIRST = "the base comes first";
  private static final String SOFTMAX = "rows are seen through a softmax";
  private static final String TWO = "needs two inputs";

  private static final PerModel GAMMA = PerModel.each(0.01);
  private static final PerModel EPSILON = PerModel.each(0.15);

  @Override
  public List<NamedMethod> methods() {
    return NamedMethod.list(
        mergekit("linear", new Linear(null, true), Papers.MODEL_SOUPS, PASS)
            .base(Base.INPUT)
            .summary("weighted mean")
            .formula("θ = Σ w_t θ_t / Σ w_t")
            .use("models without a common base at hand, or weights known from elsewhere")
            .pinnedBy("golden `linear`, `MergekitMethodsTest`"),
        mergekit("slerp", Slerp.of(null), Papers.SLERP, PASSES)
            .base(Base.FIRST_INPUT)
            .summary("spherical interpolation between the base and another model")
            .formula("θ = [sin((1 − t)φ) θ_0 + sin(tφ) θ_1] / sin φ, φ the angle between them")
            .use("two models of one architecture")
            .except(Law.PERMUTATION, BASE_FIRST)
            .except(Law.SINGLE, TWO)
            .pinnedBy("golden `slerp`, `MergekitMethodsTest`"),
        mergekit("nuslerp", NuSlerp.DEFAULT, Papers.SLERP, PASSES)
            .base(Base.OPTIONAL_ORIGIN)
            .summary("spherical interpolation between two models or two task vectors")
            .formula("as slerp with t = w_2 / (w_1 + w_2), by tensor, row or column")
            .use("two fine-tunes of one base")
            .except(Law.SINGLE, TWO)
            .pinnedBy("`MergekitMethodsTest`, `NaiveTwinsTest`"),
        mergekit(
                "multislerp",
                MultiSlerp.DEFAULT,
                new Paper(
                    "Goddard, multislerp",
                    "https://goddard.blog/posts/multislerp-wow-what-a-cool-idea/"),
                PASSES)
            .base(Base.OPTIONAL_ORIGIN)
            .summary("spherical mean of models or of task vectors, in one step")
            .formula("θ = (Σ w_t ‖θ_t‖) m/‖m‖, m = Σ w_t θ_t/‖θ_t‖")
            .use("as slerp, of more than two models")
            .pinnedBy("`MergekitMethodsTest`, `NaiveTwinsTest`"),
        mergekit(
                "karcher",
                Karcher.DEFAULT,
                new Paper(
                    "Karcher, Riemannian center of mass and mollifier smoothing, 1977",
                    "https://doi.org/10.1002/cpa.3160300502"),
                PASSES)
            .base(Base.INPUT)
            .summary("Riemannian centre of mass of the models' directions")
            .formula("θ = mean ‖θ_t‖ · u, u the point of the sphere nearest to all θ_t/‖θ_t‖")
            .use("as multislerp, iterated to the exact mean on the sphere")
            .pinnedBy("`MergekitMethodsTest`, `NaiveTwinsTest`"),
        mergekit("passthrough", new Passthrough(PerModel.each(1)), Papers.MERGEKIT, PASS)
            .base(Base.INPUT)
            .summary("one model, scaled")
            .formula("θ = s θ_1")
            .use("stacking layers of several models, by slices")
            .pinnedBy("golden `passthrough`, `PeerMethodsTest`"),
        mergekit(
                "model_stock",
                new ModelStock(ModelStock.Average.COSINES, false),
                Papers.MODEL_STOCK,
                PASSES)
            .summary("the mean, drawn to the base by the mean cosine between task vectors")
            .formula("Δ = t · mean(τ), t = N c / (1 + (N − 1) c), c the mean cosine")
            .use("several fine-tunes of one task, nothing to tune")
            .except(Law.SINGLE, TWO)
            .pinnedBy("golden `model_stock`, `MergekitMethodsTest`"),
        mergekit("arcee_fusion", new ArceeFusion(), Papers.MERGEKIT, PASSES)
            .base(Base.FIRST_INPUT)
            .summary("the base, with the entries of another model that differ most")
            .formula("θ = θ_1 where |θ_1 − θ_0| KL(row) ≥ median + 1.5 (Q_3 − Q_1), else θ_0")
            .use("taking over what is most particular to one model")
            .except(Law.PERMUTATION, BASE_FIRST)
            .except(Law.SCALE, SOFTMAX)
            .except(Law.SIGN, SOFTMAX)
            .except(Law.SINGLE, TWO)
            .pinnedBy("`MergekitMethodsTest`, `NaiveTwinsTest`"),
        mergekit("nearswap", new NearSwap(null), Papers.MERGEKIT, PASS)
            .summary("the base, with the entries of another model that differ little")
            .formula("Δ = τ min(t / |τ|, 1)")
            .use("a light touch of one other model")
            .except(Law.SCALE, ABSOLUTE)
            .except(Law.SINGLE, "large changes are cut")
            .pinnedBy("`MergekitMethodsTest`, `PeerMethodsTest`"),
        mergekit(
                "sce",
                Sce.DEFAULT,
                new Paper(
                    "Wan et al., FuseChat, 2024, section 3.3", "https://arxiv.org/abs/2408.07990"),
                PASSES)
            .summary(
                "entries of high variance, models weighted by energy, the minority sign erased")
            .formula("Δ = Σ q_t τ_t / Σ q_t over the τ_t of the sign of Σ τ_t, q_t ∝ mean τ_t²")
            .use("chat models fine-tuned from one base towards different teachers")
            .pinnedBy("`MergekitMethodsTest`, `NaiveTwinsTest`"),
        mergekit("ram", new Ram(Ram.EPSILON), Papers.RAM, PASS)
            .summary("entries that one model changed added, those that several changed averaged")
            .formula("Δ_i = Σ τ_t,i / (number of t with |τ_t,i| > ε)")
            .use("experts of reinforcement learning, which change few entries")
            .except(Law.SCALE, ABSOLUTE)
            .pinnedBy("`MergekitMethodsTest`, `NaiveTwinsTest`"),
        mergekit("ramplus_tl", RamPlus.DEFAULT, Papers.RAM, PASSES)
            .summary("ram, with unique changes amplified")
            .formula("as ram, times 1 + r min(ρ_t, α) where one model changed an entry alone")
            .use("as ram, where experts overlap much")
            .except(Law.SCALE, ABSOLUTE)
            .pinnedBy("`MergekitMethodsTest`, `NaiveTwinsTest`"),
        sparse("task_arithmetic", new Sparsifier.None(), false, false, false)
            .paper(Papers.TASK_ARITHMETIC)
            .cost(PASS)
            .summary("weighted sum of the task vectors")
            .formula("Δ = Σ w_t τ_t")
            .use("experts with a weight each")
            .pinnedBy("golden `task_arithmetic`, `MergekitMethodsTest`"),
        sparse("ties", new Sparsifier.Magnitude(false), true, true, false)
            .paper(Papers.TIES)
            .summary("largest entries per tensor, weighted, merged where they agree in sign")
            .formula(
                "Δ = Σ w_t δ_t / Σ w_t over the w_t δ_t of the sign of Σ w_t δ_t, δ_t the largest of τ_t")
            .use("a recipe written for mergekit; else ties-tensor, whose vote is unweighted")
            .pinnedBy("golden `ties`, `MergekitMethodsTest`"),
        sparse("dare_linear", new Sparsifier.Bernoulli(0), false, false, true)
            .paper(Papers.DARE)
            .summary("random entries that keep the L1 norm, weighted and added")
            .formula("Δ = Σ w_t δ_t, δ_t a random part of τ_t rescaled to ‖τ_t‖_1")
            .use("full fine-tunes with small, redundant changes")
            .except(Law.PERMUTATION, BY_POSITION)
            .pinnedBy("golden `dare_linear`, `MergekitMethodsTest`"),
        sparse("dare_ties", new Sparsifier.Bernoulli(0), true, false, true)
            .paper(Papers.DARE)
            .summary(
                "random entries that keep the L1 norm, weighted, added where they agree in sign")
            .formula("Δ = Σ w_t δ_t over those of the sign of Σ w_t δ_t, δ_t as of dare_linear")
            .use("as dare_linear, where signs disagree")
            .except(Law.PERMUTATION, BY_POSITION)
            .pinnedBy("golden `dare_ties`, `MergekitMethodsTest`"),
        sparse("breadcrumbs", new Sparsifier.TwoSidedMagnitude(GAMMA, false), false, false, false)
            .paper(Papers.BREADCRUMBS)
            .summary("large entries but for outliers, weighted and added")
            .formula("Δ = Σ w_t δ_t, δ_t = τ_t without its largest γ and its smallest entries")
            .use("many experts, a few of whose entries changed out of proportion")
            .pinnedBy("`MergekitMethodsTest`, `NaiveTwinsTest`"),
        sparse(
                "breadcrumbs_ties",
                new Sparsifier.TwoSidedMagnitude(GAMMA, false),
                true,
                false,
                false)
            .paper(Papers.BREADCRUMBS)
            .summary("large entries but for outliers, weighted, added where they agree in sign")
            .formula("Δ = Σ w_t δ_t over those of the sign of Σ w_t δ_t, δ_t as of breadcrumbs")
            .use("as breadcrumbs, where signs disagree")
            .pinnedBy("`MergekitMethodsTest`, `NaiveTwinsTest`"),
        sparse("della", new Sparsifier.RankProbability(EPSILON, 0), true, true, true)
            .paper(Papers.DELLA)
            .summary(
                "random entries, large ones likelier, weighted, merged where they agree in sign")
            .formula(
                "Δ as of ties, δ_t random with probabilities that grow with the rank in the row")
            .use("as dare_ties, with large changes kept")
            .except(Law.PERMUTATION, BY_POSITION)
            .pinnedBy("`GeneralizedTaskArithmeticTest`, `NaiveTwinsTest`"),
        sparse("della_linear", new Sparsifier.RankProbability(EPSILON, 0), false, false, true)
            .paper(Papers.DELLA)
            .summary("random entries, large ones likelier, weighted and added")
            .formula("Δ = Σ w_t δ_t, δ_t as of della")
            .use("as dare_linear, with large changes kept")
            .except(Law.PERMUTATION, BY_POSITION)
            .pinnedBy("`GeneralizedTaskArithmeticTest`, `NaiveTwinsTest`"));
  }

  /** A method as mergekit had it before 0.1.5. */
  public static MergeMethod before015(MergeMethod method) {
    return method instanceof GeneralizedTaskArithmetic sparse ? sparse.before015() : method;
  }

  private static Builder mergekit(String name, MergeMethod method, Paper paper, Cost cost) {
    return NamedMethod.of(Origin.MERGEKIT, name, method).paper(paper).cost(cost);
  }

  private static Builder sparse(
      String name, Sparsifier sparsifier, boolean consensus, boolean normalize, boolean rescale) {
    MergeMethod method = GeneralizedTaskArithmetic.of(sparsifier, consensus, normalize, rescale);
    return NamedMethod.of(Origin.MERGEKIT, name, method).cost(PASSES);
  }
}
