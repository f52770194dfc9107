package org.optmerge.metric;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.optmerge.python.PythonText;

/**
 * The plain form to which latex2sympy2_extended 1.11 brings a formula before it parses it: what is
 * in boxes, without dollar signs and styles, with one spelling of each command.
 */
final class LatexForm {
  private static final String SPACE = PythonText.SPACE;

  private static final Pattern REMOVED =
      Pattern.compile(
          "\\\\mathrm\\{th\\}|\\\\!%1$s*+|\\\\text%1$s*+\\{%1$s*+\\}|\\\\\\$|\\$|(?<!\\\\)[\"']|\\\\displaystyle"
              .formatted(SPACE));

  /** Brackets that grow with what is in them. */
  private static final Pattern SIZED =
      Pattern.compile("\\\\m?(?:left|right)(\\\\[{}|]|[{}|\\[\\]()])");

  /** Each is looked for where none before it is found, in one pass. */
  private static final Map<String, String> REPLACED = replaced();

  private static final Pattern REPLACEABLE = Pattern.compile(alternatives());
  private static final Pattern DOUBLED = Pattern.compile("\\\\\\\\(?=[a-zA-Z])");

  private LatexForm() {}

  private static Map<String, String> replaced() {
    Map<String, String> patterns = new LinkedHashMap<>();
    patterns.put("\\\\math(?:rm|it|bf)", "\\text");
    patterns.put("\\\\text(?:normal|bf|it|rm)", "\\text");
    patterns.put("\\\\(?:d|t|c)frac", "\\frac");
    patterns.put(SPACE + "\\.", " 0.");
    patterns.put("\\{\\.", "{0.");
    patterns.put("~=", "\\approx");
    patterns.put("%1$s*+\\{%1$s*+,%1$s*+\\}".formatted(SPACE), ",");
    patterns.put("(?<![a-zA-Z]),?%1$s*+(?:and|or)(?![a-zA-Z])".formatted(SPACE), ",");
    patterns.put(",?%1$s*+\\\\text\\{%1$s*+(?:and|or)%1$s*+\\}".formatted(SPACE), ",");
    patterns.put("(?<!\\\\)\\\\" + SPACE, " ");
    patterns.put("infinity", "\\infty");
    patterns.put(",?\\\\ldots", " ");
    patterns.put(
        "%s*+(?<![\\p{L}\\p{N}_])(?:percentage|percent|pct)(?![\\p{L}\\p{N}_])".formatted(SPACE),
        "\\%");
    patterns.put("\\\\text\\{(?:percentage|percent|pct)\\}", "%");
    patterns.put("(?<!\\\\)inf(?!inity)", "\\infty");
    patterns.put(" sqrt", "\\sqrt");
    return patterns;
  }

  private static String alternatives() {
    StringBuilder all = new StringBuilder();
    REPLACED
        .keySet()
        .forEach(one -> all.append(all.isEmpty() ? "(" : "|(").append(one).append(')'));
    return all.toString();
  }

  static String of(String formula) {
    String text = SIZED.matcher(boxed(formula)).replaceAll("$1");
    text = REMOVED.matcher(text).replaceAll("");
    String[] replacements = REPLACED.values().toArray(String[]::new);
    text =
        REPLACEABLE
            .matcher(text)
            .replaceAll(
                found -> {
                  int which = 0;
                  while (found.group(which + 1) == null) {
                    which++;
                  }
                  return Matcher.quoteReplacement(replacements[which]);
                });
    text = text.replace('\n', ' ').replace('\t', ' ');
    return PythonText.strip(DOUBLED.matcher(text).replaceAll("\\\\"));
  }

  /** The contents of all boxes, from the last to the first, joined by commas; else the text. */
  private static String boxed(String text) {
    Deque<String> contents = new ArrayDeque<>();
    int current = text.length();
    int end = text.length();
    while (true) {
      int box = text.lastIndexOf("\\boxed", current - 1);
      int frame = text.lastIndexOf("\\fbox", current - 1);
      int start = Math.max(box, frame);
      if (start < 0) {
        break;
      }
      int brace = start + (box > frame ? "\\boxed".length() : "\\fbox".length());
      while (brace < end && PythonText.isSpace(text.codePointAt(brace))) {
        brace++;
      }
      if (brace >= end) {
        break;
      }
      int close = text.charAt(brace) == '{' ? closing(text, brace, end) : -1;
      if (close < 0) {
        if (contents.isEmpty()) {
          contents.addFirst(text.substring(brace));
        }
        break;
      }
      String content = PythonText.strip(text.substring(brace + 1, close));
      if (contents.isEmpty() || !contents.getFirst().equals(content)) {
        contents.addFirst(content);
      }
      end = start;
      current = start;
    }
    return contents.isEmpty() ? text : String.join(",", contents);
  }

  private static int closing(String text, int brace, int end) {
    int open = 0;
    for (int i = brace; i < end; i++) {
      open += text.charAt(i) == '{' ? 1 : text.charAt(i) == '}' ? -1 : 0;
      if (open == 0) {
        return i;
      }
    }
    return -1;
  }
}
