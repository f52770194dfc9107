package org.optmerge.metric;

import java.util.function.UnaryOperator;
import org.optmerge.python.PythonText;

/**
 * 1 if the prediction equals an answer in a kit's own form of both; the largest over the answers.
 */
public enum TextMatch implements Metric {
  /** Equal to the last character: what InternVL does with ScienceQA. */
  VERBATIM(text -> text, text -> text),
  /** GQA's own script after InternVL's or LLaVA's conversion: lower case, no period at the end. */
  GQA(text -> PythonText.lower(withoutPeriods(text)), text -> text),
  /** lmms-eval's {@code exact_match}: lower case, without the punctuation of ASCII. */
  LMMS_EVAL(TextMatch::plain, TextMatch::plain);

  private static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

  private final UnaryOperator<String> given;
  private final UnaryOperator<String> accepted;

  TextMatch(UnaryOperator<String> given, UnaryOperator<String> accepted) {
    this.given = given;
    this.accepted = accepted;
  }

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    String text = given.apply(prediction.text());
    steps.step("compared form of the prediction", text);
    for (String answer : reference.answers("exact match")) {
      String right = accepted.apply(answer);
      steps.step("compared form of an answer", right);
      if (right.equals(text)) {
        return 1;
      }
    }
    return 0;
  }

  private static String withoutPeriods(String text) {
    int end = text.length();
    while (end > 0 && text.charAt(end - 1) == '.') {
      end--;
    }
    return text.substring(0, end);
  }

  /** In an array of NumPy, a text in lower case is no longer than it was before. */
  private static String plain(String text) {
    StringBuilder kept = new StringBuilder(text.length());
    PythonText.lower(text)
        .codePoints()
        .limit(PythonText.length(text))
        .filter(c -> c >= 128 || PUNCTUATION.indexOf(c) < 0)
        .forEach(kept::appendCodePoint);
    return kept.toString();
  }
}
