package org.optmerge.method;

/**
 * Which entries of a task vector mergekit's task arithmetic methods keep; {@code density} says how
 * many.
 */
public sealed interface Sparsifier {
  /** All. */
  record None() implements Sparsifier {}

  /**
   * The ⌊density · n⌋ of largest magnitude; of equals those of lower index.
   *
   * @see <a href="https://arxiv.org/abs/2306.01708">Yadav et al., TIES-Merging, NeurIPS 2023</a>
   */
  record Magnitude() implements Sparsifier {}

  /**
   * Each with probability density.
   *
   * @see <a href="https://arxiv.org/abs/2311.03099">Yu et al., DARE, ICML 2024</a>
   */
  record Bernoulli(long seed) implements Sparsifier {}

  /**
   * Not the γ · n largest, and of the rest the density · n largest.
   *
   * @param gamma the share of entries that are dropped as outliers
   * @see <a href="https://arxiv.org/abs/2312.06795">Davari and Belilovsky, Model Breadcrumbs, ECCV
   *     2024</a>
   */
  record TwoSidedMagnitude(@ParameterDoc("share of the largest entries to drop") PerModel gamma)
      implements Sparsifier {
    public TwoSidedMagnitude {
      Check.each("breadcrumbs", "gamma", gamma, v -> v >= 0 && v <= 1, "in [0, 1]");
    }
  }

  /**
   * Each with a probability that grows with its rank in its row, from density − ε to density + ε.
   *
   * @param epsilon ε
   * @see <a href="https://arxiv.org/abs/2406.11617">Deep et al., DELLA-Merging, 2024</a>
   */
  record RankProbability(
      @ParameterDoc("how far probabilities reach to either side of the density") PerModel epsilon,
      long seed)
      implements Sparsifier {
    public RankProbability {
      Check.each("della", "epsilon", epsilon, v -> v >= 0 && v < 1, "in [0, 1)");
    }
  }
}
