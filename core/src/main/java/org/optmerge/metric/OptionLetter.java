package org.optmerge.metric;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.optmerge.python.PythonText;

/** 1 if the letter that an answer states is the right one, by kits that know no option's text. */
public enum OptionLetter implements Metric {
  /** lmms-eval, ScienceQA: the letter alone in any case, or a capital with a period after it. */
  LMMS_EVAL {
    @Override
    Optional<String> letter(String answer) {
      String text = PythonText.strip(answer);
      boolean capital =
          PythonText.length(text) >= 2
              && Character.isUpperCase(text.codePointAt(0))
              && text.startsWith(".", Character.charCount(text.codePointAt(0)));
      String letter = capital ? text.substring(0, Character.charCount(text.codePointAt(0))) : text;
      return Optional.of(PythonText.lower(letter));
    }

    @Override
    String right(String answer) {
      return PythonText.lower(PythonText.strip(answer));
    }
  },
  /**
   * LLaVA and the authors of ScienceQA: a letter A to E alone, or with a period and a space after
   * it, or the only one behind {@code The answer is}.
   */
  LLAVA {
    @Override
    Optional<String> letter(String answer) {
      if (LETTERS.contains(answer)) {
        return Optional.of(answer);
      }
      if (answer.length() >= 3
          && LETTERS.contains(answer.substring(0, 1))
          && answer.startsWith(". ", 1)) {
        return Optional.of(answer.substring(0, 1));
      }
      Matcher announced = ANNOUNCED.matcher(answer);
      if (!announced.find()) {
        return Optional.empty();
      }
      String letter = announced.group(1);
      return announced.find() ? Optional.empty() : Optional.of(letter);
    }

    @Override
    String right(String answer) {
      return answer.toUpperCase(Locale.ROOT);
    }
  };

  private static final List<String> LETTERS = List.of("A", "B", "C", "D", "E");

  /** The last character may be any but a line feed, as the period was not escaped. */
  private static final Pattern ANNOUNCED = Pattern.compile("(?d)The answer is ([A-Z]).");

  /** The letter, in the form in which it is compared; empty if the answer states none. */
  abstract Optional<String> letter(String answer);

  abstract String right(String answer);

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    Optional<String> letter = letter(prediction.text());
    String right = right(reference.answer());
    steps.step("option by its letter", letter.orElse("none"));
    steps.step("right option", right);
    return letter.filter(right::equals).isPresent() ? 1 : 0;
  }
}
