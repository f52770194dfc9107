package org.optmerge.metric;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.python.PythonLiteral;
import org.optmerge.python.PythonText;

/**
 * 1 if the extracted answer is the right option, or equals the right number exactly. MathVista.
 *
 * <p>As published: no tolerance and no rounding to the stated precision; answers that are lists or
 * text can never be right (unless the answer is the word None); an integer 0 is never prefetched.
 *
 * <p>The reference's fields are {@code question_type}, {@code answer_type}, {@code answer_option}
 * and {@code choices}, a Python list.
 *
 * @param inference how an option is found
 * @see <a href="https://arxiv.org/abs/2310.02255">Lu et al., MathVista, ICLR 2024, section 3.1</a>
 */
@API(status = API.Status.EXPERIMENTAL)
public record MathVista(OptionInference inference) implements JudgedMetric {
  /** As in VLMEvalKit, of a version. */
  public static MathVista of(ScoringProfile profile) {
    return new MathVista(OptionInference.of(profile));
  }

  @Override
  public Optional<String> lacking(Reference reference) {
    Optional<String> type = reference.lacking(false, "question_type");
    if (type.isPresent()) {
      return type;
    }
    return isChoice(reference)
        ? reference.lacking(false, "choices", "answer_option")
        : reference.lacking(true, "answer_type");
  }

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    return matching(prediction, reference, steps).isPresent() ? 1 : 0;
  }

  @Override
  public Optional<Prediction> prefetch(Prediction prediction, Reference reference) {
    if (isChoice(reference)) {
      return inference
          .infer(prediction.text(), options(reference.field("choices")))
          .map(Prediction::new);
    }
    // A zero counts as nothing found.
    return matching(prediction, reference, Steps.NONE)
        .filter(found -> found.number() == null || found.number() != 0);
  }

  /** The value that equals the reference. */
  private Optional<Prediction> matching(Prediction prediction, Reference reference, Steps steps) {
    if (isChoice(reference)) {
      Optional<String> chosen =
          inference.infer(prediction.text(), options(reference.field("choices")), steps);
      steps.step("right option", reference.field("answer_option"));
      return chosen.filter(reference.field("answer_option")::equals).map(Prediction::new);
    }
    String answer = reference.answer();
    switch (reference.field("answer_type")) {
      case "integer" -> {
        BigInteger given = integer(prediction);
        steps.step("prediction as an integer", given == null ? "none" : given);
        return given != null && PythonText.parseInt(answer).map(given::equals).orElse(false)
            ? Optional.of(new Prediction(given.toString(), given.doubleValue()))
            : Optional.empty();
      }
      case "float" -> {
        OptionalDouble given =
            prediction.number() == null
                ? PythonText.parseFloat(prediction.text())
                : OptionalDouble.of(prediction.number());
        OptionalDouble right = PythonText.parseFloat(answer);
        steps.step("prediction as a float", given.isPresent() ? given.getAsDouble() : "none");
        return given.isPresent() && right.isPresent() && given.getAsDouble() == right.getAsDouble()
            ? Optional.of(Prediction.ofNumber(given.getAsDouble()))
            : Optional.empty();
      }
      default -> {
        steps.step("as published, what is compared with the answer is the word", "None");
        return answer.equals("None") ? Optional.of(new Prediction("None")) : Optional.empty();
      }
    }
  }

  private static @Nullable BigInteger integer(Prediction prediction) {
    Double number = prediction.number();
    if (number == null) {
      return PythonText.parseInt(prediction.text()).orElse(null);
    }
    return Double.isFinite(number) ? new BigDecimal(number).toBigInteger() : null;
  }

  private static boolean isChoice(Reference reference) {
    return reference.field("question_type").equals("multi_choice");
  }

  /** Letters for the elements of a Python list. */
  static Map<String, String> options(String choices) {
    List<@Nullable Object> list = PythonLiteral.list(choices).orElse(List.of());
    Map<String, String> options = new LinkedHashMap<>();
    for (int i = 0; i < list.size() && i < 26; i++) {
      options.put(String.valueOf((char) ('A' + i)), PythonLiteral.text(list.get(i)));
    }
    return options;
  }
}
