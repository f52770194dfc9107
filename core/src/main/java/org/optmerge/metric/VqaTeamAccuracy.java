package org.optmerge.metric;

import java.util.HashSet;
import java.util.List;
import org.optmerge.python.PythonText;

/**
 * VQA accuracy by the script of VQA's own authors: as {@link VqaAccuracy}, but answers are brought
 * to a common form only where people disagreed. VizWiz's own evaluation.
 *
 * @see <a href="https://visualqa.org/evaluation.html">VQA evaluation</a>
 */
public record VqaTeamAccuracy() implements Metric {
  private static final double ENOUGH = 3;

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    List<String> answers =
        reference.answers("VQA accuracy").stream().map(VqaTeamAccuracy::line).toList();
    boolean disagree = new HashSet<>(answers).size() > 1;
    String given = form(line(prediction.text()), disagree);
    List<String> accepted = answers.stream().map(answer -> form(answer, disagree)).toList();
    steps.step("compared form of the prediction", given);
    steps.step("compared forms of the answers", accepted);
    double[] leftOut = new double[accepted.size()];
    int matching = (int) accepted.stream().filter(given::equals).count();
    for (int i = 0; i < leftOut.length; i++) {
      int others = matching - (accepted.get(i).equals(given) ? 1 : 0);
      leftOut[i] = Math.min(1, others / ENOUGH);
    }
    double score = Means.IN_ORDER.of(leftOut);
    steps.step("mean of min(1, equal answers of the others / 3)", score);
    return score;
  }

  private static String line(String text) {
    return PythonText.strip(text.replace('\n', ' ').replace('\t', ' '));
  }

  private static String form(String text, boolean normalised) {
    return PythonText.lower(normalised ? VqaNormaliser.VLMEVALKIT.normalise(text) : text);
  }
}
