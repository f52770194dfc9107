package org.optmerge.method;

import org.optmerge.taskvector.TaskVectorStream;

/**
 * The choice of the entries that mergekit's task arithmetic methods keep; {@code density} says how
 * many.
 */
sealed interface Sparsifier {
  /**
   * The method's name in mergekit.
   *
   * @param consensus whether entries of the minority sign are left out
   */
  String name(boolean consensus);

  /** The mask of a parameter, with a density for each task vector. */
  Mask mask(TaskVectorStream tau, double[] density);

  /** True if what is kept depends on an entry's row, so that blocks must hold whole rows. */
  default boolean perRow() {
    return false;
  }

  /** The same as mergekit had it before 0.1.5. */
  default Sparsifier before015() {
    return this;
  }

  /**
   * Checks the settings against a parameter.
   *
   * @throws ParameterException if they do not fit it
   */
  default void check(String method, String parameter, long entries, double[] density) {}

  /** All. */
  record None() implements Sparsifier {
    @Override
    public String name(boolean consensus) {
      return "task_arithmetic";
    }

    @Override
    public Mask mask(TaskVectorStream tau, double[] density) {
      return Mask.ALL;
    }
  }

  /**
   * The ⌊density · n⌋ of largest magnitude, one at least; of equals those of lower index.
   *
   * @param refusesNone true for mergekit before 0.1.5, which refuses a density that keeps no entry
   * @see <a href="https://arxiv.org/abs/2306.01708">Yadav et al., TIES-Merging, NeurIPS 2023</a>
   */
  record Magnitude(@FixedByName boolean refusesNone) implements Sparsifier {
    @Override
    public String name(boolean consensus) {
      return "ties";
    }

    @Override
    public Mask mask(TaskVectorStream tau, double[] density) {
      return Mask.largest(tau, density).where(density);
    }

    @Override
    public Sparsifier before015() {
      return new Magnitude(true);
    }

    @Override
    public void check(String method, String parameter, long entries, double[] density) {
      for (int t = 0; t < density.length && refusesNone; t++) {
        if (density[t] > 0 && entries > 0 && (long) (density[t] * entries) == 0) {
          throw new ParameterException(
              method,
              "density",
              t + 1,
              "density %s of model %d keeps none of the %d entries of '%s'; raise it, exclude the parameter, or merge as mergekit 0.1.5, which keeps one"
                  .formatted(density[t], t + 1, entries, parameter));
        }
      }
    }
  }

  /**
   * Each with probability density.
   *
   * @see <a href="https://arxiv.org/abs/2311.03099">Yu et al., DARE, ICML 2024</a>
   */
  record Bernoulli(long seed) implements Sparsifier {
    @Override
    public String name(boolean consensus) {
      return consensus ? "dare_ties" : "dare_linear";
    }

    @Override
    public Mask mask(TaskVectorStream tau, double[] density) {
      return Mask.bernoulli(tau, density, seed).where(density);
    }
  }

  /**
   * Not the γ · n largest, and of the rest the density · n largest.
   *
   * @param gamma the share of entries that are dropped as outliers; less where too few would stay
   * @param zeroes true for mergekit before 0.1.5, which keeps nothing where γ drops nothing
   * @see <a href="https://arxiv.org/abs/2312.06795">Davari and Belilovsky, Model Breadcrumbs, ECCV
   *     2024</a>
   */
  record TwoSidedMagnitude(
      @ParameterDoc("share of the largest entries to drop") PerModel gamma,
      @FixedByName boolean zeroes)
      implements Sparsifier {
    public TwoSidedMagnitude {
      Check.each("breadcrumbs", "gamma", gamma, v -> v >= 0 && v <= 1, "in [0, 1]");
    }

    @Override
    public String name(boolean consensus) {
      return consensus ? "breadcrumbs_ties" : "breadcrumbs";
    }

    @Override
    public Mask mask(TaskVectorStream tau, double[] density) {
      return Mask.band(tau, density, gamma.values(tau.count()), zeroes).where(density);
    }

    @Override
    public Sparsifier before015() {
      return new TwoSidedMagnitude(gamma, true);
    }

    @Override
    public void check(String method, String parameter, long entries, double[] density) {
      Check.covers(method, "gamma", gamma, density.length);
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

    @Override
    public String name(boolean consensus) {
      return consensus ? "della" : "della_linear";
    }

    @Override
    public boolean perRow() {
      return true;
    }

    @Override
    public Mask mask(TaskVectorStream tau, double[] density) {
      return new RankMask(tau, density, epsilon.values(tau.count()), seed).where(density);
    }

    @Override
    public void check(String method, String parameter, long entries, double[] density) {
      double[] reaches = Check.covers(method, "epsilon", epsilon, density.length);
      for (int t = 0; t < density.length; t++) {
        double share = density[t];
        double reach = reaches[t];
        if (share > 0 && share < 1 && (share - reach <= 0 || share + reach >= 1)) {
          throw new ParameterException(
              method,
              "epsilon",
              t + 1,
              "density %s ± epsilon %s of model %d must lie within (0, 1); give an epsilon below %s"
                  .formatted(share, reach, t + 1, (float) Math.min(share, 1 - share)));
        }
      }
    }
  }
}
