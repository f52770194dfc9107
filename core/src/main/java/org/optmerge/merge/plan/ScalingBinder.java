package org.optmerge.merge.plan;

import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.merge.recipe.ParameterSetting.Options;
import org.optmerge.merge.recipe.ParameterSetting.Text;
import org.optmerge.merge.recipe.ParameterSetting.Value;
import org.optmerge.merge.weights.Scaling;
import org.optmerge.method.MergeMethods;
import org.optmerge.method.NamedMethod;
import org.optmerge.method.NamedMethod.Origin;
import org.optmerge.method.scaling.ScalingRule;

/** What a recipe may say of λ but a number: {@code auto}, {@code {auto: tensor}}, other rules. */
final class ScalingBinder {
  private static final String TENSOR = "tensor";
  private static final String MODEL = "model";

  private ScalingBinder() {}

  /** The fault of a value that is no number; null if it is a rule that the method can have. */
  static @Nullable String fault(NamedMethod named, Value value) {
    if (value instanceof Text word && word.text().equals("metagpt")) {
      return "MetaGPT gives each expert a coefficient of its own, so it is a method, not a scaling;"
          + " use 'merge_method: metagpt'";
    }
    Optional<Scaling.Sought> sought = sought(value);
    if (sought.isEmpty()) {
      return "'scaling' must be a number, a rule (%s) or a rule for each tensor, such as {auto: tensor}; is %s"
          .formatted(String.join(", ", ScalingRule.labels()), words(value));
    }
    if (named.origin() == Origin.MERGEKIT) {
      return "'%s' keeps mergekit's semantics, in which the recipe gives λ; 'scaling: %s' goes with methods of other origins%s"
          .formatted(
              named.fullName(),
              sought.get(),
              MergeMethods.lookAlike(named)
                  .map(other -> ", such as '%s'".formatted(other.fullName()))
                  .orElse(", see 'optmerge methods'"));
    }
    return null;
  }

  /** The rule that a value names; empty if it names none. */
  static Optional<Scaling.Sought> sought(Object value) {
    Object plain = value instanceof Value setting ? setting.at(0) : value;
    if (plain instanceof String word) {
      return ScalingRule.of(word).map(rule -> new Scaling.Sought(rule, false));
    }
    if (plain instanceof Map<?, ?> words && words.size() == 1) {
      Map.Entry<?, ?> only = words.entrySet().iterator().next();
      if (only.getValue().equals(TENSOR) || only.getValue().equals(MODEL)) {
        return ScalingRule.of(String.valueOf(only.getKey()))
            .map(rule -> new Scaling.Sought(rule, only.getValue().equals(TENSOR)));
      }
    }
    return Optional.empty();
  }

  private static String words(Value value) {
    if (value instanceof Options options) {
      return options.words().toString().replace("=", ": ");
    }
    return ParameterBinder.words(value);
  }
}
