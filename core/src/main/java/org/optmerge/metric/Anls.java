package org.optmerge.metric;

import org.apiguardian.api.API;
import org.optmerge.base.EditDistance;
import org.optmerge.python.PythonText;

/**
 * Average normalised Levenshtein similarity: 1 less the edit distance to the nearest answer over
 * the longer length, and 0 below one half. DocVQA and InfographicVQA.
 *
 * <p>Distances are of stripped, lower-cased text with white space collapsed; lengths, as published,
 * of the raw text in upper case.
 *
 * @see <a href="https://arxiv.org/abs/1905.13648">Biten et al., Scene Text Visual Question
 *     Answering, ICCV 2019, section 3.2</a>
 */
@API(status = API.Status.EXPERIMENTAL)
public record Anls() implements Metric {
  private static final double THRESHOLD = 0.5;

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    double nearest = Double.POSITIVE_INFINITY;
    for (String answer : reference.answers("ANLS")) {
      // Whatever is farther than half the length scores nothing, so it need not be known how far.
      double distance = distance(prediction.text(), answer, 1 - THRESHOLD);
      steps.step(
          "edit distance over length to " + answer,
          distance == Double.POSITIVE_INFINITY ? "more than one half" : distance);
      nearest = Math.min(nearest, distance);
    }
    double similarity = 1 - nearest;
    return similarity < THRESHOLD ? 0 : similarity;
  }

  /**
   * Edit distance over length, in [0, 1] unless white space was stripped; 0 for two empty texts.
   */
  public static double distance(String prediction, String answer) {
    return distance(prediction, answer, Double.POSITIVE_INFINITY);
  }

  private static double distance(String prediction, String answer, double limit) {
    int length = Math.max(PythonText.upperLength(answer), PythonText.upperLength(prediction));
    if (length == 0) {
      return 0;
    }
    int most = (int) Math.min(limit * length, Integer.MAX_VALUE - 1);
    int edits = EditDistance.levenshtein(form(prediction), form(answer), most);
    return edits > most ? Double.POSITIVE_INFINITY : edits / (double) length;
  }

  private static int[] form(String text) {
    return PythonText.collapse(PythonText.lower(PythonText.strip(text))).codePoints().toArray();
  }
}
