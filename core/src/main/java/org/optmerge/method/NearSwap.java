package org.optmerge.method;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * mergekit's {@code nearswap}: takes over what another model changed little.
 *
 * <p>Δ = q τ, q = t / max(|τ|, 1e-6), at most 1: changes up to t are taken over, larger ones move
 * the base by t.
 *
 * @param t the change up to which an entry is taken over; null until given
 * @see <a href="https://github.com/arcee-ai/mergekit/blob/main/docs/merge_methods.md">mergekit's
 *     documentation; published nowhere else</a>
 */
record NearSwap(
    @Required @ParameterDoc("change up to which an entry is taken over") @Nullable Double t)
    implements StreamingMergeMethod {
  private static final float SMALLEST = 1e-6f;

  public NearSwap {
    if (t != null) {
      Check.that("nearswap", "t", t, v -> v >= 0 && v < 1e30, "at least 0");
    }
  }

  @Override
  public boolean takesOneModel() {
    return true;
  }

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    Check.given("nearswap", "t", t);
    Check.inputs("nearswap", count, 1, 1, "exactly one model besides the base");
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    float limit = Check.given("nearswap", "t", t).floatValue();
    return (block, merged) -> {
      float[] x = block.tau()[0];
      for (int i = 0; i < block.length(); i++) {
        merged[i] = x[i] * Math.min(limit / Math.max(Math.abs(x[i]), SMALLEST), 1f);
      }
    };
  }
}
