package org.optmerge.metric;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.optmerge.python.PythonLiteral;
import org.optmerge.python.PythonNumber;
import org.optmerge.python.PythonText;

/**
 * MATH-V by its authors' own rule: the final answer is cut out of the response and must be the
 * right letter or the right option's text, or have its value to two decimals.
 *
 * <p>The reference's field {@code choices} is a Python list, empty for a free-form question; where
 * a file has the answer that was cut out already, the field {@value #CUT_OUT} holds it. Values of
 * roots and other functions are not computed: they are compared as texts.
 *
 * @see <a href="https://arxiv.org/abs/2402.14804">Wang et al., MATH-Vision, NeurIPS 2024</a>
 */
public record MathVisionAnswer() implements Metric {
  /** The field with the answer that the authors' script has cut out of a response. */
  public static final String CUT_OUT = "model_answer";

  private static final String LETTERS = "ABCDE";
  private static final List<String> FLAGS =
      List.of(
          "the final answer is", "the answer is", "the correct answer is", "the answer should be");
  private static final Pattern BOXED = Pattern.compile("(?s)oxed\\{(.*)\\}");

  @Override
  public Optional<String> lacking(Reference reference) {
    return reference.lacking(true, "choices");
  }

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    String given = reference.fields().get(CUT_OUT);
    if (given == null) {
      given = cutOut(PythonText.strip(prediction.text()));
    }
    String right = reference.answer();
    List<String> options = PythonLiteral.texts(reference.field("choices"));
    boolean letter =
        right.length() == 1
            && LETTERS.indexOf(right) >= 0
            && right.charAt(0) - 'A' < options.size();
    String value = letter ? options.get(right.charAt(0) - 'A') : "";
    steps.step("answer cut out of the response", given);
    return equal(right, given) || equal(value, given) ? 1 : 0;
  }

  /** The final answer of a response. */
  static String cutOut(String response) {
    String answer = response;
    for (char c : LETTERS.toCharArray()) {
      if (answer.endsWith(" %c.".formatted(c))
          || answer.endsWith(" (%c).".formatted(c))
          || answer.startsWith("%c\n".formatted(c))
          || answer.startsWith("(%c)\n".formatted(c))
          || answer.startsWith("(%1$c) %1$c\n".formatted(c))) {
        answer = String.valueOf(c);
      }
    }
    String last = rightStripped(after(answer, "is "), '.');
    if (PythonText.parseFloat(last).isPresent()) {
      answer = last;
    }
    if (!answer.contains("oxed{")) {
      for (String flag : FLAGS) {
        answer = behind(answer, flag);
        answer = behind(answer, flag.replace("the", "The"));
      }
    } else if (answer.indexOf("oxed{") != answer.lastIndexOf("oxed{")) {
      answer = "\\boxed{" + after(answer, "oxed{");
    }
    String found = formula(answer);
    for (String c : List.of("a", "b", "c", "d", "e")) {
      found = found.replace("(" + c + ")", c);
    }
    for (String c : List.of("a", "b", "c", "d", "e")) {
      found = found.replace("{" + c + "}", c);
    }
    found = rightStripped(found, '.');
    int from = 0;
    while (from < found.length() && found.charAt(from) == ':') {
      from++;
    }
    return PythonText.strip(found.substring(from));
  }

  /** What follows a flag, up to the end of its line and sentence. */
  private static String behind(String answer, String flag) {
    String rest = PythonText.strip(after(answer, flag));
    if (!answer.contains(flag)) {
      return rest;
    }
    String line = rest.split("\n", -1)[0];
    return line.split("\\. ", -1)[0];
  }

  private static String after(String text, String mark) {
    int at = text.lastIndexOf(mark);
    return at < 0 ? text : text.substring(at + mark.length());
  }

  private static String rightStripped(String text, char c) {
    int end = text.length();
    while (end > 0 && text.charAt(end - 1) == c) {
      end--;
    }
    return text.substring(0, end);
  }

  private static String formula(String response) {
    String text = PythonText.lower(response).replace("{}", "");
    Matcher boxed = BOXED.matcher(text);
    String answer = boxed.find() ? boxed.group(1) : text;
    int close = answer.indexOf('}');
    int open = answer.indexOf('{');
    if (close >= 0 && (open < 0 || close < open)) {
      answer = answer.substring(0, close);
    }
    answer = after(after(answer, "="), "\\approx");
    answer = answer.replace(" ", "").replace("\\,", "").replace("∞", "\\infty");
    answer = answer.replace("+\\infty", "\\infty").replace("\\\\", "\\").replace("\n", "");
    for (String dropped : List.of("\\text", "\\mbox")) {
      answer = answer.replace(dropped, "");
    }
    answer = answer.replace("bmatrix", "pmatrix");
    for (String dropped :
        List.of(
            "\\left",
            "\\right",
            "^{\\circ}",
            "^\\circ",
            "{m}^3",
            "m^3",
            "{units}",
            "units",
            "{km}",
            "km",
            "\\!")) {
      answer = answer.replace(dropped, "");
    }
    answer = answer.replace("tfrac", "frac").replace("dfrac", "frac");
    answer = answer.replace("\\$", "").replace("$", "").replace("\\%", "");
    answer = answer.replace("{.", "{0.");
    if (answer.startsWith(".")) {
      answer = "0" + answer;
    }
    return answer.equals("0.5") ? "\\frac{1}{2}" : slash(answer);
  }

  /** A fraction with a slash between two whole numbers. */
  private static String slash(String text) {
    String[] parts = text.split("/", -1);
    boolean fraction =
        parts.length == 2
            && parts[0].matches("-?(?:0|[1-9]\\d*+)")
            && parts[1].matches("-?(?:0|[1-9]\\d*+)");
    return fraction ? "\\frac{%s}{%s}".formatted(parts[0], parts[1]) : text;
  }

  /** True if two answers are the same text, the same tuple, or one number to two decimals. */
  static boolean equal(String one, String other) {
    String a = PythonText.lower(one);
    String b = PythonText.lower(other);
    if (a.replace(" ", "").isEmpty() || b.replace(" ", "").isEmpty()) {
      return false;
    }
    if (PythonText.strip(a).equals(PythonText.strip(b)) || tuple(a).equals(tuple(b))) {
      return true;
    }
    Optional<Double> x = rounded(a);
    return x.isPresent() && x.equals(rounded(b));
  }

  private static String tuple(String text) {
    char first = text.charAt(0);
    char last = text.charAt(text.length() - 1);
    String[] parts =
        text.length() < 2 ? new String[0] : text.substring(1, text.length() - 1).split(",", -1);
    boolean listed = (first == '(' && last == ')') || (first == '[' && last == ']');
    if (!listed || parts.length < 2) {
      return text;
    }
    List<String> values = new ArrayList<>();
    for (String part : parts) {
      boolean kept = part.contains("infty") || part.equals("a") || part.equals("-a");
      Optional<Double> value = kept ? Optional.empty() : rounded(part);
      if (!kept && value.isEmpty()) {
        return text;
      }
      values.add(value.map(PythonText::repr).orElse(part));
    }
    return first + String.join(",", values) + last;
  }

  private static Optional<Double> rounded(String text) {
    return LatexArithmetic.evaluate(text, null, false)
        .map(PythonNumber::toDouble)
        .filter(value -> Double.isFinite(value))
        .map(value -> new BigDecimal(value).setScale(2, RoundingMode.HALF_EVEN).doubleValue());
  }
}
