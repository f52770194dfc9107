package org.optmerge.method.scaling;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Locale;

/**
 * The λ that a rule found, and of what.
 *
 * @param rule that found it
 * @param perTensor whether it is for one tensor, not for all together
 * @param tensors how many it was found from; tied ones count once
 * @param energy E: with this factor the merge moves layers' outputs as much as an expert does
 * @param norm F: with this factor it is as long as an expert, root mean square
 * @param cap √N·F: with this factor it is as long as N orthogonal experts added up
 * @param scaling λ
 * @param bound which of them it is, or the rule in words
 */
public record MeasuredScaling(
    ScalingRule rule,
    boolean perTensor,
    int tensors,
    @JsonProperty("E") double energy,
    @JsonProperty("F") double norm,
    double cap,
    double scaling,
    String bound) {
  /** λ and the rule; a λ of one tensor without its number. */
  public String summary() {
    return perTensor
        ? "by %s".formatted(rule.label())
        : String.format(Locale.ROOT, "%.4g by %s", scaling, rule.label());
  }

  /** One line: λ, E, F and which bound holds. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "λ = %.4g by %s: E = %.4g, F = %.4g, √N·F = %.4g; %s",
        scaling,
        rule.label(),
        energy,
        norm,
        cap,
        rule == ScalingRule.AUTO && bound.length() <= 4
            ? bound + " is the smaller"
            : "it is " + bound);
  }
}
