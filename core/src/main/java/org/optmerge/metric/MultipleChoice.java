package org.optmerge.metric;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * 1 if the option that the answer means is the right one. ScienceQA, AI2D; with {@code
 * openQuestions} MMMU, whose open questions become a choice between the reference and any other
 * answer.
 *
 * <p>The reference has the right letter as its answer and the options as fields {@code A}, {@code
 * B} and so on. No judge is asked: an answer that tells no option is wrong.
 *
 * @param inference how the option is found
 * @param openQuestions whether a question may have no options
 */
@API(status = API.Status.EXPERIMENTAL)
public record MultipleChoice(OptionInference inference, boolean openQuestions) implements Metric {
  private static final String OTHER = "Other Answers";

  /** As in VLMEvalKit, of a version. */
  public static MultipleChoice of(ScoringProfile profile, boolean openQuestions) {
    return new MultipleChoice(OptionInference.of(profile), openQuestions);
  }

  @Override
  public Optional<String> lacking(Reference reference) {
    if (reference.answers().isEmpty()) {
      return Optional.of(Reference.AN_ANSWER);
    }
    boolean options = reference.fields().keySet().stream().anyMatch(MultipleChoice::isLetter);
    boolean open = openQuestions && !isLetter(reference.answer());
    return options || open ? Optional.empty() : Optional.of("options A, B and so on");
  }

  private static boolean isLetter(String text) {
    return text.length() == 1 && text.charAt(0) >= 'A' && text.charAt(0) <= 'Z';
  }

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    String chosen = chosen(prediction, reference, steps);
    String right = right(reference);
    steps.step("right option", right);
    return chosen.equals(right) ? 1 : 0;
  }

  /** The letter that the prediction means; {@link OptionInference#NONE_CHOSEN} if none. */
  String chosen(Prediction prediction, Reference reference) {
    return chosen(prediction, reference, Steps.NONE);
  }

  private String chosen(Prediction prediction, Reference reference, Steps steps) {
    Map<String, String> options = options(reference);
    steps.step("options", options);
    return inference.infer(prediction.text(), options, steps).orElse(OptionInference.NONE_CHOSEN);
  }

  private Map<String, String> options(Reference reference) {
    Map<String, String> options = new LinkedHashMap<>();
    for (char letter = 'A'; letter <= 'Z'; letter++) {
      String text = reference.fields().get(String.valueOf(letter));
      if (text != null) {
        options.put(String.valueOf(letter), text);
      }
    }
    if (openQuestions && !options.containsKey("A")) {
      options.put("A", reference.answer());
      options.put("B", OTHER);
    }
    return options;
  }

  private String right(Reference reference) {
    String answer = reference.answer();
    return openQuestions && !isLetter(answer) ? "A" : answer;
  }
}
