package org.optmerge.metric;

import java.util.List;
import org.apiguardian.api.API;

/**
 * VQA accuracy: right as far as three of ten people gave the answer, averaged over leaving out each
 * of them; 0, 0.3, 0.6, 0.9 or 1 for ten people. VizWiz and TextVQA.
 *
 * @param normaliser applied to the prediction and to each answer
 * @param mean how the leave-one-out accuracies are averaged, which decides the last bits
 * @see <a href="https://arxiv.org/abs/1505.00468">Antol et al., VQA, ICCV 2015, section 3</a>
 */
@API(status = API.Status.EXPERIMENTAL)
public record VqaAccuracy(VqaNormaliser normaliser, Means mean) implements Metric {
  /** As in lmms-eval. */
  public static final VqaAccuracy LMMS_EVAL = new VqaAccuracy(VqaNormaliser.EVAL_AI, Means.EXACT);

  /** As in InternVL. */
  public static final VqaAccuracy INTERNVL = new VqaAccuracy(VqaNormaliser.EVAL_AI, Means.IN_ORDER);

  private static final double ENOUGH = 3;

  /** As in VLMEvalKit, of a version. */
  public static VqaAccuracy of(ScoringProfile profile) {
    return new VqaAccuracy(VqaNormaliser.of(profile), Means.NUMPY);
  }

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    String given = normaliser.normalise(prediction.text());
    steps.step("normalised prediction", given);
    List<String> accepted =
        reference.answers("VQA accuracy").stream().map(normaliser::normalise).toList();
    steps.step("normalised answers", accepted);
    int matching = 0;
    for (String answer : accepted) {
      matching += answer.equals(given) ? 1 : 0;
    }
    steps.step("answers equal to it", matching + " of " + accepted.size());
    double[] leftOut = new double[accepted.size()];
    for (int i = 0; i < leftOut.length; i++) {
      int others = matching - (accepted.get(i).equals(given) ? 1 : 0);
      leftOut[i] = Math.min(1, others / ENOUGH);
    }
    double score = mean.of(leftOut);
    steps.step("mean of min(1, equal answers of the others / 3)", score);
    return score;
  }
}
