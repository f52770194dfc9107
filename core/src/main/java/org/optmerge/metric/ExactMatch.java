package org.optmerge.metric;

import java.util.List;
import org.apiguardian.api.API;
import org.optmerge.python.PythonText;

/**
 * 1 if the prediction equals an answer but for case and white space at the ends, and in the fork
 * but for punctuation; over several answers the largest, of GQA in VLMEvalKit the mean. GQA and
 * OCR-VQA.
 *
 * @param averaged whether the mean over the answers counts instead of the largest
 * @param withoutPunctuation deletes what is neither letter, digit, underscore nor white space, so
 *     that {@code Yes.} is {@code yes}, and {@code 14.0} is {@code 140}
 */
@API(status = API.Status.EXPERIMENTAL)
public record ExactMatch(boolean withoutPunctuation, boolean averaged) implements Metric {
  /** As in VLMEvalKit, of a version. */
  public static ExactMatch of(ScoringProfile profile) {
    return new ExactMatch(profile == ScoringProfile.OPTMERGE_FORK, false);
  }

  /** GQA's in VLMEvalKit, of a version: a list of answers scores as far as they agree. */
  public static ExactMatch averaged(ScoringProfile profile) {
    return new ExactMatch(profile == ScoringProfile.OPTMERGE_FORK, true);
  }

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    String given = form(prediction.text());
    steps.step("compared form of the prediction", given);
    List<String> answers = reference.answers("exact match");
    int equal = 0;
    for (String answer : answers) {
      String accepted = form(answer);
      steps.step("compared form of an answer", accepted);
      equal += accepted.equals(given) ? 1 : 0;
    }
    return averaged ? equal / (double) answers.size() : Math.min(1, equal);
  }

  private String form(String text) {
    if (!withoutPunctuation) {
      return PythonText.lower(PythonText.strip(text));
    }
    StringBuilder kept = new StringBuilder(text.length());
    PythonText.lower(text)
        .codePoints()
        .filter(c -> PythonText.isWord(c) || PythonText.isSpace(c))
        .forEach(kept::appendCodePoint);
    return PythonText.collapse(kept.toString());
  }
}
