package org.optmerge.metric;

import org.apiguardian.api.API;
import org.optmerge.python.PythonText;

/**
 * 1 if the prediction equals an answer but for case and white space at the ends, and in the fork
 * but for punctuation; the largest over the answers. GQA and OCR-VQA.
 *
 * @param withoutPunctuation deletes what is neither letter, digit, underscore nor white space, so
 *     that {@code Yes.} is {@code yes}, and {@code 14.0} is {@code 140}
 */
@API(status = API.Status.EXPERIMENTAL)
public record ExactMatch(boolean withoutPunctuation) implements Metric {
  /** As in VLMEvalKit, of a version. */
  public static ExactMatch of(ScoringProfile profile) {
    return new ExactMatch(profile == ScoringProfile.OPTMERGE_FORK);
  }

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    String given = form(prediction.text());
    steps.step("compared form of the prediction", given);
    for (String answer : reference.answers("exact match")) {
      String accepted = form(answer);
      steps.step("compared form of an answer", accepted);
      if (accepted.equals(given)) {
        return 1;
      }
    }
    return 0;
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
