package org.optmerge.method;

import java.util.List;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * mergekit's {@code nearswap}: takes over what another model changed little.
 *
 * <p>Δ = q τ, q = t / max(|τ|, 1e-6), at most 1: changes up to t are taken over, larger ones move
 * the base by t.
 *
 * @param t the change up to which an entry is taken over; {@link Slerp#REQUIRED} until given
 */
@Paper(
    value = "mergekit's documentation; published nowhere else",
    url = "https://github.com/arcee-ai/mergekit/blob/main/docs/merge_methods.md")
public record NearSwap(@ParameterDoc("change up to which an entry is taken over") double t)
    implements StreamingMergeMethod {
  private static final float SMALLEST = 1e-6f;

  public NearSwap {
    Check.that("nearswap", "t", t, v -> Double.isNaN(v) || (v >= 0 && v < 1e30), "at least 0");
  }

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    Check.given("nearswap", "t", t);
    Check.inputs("nearswap", count, 1, 1, "exactly one model besides the base");
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    float limit = (float) t;
    return (block, merged) -> {
      float[] x = block.tau()[0];
      for (int i = 0; i < block.length(); i++) {
        merged[i] = x[i] * Math.min(limit / Math.max(Math.abs(x[i]), SMALLEST), 1f);
      }
    };
  }
}
