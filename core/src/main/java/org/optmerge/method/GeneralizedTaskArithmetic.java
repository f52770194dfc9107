package org.optmerge.method;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Kernels;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * mergekit's task arithmetic methods: sparsify the task vectors, weight them, let entries of the
 * minority sign out, add.
 *
 * <ol>
 *   <li>δ_t, where {@code density} is below 1, loses the entries that the sparsifier drops; if
 *       {@code rescale} what is left is multiplied by one number that restores Σ|δ_t|.
 *   <li>x_t = w_t δ_t.
 *   <li>With {@code consensus}, entries count whose sign is that of Σ x_t (+ if it is zero): Y is
 *       the sum of those, D the sum of their weights, or 1 if that is zero. Without, Y = Σ x_t and
 *       D = Σ w_t, or 1 if that is below 1e-8.
 *   <li>Δ = λ Y, divided by D if {@code normalize}.
 * </ol>
 *
 * <p>Thresholds are per tensor and weights take part in the election, unlike in the TIES paper and
 * in {@link Ties}; rescaling is by one number per tensor, unlike DARE's and DELLA's.
 *
 * @param weight w_t
 * @param density the share of entries to keep
 * @param sparsifier which to keep
 * @param consensus whether signs are elected
 * @param normalize whether to divide by the sum of the weights
 * @param rescale whether sparsified task vectors keep their L1 norm
 * @param lambda λ
 * @param int8Mask taken for compatibility; changes no number, here or in mergekit
 */
record GeneralizedTaskArithmetic(
    @Required @ParameterDoc("weight of each model") @Nullable PerModel weight,
    @ParameterDoc("share of the entries to keep") PerModel density,
    Sparsifier sparsifier,
    @FixedByName boolean consensus,
    @ParameterDoc("divide by the sum of the weights") boolean normalize,
    @ParameterDoc("let sparsified task vectors keep their L1 norm") boolean rescale,
    @ParameterDoc("factor for the merged task vector") double lambda,
    @ParameterDoc("accepted, without effect") boolean int8Mask)
    implements StreamingMergeMethod {
  /** Sums of weights, and L1 norms, that count as zero. */
  private static final double NO_WEIGHT = 1e-8;

  private static final double NO_NORM = 1e-7;

  public GeneralizedTaskArithmetic {
    String name = sparsifier.name(consensus);
    Check.each(name, "weight", weight, Double::isFinite, "a finite number");
    Check.each(name, "density", density, v -> v >= 0 && v <= 1, "in [0, 1]");
    Check.finite(name, "lambda", lambda);
  }

  /** With mergekit's density of 1 and λ of 1, without weights. */
  static GeneralizedTaskArithmetic of(
      Sparsifier sparsifier, boolean consensus, boolean normalize, boolean rescale) {
    return new GeneralizedTaskArithmetic(
        null, PerModel.each(1), sparsifier, consensus, normalize, rescale, 1, false);
  }

  /** The same as mergekit had it before 0.1.5. */
  GeneralizedTaskArithmetic before015() {
    return new GeneralizedTaskArithmetic(
        weight, density, sparsifier.before015(), consensus, normalize, rescale, lambda, int8Mask);
  }

  @Override
  public long alignment(List<Long> shape) {
    return sparsifier.perRow() ? Extents.rowLength(shape) : 1;
  }

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    String name = sparsifier.name(consensus);
    Check.covers(name, "weight", weight, count);
    double[] densities = Check.covers(name, "density", density, count);
    sparsifier.check(name, parameter, Extents.size(shape), densities);
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    int count = tau.count();
    double[] weights = Check.covers(sparsifier.name(consensus), "weight", weight, count);
    double sum = Normalization.sum(weights);
    double divisor = normalize && !consensus && Math.abs(sum) >= NO_WEIGHT ? sum : 1;
    if (sparsifier instanceof Sparsifier.None && !consensus) {
      return new LinearCombination(Arrays.stream(weights).map(w -> w * lambda / divisor).toArray());
    }
    double[] densities = density.values(count);
    Mask mask = sparsifier.mask(tau, densities);
    double[] scales = rescale ? scales(tau, mask, densities) : ones(count);
    return consensus
        ? new Consensus(mask, scales, weights, normalize, lambda)
        : new Sum(mask, product(scales, weights, lambda / divisor));
  }

  private static double[] ones(int count) {
    double[] ones = new double[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  private static float[] product(double[] a, double[] b, double factor) {
    float[] product = new float[a.length];
    for (int t = 0; t < a.length; t++) {
      product[t] = (float) (a[t] * b[t] * factor);
    }
    return product;
  }

  /** L1 norms before and after, of one task vector. */
  private record Norms(LaneSum before, LaneSum after) {
    Norms() {
      this(new LaneSum(), new LaneSum());
    }

    Norms add(Norms other) {
      before.add(other.before);
      after.add(other.after);
      return this;
    }

    double scale() {
      return before.total() < NO_NORM || after.total() < NO_NORM
          ? 1
          : before.total() / after.total();
    }
  }

  private double[] scales(TaskVectorStream tau, Mask mask, double[] densities) {
    BufferPool<BufferPool.Scratch> scratch = BufferPool.Scratch.of(1);
    List<Norms> norms =
        tau.reduce(
            alignment(tau.shape()),
            () -> Stream.generate(Norms::new).limit(densities.length).toList(),
            (sums, block) -> {
              BufferPool.Scratch rows = scratch.borrow();
              float[] kept = rows.row(0, block.length());
              for (int t = 0; t < densities.length; t++) {
                if (densities[t] < 1) {
                  mask.apply(block, t, 1f, kept);
                  Norms own = sums.get(t);
                  own.before().addMagnitudes(block.tau()[t], block.length(), block.start());
                  own.after().addMagnitudes(kept, block.length(), block.start());
                }
              }
              scratch.giveBack(rows);
            },
            (a, b) -> {
              for (int t = 0; t < a.size(); t++) {
                a.get(t).add(b.get(t));
              }
              return a;
            });
    return norms.stream().mapToDouble(Norms::scale).toArray();
  }

  private static final class Sum implements BlockMerge {
    private final Mask mask;
    private final float[] factors;
    private final BufferPool<BufferPool.Scratch> scratch = BufferPool.Scratch.of(1);

    Sum(Mask mask, float[] factors) {
      this.mask = mask;
      this.factors = factors;
    }

    @Override
    public void merge(Block block, float[] merged) {
      mask.apply(block, 0, factors[0], merged);
      BufferPool.Scratch rows = scratch.borrow();
      float[] kept = rows.row(0, block.length());
      for (int t = 1; t < factors.length; t++) {
        mask.apply(block, t, factors[t], kept);
        for (int i = 0; i < block.length(); i++) {
          merged[i] += kept[i];
        }
      }
      scratch.giveBack(rows);
    }
  }

  private static final class Consensus implements BlockMerge {
    private final Mask mask;
    private final float[] factors;
    private final float[] weights;
    private final boolean normalize;
    private final float lambda;
    private final BufferPool<BufferPool.Scratch> scratch;

    Consensus(Mask mask, double[] scales, double[] weights, boolean normalize, double lambda) {
      this.mask = mask;
      this.factors = product(scales, weights, 1);
      this.weights = product(ones(weights.length), weights, 1);
      this.normalize = normalize;
      this.lambda = (float) lambda;
      this.scratch = BufferPool.Scratch.of(weights.length);
    }

    @Override
    public void merge(Block block, float[] merged) {
      BufferPool.Scratch rows = scratch.borrow();
      float[][] kept = rows.rows(block.length());
      for (int t = 0; t < kept.length; t++) {
        mask.apply(block, t, factors[t], kept[t]);
      }
      Kernels.best().consensus(kept, weights, normalize, lambda, merged, block.length());
      scratch.giveBack(rows);
    }
  }
}
