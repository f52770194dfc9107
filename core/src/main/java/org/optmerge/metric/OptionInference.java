package org.optmerge.metric;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.optmerge.python.PythonText;

/**
 * Finds in a free answer which option of a multiple choice it means: by its letter as a word of its
 * own, else by an option's text that is the only one to occur in the answer.
 *
 * @param nearTheEnd whether the letter must be among the last five words, an answer may not be more
 *     than twice as long as all options together, and {@code answer is X} counts: VLMEvalKit since
 *     August 2025 and June 2026
 * @see <a
 *     href="https://github.com/open-compass/VLMEvalKit/blob/main/vlmeval/utils/matching_util.py">VLMEvalKit,
 *     can_infer</a>
 */
record OptionInference(boolean nearTheEnd) {
  /** The letter that stands for refusing to choose. */
  public static final String NONE_CHOSEN = "Z";

  private static final String FAILED = "Failed to obtain answer via API";
  private static final List<String> REFUSALS =
      List.of(
          "Sorry, I can't help with images of people yet.",
          "I can't process this file.",
          "I'm sorry, but without the image provided",
          "Cannot determine the answer");
  private static final String MARKS = ".()[],:;!*#{}";
  private static final int LAST_WORDS = 5;

  /**
   * The letter A to D after {@code answer is}, perhaps behind asterisks. The long s is an s to
   * Python's regular expressions, and the dotted capital an i.
   */
  private static final Pattern ANNOUNCED =
      Pattern.compile(
          "[aA][nN][sSſ][wW][eE][rR]%1$s++[iIİ][sSſ]%1$s++\\**+([A-Da-d])"
              .formatted(PythonText.SPACE));

  /** As in VLMEvalKit, of a version. */
  public static OptionInference of(ScoringProfile profile) {
    return new OptionInference(profile == ScoringProfile.VLMEVALKIT_LATEST);
  }

  /**
   * The letter that the answer means.
   *
   * @param answer in words
   * @param options letter to text
   * @return a letter of {@code options}, {@link #NONE_CHOSEN} for a refusal, or empty if the answer
   *     tells no option
   */
  public Optional<String> infer(String answer, Map<String, String> options) {
    return infer(answer, options, Steps.NONE);
  }

  /** As {@link #infer(String, Map)}, telling how. */
  Optional<String> infer(String answer, Map<String, String> options, Steps steps) {
    Optional<String> letter = byLetter(answer, options.keySet());
    steps.step("option by its letter", letter.orElse("none"));
    if (letter.isPresent()) {
      return letter;
    }
    Optional<String> text = byText(answer, options);
    steps.step("option by its text", text.orElse("none"));
    return text;
  }

  /** The first stage: letters as words. */
  Optional<String> byLetter(String answer, Set<String> letters) {
    if (answer.contains(FAILED)) {
      return Optional.empty();
    }
    if (REFUSALS.stream().anyMatch(answer::contains)) {
      return Optional.of(NONE_CHOSEN);
    }
    StringBuilder spaced = new StringBuilder(answer);
    for (int i = 0; i < spaced.length(); i++) {
      if (MARKS.indexOf(spaced.charAt(i)) >= 0) {
        spaced.setCharAt(i, ' ');
      }
    }
    List<String> words = PythonText.split(spaced.toString());
    Set<String> found = new HashSet<>(words);
    boolean refused = found.contains(NONE_CHOSEN);
    found.retainAll(letters);
    if (found.size() == 1) {
      String letter = found.iterator().next();
      if (!nearTheEnd || words.indexOf(letter) > words.size() - LAST_WORDS) {
        return Optional.of(letter);
      }
    } else if (found.isEmpty() && refused) {
      return Optional.of(NONE_CHOSEN);
    }
    Matcher announced = ANNOUNCED.matcher(answer);
    return nearTheEnd && announced.find()
        ? Optional.of(announced.group(1).toUpperCase(Locale.ROOT)).filter(letters::contains)
        : Optional.empty();
  }

  /** The second stage: the one option whose text occurs in the answer, without regard to case. */
  Optional<String> byText(String answer, Map<String, String> options) {
    String lower = PythonText.lower(answer);
    if (nearTheEnd) {
      long allowed = 2L * options.values().stream().mapToInt(PythonText::length).sum();
      if (PythonText.length(lower) > allowed) {
        return Optional.empty();
      }
    }
    String only = null;
    for (Map.Entry<String, String> option : options.entrySet()) {
      if (lower.contains(PythonText.lower(option.getValue()))) {
        if (only != null) {
          return Optional.empty();
        }
        only = option.getKey();
      }
    }
    return Optional.ofNullable(only);
  }
}
