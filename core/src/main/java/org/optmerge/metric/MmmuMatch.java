package org.optmerge.metric;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.optmerge.python.PythonLiteral;
import org.optmerge.python.PythonText;

/**
 * MMMU by its authors' own rule: of a multiple choice the letter must be the right one; of an open
 * question a number or a part of the answer must be among those of the answer.
 *
 * <p>The reference's field {@code question_type} is {@code multiple-choice} or {@code open}. Where
 * a file has what its kit parsed, the field {@value #PARSED} holds it: a Python list of candidates,
 * each a text or a list of texts and numbers.
 *
 * @see <a href="https://arxiv.org/abs/2311.16502">Yue et al., MMMU, CVPR 2024, section 4.1</a>
 */
public record MmmuMatch() implements Metric {
  /** The field with what a kit parsed of the answer. */
  public static final String PARSED = "parsed_pred";

  private static final String CHOICE = "multiple-choice";
  private static final String WORD = "[\\p{L}\\p{N}_]";
  private static final List<Pattern> NUMBERS =
      List.of(
          Pattern.compile("-?(?<!%1$s)\\p{Nd}{1,3}+(?:,\\p{Nd}{3}+)++(?!%1$s)".formatted(WORD)),
          Pattern.compile("-?\\p{Nd}++(?:\\.\\p{Nd}++)?+[eE][+-]?\\p{Nd}++"),
          Pattern.compile(
              "-?(?:\\p{Nd}+\\.\\p{Nd}+|\\.\\p{Nd}+|\\p{Nd}+(?!%1$s))(?![eE][+-]?\\p{Nd})(?![,\\p{Nd}])"
                  .formatted(WORD)));
  private static final List<String> KEYS =
      List.of("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result ");

  @Override
  public Optional<String> lacking(Reference reference) {
    return reference.lacking(true, "question_type");
  }

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    boolean choice = reference.field("question_type").equals(CHOICE);
    for (Object candidate : candidates(prediction, reference, choice)) {
      boolean right =
          choice
              ? reference.answers().contains(PythonLiteral.text(candidate))
              : open(candidate, reference.answers("MMMU"));
      steps.step(choice ? "option" : "values in the answer", PythonLiteral.text(candidate));
      if (right) {
        return 1;
      }
    }
    return 0;
  }

  private static List<@Nullable Object> candidates(
      Prediction prediction, Reference reference, boolean choice) {
    String parsed = reference.fields().get(PARSED);
    if (parsed != null) {
      return PythonLiteral.list(parsed).orElse(List.of());
    }
    List<@Nullable Object> candidates = new ArrayList<>();
    candidates.add(choice ? prediction.text() : values(prediction.text()));
    return candidates;
  }

  /**
   * A text in place of a list is gone through character by character, as the official code does.
   */
  private static boolean open(@Nullable Object candidate, List<String> answers) {
    List<Object> accepted = new ArrayList<>();
    answers.forEach(answer -> accepted.addAll(normalised(answer)));
    if (candidate instanceof List<?> values) {
      return values.stream().anyMatch(value -> among(value, accepted));
    }
    return PythonLiteral.text(candidate)
        .codePoints()
        .anyMatch(c -> among(Character.toString(c), accepted));
  }

  private static boolean among(@Nullable Object value, List<Object> accepted) {
    if (value instanceof Number number) {
      return accepted.stream()
          .anyMatch(
              one ->
                  one instanceof Double right
                      && right.doubleValue() == number.doubleValue()
                      && !right.isNaN());
    }
    String text = PythonLiteral.text(value);
    return accepted.stream().anyMatch(one -> one instanceof String part && text.contains(part));
  }

  /** The texts and numbers of an answer to an open question. */
  static List<@Nullable Object> values(String response) {
    List<String> found = new ArrayList<>(keyParts(response));
    for (String part : List.copyOf(found)) {
      for (Pattern number : NUMBERS) {
        Matcher matcher = number.matcher(part);
        while (matcher.find()) {
          found.add(matcher.group());
        }
      }
    }
    List<@Nullable Object> values = new ArrayList<>();
    found.forEach(part -> values.addAll(normalised(part)));
    return values;
  }

  private static List<String> keyParts(String response) {
    String text = PythonText.lower(stripPeriods(PythonText.strip(response)));
    List<String> lines = List.of(text.split("\n", -1));
    List<String> parts = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String shortest = "";
      List<String> keys = new ArrayList<>(KEYS);
      if (i == lines.size() - 1) {
        keys.add("=");
      }
      for (String key : keys) {
        int at = lines.get(i).lastIndexOf(key);
        if (at >= 0) {
          String rest = PythonText.strip(lines.get(i).substring(at + key.length()));
          if (shortest.isEmpty() || PythonText.length(rest) < PythonText.length(shortest)) {
            shortest = rest;
          }
        }
      }
      if (!shortest.isEmpty() && !List.of(":", ",", ".", "!", "?", ";", "'").contains(shortest)) {
        parts.add(shortest);
      }
    }
    return parts.isEmpty() ? List.of(text) : parts;
  }

  private static String stripPeriods(String text) {
    int from = 0;
    int to = text.length();
    while (from < to && text.charAt(from) == '.') {
      from++;
    }
    while (to > from && text.charAt(to - 1) == '.') {
      to--;
    }
    return text.substring(from, to);
  }

  /** A number with two decimals, or a text in lower case; a single letter not by itself. */
  private static List<Object> normalised(String part) {
    String text = PythonText.strip(part);
    OptionalDouble number = PythonText.parseFloat(text.replace(",", ""));
    if (number.isPresent()) {
      double value = number.getAsDouble();
      return List.of(
          Double.isFinite(value)
              ? new BigDecimal(value).setScale(2, RoundingMode.HALF_EVEN).doubleValue()
              : value);
    }
    String lower = PythonText.lower(text);
    return PythonText.length(lower) == 1 ? List.of(" " + lower, lower + " ") : List.of(lower);
  }
}
