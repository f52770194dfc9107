package org.optmerge.method.interference;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.optmerge.method.MergeMethod;

/** The values of {@link MergeMethod#derived} for methods that minimise an interference loss. */
final class InterferenceDescription {
  /**
   * The filter's share of the way is given at these eigenvalues, descending. Those of WUDI's
   * Hessian add up to the number of experts at most; 0.01 is typical of a layer and 1 of a
   * direction that makes up a whole expert.
   */
  private static final List<Double> EIGENVALUES = List.of(1.0, 0.1, 0.01);

  private InterferenceDescription() {}

  /**
   * A filter's effective time, formula and share of the way to the minimiser.
   *
   * @param directions in which it acts, for example {@code in every direction}
   */
  static Map<String, Object> of(SpectralFilter filter, String directions) {
    Map<String, Object> values = new LinkedHashMap<>();
    double time = filter.effectiveTime();
    values.put("effective_time", Double.isInfinite(time) ? "infinite" : (Object) time);
    values.put("filter", filter.formula() + ", " + directions);
    double[] share = filter.share(EIGENVALUES.stream().mapToDouble(Double::doubleValue).toArray());
    for (int i = share.length - 1; i >= 0; i--) {
      values.put("share_at_" + name(EIGENVALUES.get(i)), share[i]);
    }
    return Collections.unmodifiableMap(values);
  }

  /** A descent's filter; for Adam, which has none, how far it can get. */
  static Map<String, Object> of(Descent descent) {
    return descent
        .filter()
        .map(filter -> of(filter, "in every direction"))
        .orElseGet(() -> ofAdam(descent));
  }

  private static Map<String, Object> ofAdam(Descent descent) {
    double move = descent.learningRate() * descent.steps();
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("filter", "none: Adam has no closed form and goes step by step");
    values.put(descent.relativeRate() ? "largest_relative_move" : "largest_move", move);
    values.put(
        "reach",
        descent.relativeRate()
            ? "steps of one direction add up to that multiple of the task vectors' root mean square"
            : "steps of one direction add up to that, however small or large the task vectors");
    return Collections.unmodifiableMap(values);
  }

  /** Without a fraction of zero: 1, 0.1. */
  private static String name(double eigenvalue) {
    return eigenvalue == Math.rint(eigenvalue)
        ? String.valueOf((long) eigenvalue)
        : String.valueOf(eigenvalue);
  }
}
