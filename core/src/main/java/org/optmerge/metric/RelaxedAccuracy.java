package org.optmerge.metric;

import java.util.OptionalDouble;
import org.apiguardian.api.API;
import org.optmerge.python.PythonText;

/**
 * 1 if a number is within 5 % of an answer, or anything else equals it but for case; the largest
 * over the answers. ChartQA.
 *
 * @param relativeTo what the 5 % are taken of
 * @param strips whether white space around the prediction is dropped first
 * @see <a href="https://arxiv.org/abs/2203.10244">Masry et al., ChartQA, ACL Findings 2022, section
 *     5.1</a>
 */
@API(status = API.Status.EXPERIMENTAL)
public record RelaxedAccuracy(RelativeTo relativeTo, boolean strips) implements Metric {
  /** As in InternVL, which exchanges the arguments. */
  public static final RelaxedAccuracy INTERNVL = new RelaxedAccuracy(RelativeTo.PREDICTION, true);

  /** As in lmms-eval. */
  public static final RelaxedAccuracy LMMS_EVAL = new RelaxedAccuracy(RelativeTo.REFERENCE, false);

  private static final double TOLERANCE = 0.05;

  /** The number in the denominator; where it is zero, texts are compared. */
  public enum RelativeTo {
    /** As the paper means it. */
    REFERENCE,
    /** As the kits computed it for years: 9.5 for 10 is wrong, 10 for 9.5 is right. */
    PREDICTION
  }

  /** As in VLMEvalKit, of a version. */
  public static RelaxedAccuracy of(ScoringProfile profile) {
    return new RelaxedAccuracy(
        profile == ScoringProfile.VLMEVALKIT_LATEST ? RelativeTo.REFERENCE : RelativeTo.PREDICTION,
        true);
  }

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    String given = strips ? PythonText.strip(prediction.text()) : prediction.text();
    for (String answer : reference.answers("relaxed accuracy")) {
      if (matches(given, answer, steps)) {
        return 1;
      }
    }
    return 0;
  }

  private boolean matches(String given, String answer, Steps steps) {
    OptionalDouble p = number(given);
    OptionalDouble g = number(answer);
    OptionalDouble whole = relativeTo == RelativeTo.PREDICTION ? p : g;
    if (p.isPresent() && g.isPresent() && whole.getAsDouble() != 0) {
      double change = Math.abs(g.getAsDouble() - p.getAsDouble()) / Math.abs(whole.getAsDouble());
      steps.step(
          "relative difference from " + answer + ", divided by the " + name(relativeTo), change);
      return change <= TOLERANCE;
    }
    boolean equal = PythonText.lower(answer).equals(PythonText.lower(given));
    steps.step("as text, equal but for case to " + answer, equal);
    return equal;
  }

  private static String name(RelativeTo which) {
    return which == RelativeTo.PREDICTION ? "prediction" : "answer";
  }

  /** A number, or a number with percent signs after it; empty for anything else. */
  public static OptionalDouble number(String text) {
    if (!text.endsWith("%")) {
      return PythonText.parseFloat(text);
    }
    int end = text.length();
    while (end > 0 && text.charAt(end - 1) == '%') {
      end--;
    }
    OptionalDouble percent = PythonText.parseFloat(text.substring(0, end));
    return percent.isPresent() ? OptionalDouble.of(percent.getAsDouble() / 100) : percent;
  }
}
