package org.optmerge.metric;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.optmerge.base.EditDistance;
import org.optmerge.python.PythonLiteral;
import org.optmerge.python.PythonText;

/**
 * MathVista by its authors' own rule: what was extracted from the answer is brought to the type of
 * the reference, a choice to the option nearest by edit distance, and must then equal it.
 *
 * <p>The reference's fields are {@code question_type}, {@code answer_type}, {@code choices} (a
 * Python list) and {@code precision}. The prediction is what was extracted.
 *
 * @see <a href="https://arxiv.org/abs/2310.02255">Lu et al., MathVista, ICLR 2024, section 3.1</a>
 */
public record MathVistaExtraction() implements JudgedMetric {
  private static final Pattern LETTER = Pattern.compile("\\(([a-zA-Z])\\)");
  private static final Pattern ANNOUNCED = Pattern.compile("(?d)The answer is \"(.*)\"\\.");

  @Override
  public Optional<String> lacking(Reference reference) {
    return reference.lacking(true, "question_type", "answer_type");
  }

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    Optional<String> given = normalised(PythonText.strip(prediction.text()), prediction, reference);
    steps.step("extracted answer, as the reference's type", given.orElse("none"));
    return given.filter(reference.answer()::equals).isPresent() ? 1 : 0;
  }

  /** The authors' rules that need no language model. */
  @Override
  public Optional<Prediction> prefetch(Prediction prediction, Reference reference) {
    String said = prediction.text();
    if (said.isEmpty()
        || (isChoice(reference) && choices(reference).contains(said))
        || (type(reference).equals("integer") && PythonText.parseInt(said).isPresent())
        || (type(reference).equals("float") && PythonText.parseFloat(said).isPresent())) {
      return Optional.of(prediction);
    }
    Matcher announced = ANNOUNCED.matcher(said);
    return announced.find() ? Optional.of(new Prediction(announced.group(1))) : Optional.empty();
  }

  private static boolean isChoice(Reference reference) {
    return reference.field("question_type").equals("multi_choice");
  }

  private static String type(Reference reference) {
    return reference.field("answer_type");
  }

  private static List<String> choices(Reference reference) {
    return PythonLiteral.texts(reference.fields().getOrDefault("choices", "[]"));
  }

  private static Optional<String> normalised(
      String extracted, Prediction raw, Reference reference) {
    if (isChoice(reference)) {
      return option(extracted, choices(reference));
    }
    return switch (type(reference)) {
      case "integer" ->
          number(raw.text())
              .map(value -> new BigDecimal(value).setScale(0, RoundingMode.DOWN).toPlainString());
      case "float" -> {
        Optional<Integer> digits =
            number(reference.fields().getOrDefault("precision", "")).map(Double::intValue);
        yield digits.flatMap(
            count ->
                number(raw.text())
                    .map(
                        value ->
                            PythonText.repr(
                                new BigDecimal(value)
                                    .setScale(count, RoundingMode.HALF_EVEN)
                                    .doubleValue())));
      }
      default -> Optional.of(raw.text());
    };
  }

  private static Optional<Double> number(String text) {
    OptionalDouble value = PythonText.parseFloat(text);
    return value.isPresent() && Double.isFinite(value.getAsDouble())
        ? Optional.of(value.getAsDouble())
        : Optional.empty();
  }

  private static Optional<String> option(String extracted, List<String> choices) {
    Matcher letter = LETTER.matcher(extracted);
    String given = letter.find() ? PythonText.upper(letter.group(1)) : extracted;
    if (given.length() == 1 && given.charAt(0) >= 'A' && given.charAt(0) < 'A' + choices.size()) {
      return Optional.of(choices.get(given.charAt(0) - 'A'));
    }
    String nearest = null;
    int fewest = Integer.MAX_VALUE;
    int[] said = given.codePoints().toArray();
    for (String choice : choices) {
      int edits =
          EditDistance.levenshtein(said, choice.codePoints().toArray(), Integer.MAX_VALUE - 1);
      if (edits < fewest) {
        nearest = choice;
        fewest = edits;
      }
    }
    return Optional.ofNullable(nearest);
  }
}
