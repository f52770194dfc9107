package org.optmerge.evaluation;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.Question;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;

/**
 * A model's answer to one question.
 *
 * @param id unique among the predictions of a file, unless the file is faulty
 * @param task the data set or capability; empty if the file does not say
 * @param type the kind of question within the task; empty if there is but one
 * @param prediction the answer
 * @param reference what counts as right, with everything else the file or data set says as fields
 * @param score in [0, 1] if it has been scored already
 */
@API(status = API.Status.EXPERIMENTAL)
public record Predicted(
    String id,
    String task,
    String type,
    Prediction prediction,
    Reference reference,
    @Nullable Double score) {
  public Predicted {
    Objects.requireNonNull(id, "Predicted: id");
    if (score != null && !(score >= 0 && score <= 1)) {
      throw new IllegalArgumentException(
          "Predicted: the score of '%s' must be in [0, 1], is %s".formatted(id, score));
    }
  }

  /** An answer in words to a question, not yet scored. */
  public static Predicted of(Question question, String answer) {
    return new Predicted(
        question.id(),
        question.group(),
        question.type(),
        new Prediction(answer),
        question.reference(),
        null);
  }

  /** An answer with references and fields, not yet scored. */
  public static Predicted of(
      String id, String answer, List<String> answers, Map<String, String> fields) {
    return new Predicted(id, "", "", new Prediction(answer), new Reference(answers, fields), null);
  }

  /** This answer with a score. */
  public Predicted scored(double value) {
    return new Predicted(id, task, type, prediction, reference, value);
  }

  /** The model's answer as text. */
  public String given() {
    return prediction.text();
  }

  /** The first accepted answer; empty if the data set hides it. */
  public String expected() {
    return reference.answers().isEmpty() ? "" : reference.answers().get(0);
  }

  /** True if the answer has been scored as wholly right. */
  public boolean isRight() {
    return score != null && score == 1;
  }

  /** A field of the reference; empty if there is none. */
  public String field(String name) {
    return reference.fields().getOrDefault(name, "");
  }
}
