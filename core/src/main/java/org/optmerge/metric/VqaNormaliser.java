package org.optmerge.metric;

import java.util.List;
import org.optmerge.python.PythonText;

/**
 * Brings answers to the form in which VQA compares them: lower case, numbers as digits, no
 * articles, hardly any punctuation, apostrophes in contractions.
 *
 * <p>The quirks are the published ones and decide scores: a mark is deleted or turned into a space
 * according to the whole text, and only the first 32 periods are looked at.
 *
 * @see <a href="https://visualqa.org/evaluation.html">VQA evaluation, answer processing</a>
 */
enum VqaNormaliser {
  /** VLMEvalKit until May 2025, and the OptMerge fork: {@code 4.} becomes {@code 4}. */
  VLMEVALKIT(false, false),
  /** VLMEvalKit since: a period beside a digit stays. */
  VLMEVALKIT_LATEST(false, true),
  /** lmms-eval, InternVL and ModelCompose: commas go first, and {@code 's} is a word of its own. */
  EVAL_AI(true, false);

  private static final String MARKS = ";/[]\"{}()=+\\_-><@`,?!";

  /** A constant that was meant as a flag and is taken as a count. */
  private static final int PERIODS = 32;

  private static final List<String> NUMBERS =
      List.of("zero one two three four five six seven eight nine ten".split(" "));

  private final boolean splitsPossessives;
  private final boolean keepsPeriodAfterDigit;

  VqaNormaliser(boolean splitsPossessives, boolean keepsPeriodAfterDigit) {
    this.splitsPossessives = splitsPossessives;
    this.keepsPeriodAfterDigit = keepsPeriodAfterDigit;
  }

  /** VLMEvalKit's, of a version. */
  public static VqaNormaliser of(ScoringProfile profile) {
    return profile == ScoringProfile.VLMEVALKIT_LATEST ? VLMEVALKIT_LATEST : VLMEVALKIT;
  }

  /** The form that is compared. */
  public String normalise(String answer) {
    String text = answer;
    if (splitsPossessives) {
      text = PythonText.lower(text).replace(",", "").replace("?", "").replace("'s", " 's");
      text = PythonText.strip(text);
    }
    text = PythonText.strip(text.replace('\n', ' ').replace('\t', ' '));
    return words(withoutPeriods(withoutMarks(text)));
  }

  /** Each mark is deleted or made a space, by what the text was before any was. */
  private static String withoutMarks(String text) {
    boolean[] present = new boolean[128];
    boolean[] besideSpace = new boolean[128];
    boolean commaInNumber = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= 128) {
        continue;
      }
      present[c] = true;
      if ((i > 0 && text.charAt(i - 1) == ' ')
          || (i + 1 < text.length() && text.charAt(i + 1) == ' ')) {
        besideSpace[c] = true;
      }
      commaInNumber |=
          c == ','
              && i > 0
              && PythonText.isDigit(text.codePointBefore(i))
              && i + 1 < text.length()
              && PythonText.isDigit(text.codePointAt(i + 1));
    }
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= 128 || MARKS.indexOf(c) < 0 || !present[c]) {
        out.append(c);
      } else if (!besideSpace[c] && !commaInNumber) {
        out.append(' ');
      }
    }
    return out.toString();
  }

  private String withoutPeriods(String text) {
    StringBuilder out = new StringBuilder(text.length());
    int deleted = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean goes =
          c == '.'
              && deleted < PERIODS
              && !(i + 1 < text.length() && PythonText.isDigit(text.codePointAt(i + 1)))
              && !(keepsPeriodAfterDigit && i > 0 && PythonText.isDigit(text.codePointBefore(i)));
      if (goes) {
        deleted++;
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }

  /** Number words first, then articles, contractions last. */
  private static String words(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (String word : PythonText.split(PythonText.lower(text))) {
      int digits = word.equals("none") ? 0 : NUMBERS.indexOf(word);
      String number = digits < 0 ? word : String.valueOf(digits);
      if (!(number.equals("a") || number.equals("an") || number.equals("the"))) {
        if (!out.isEmpty()) {
          out.append(' ');
        }
        out.append(Contractions.TABLE.getOrDefault(number, number));
      }
    }
    return out.toString();
  }
}
