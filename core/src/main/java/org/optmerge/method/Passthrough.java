package org.optmerge.method;

import java.util.List;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * mergekit's {@code passthrough}: the weights of one model, times a factor.
 *
 * @param scale the factor
 * @see <a href="https://github.com/arcee-ai/mergekit/blob/main/docs/merge_methods.md">mergekit's
 *     documentation; published nowhere else</a>
 */
record Passthrough(@ParameterDoc("factor for the weights") PerModel scale)
    implements StreamingMergeMethod {
  public Passthrough {
    Check.each("passthrough", "scale", scale, Double::isFinite, "a finite number");
  }

  @Override
  public Operand operand() {
    return Operand.WEIGHTS;
  }

  @Override
  public boolean takesOneModel() {
    return true;
  }

  @Override
  public void check(String parameter, List<Long> shape, int count) {
    Check.inputs("passthrough", count, 1, 1, "exactly one model");
    Check.covers("passthrough", "scale", scale, count);
  }

  @Override
  public BlockMerge prepare(TaskVectorStream weights) {
    return new LinearCombination(scale.values(weights.count()));
  }
}
