package org.optmerge.python;

import java.math.BigInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The change to a text that VLMEvalKit writes into a spreadsheet and reads again: the writer takes
 * some texts for formulas or links, and cuts long ones. Answers that never were in a spreadsheet go
 * through this to be scored as VLMEvalKit would have scored them.
 *
 * @see <a href="https://xlsxwriter.readthedocs.io/worksheet.html">XlsxWriter, Worksheet.write</a>
 */
public final class Spreadsheet {
  /** The most characters that a cell holds. */
  public static final int LONGEST_TEXT = 32_767;

  private static final int LONGEST_LINK = 2_079;
  private static final Pattern ESCAPE = Pattern.compile("(_x[0-9a-fA-F]{4}_)");
  private static final Pattern CONTROL = Pattern.compile("[\\x00-\\x08\\x0b-\\x1f\\ufffe\\uffff]");

  private Spreadsheet() {}

  /** The cell that is read after a text was written, before its column is interpreted. */
  public static Cell written(String text) {
    return written(text, true);
  }

  /**
   * As {@link #written(String)}.
   *
   * @param formulas whether a text that begins as a formula is written as one, as VLMEvalKit did
   *     until 2026
   */
  public static Cell written(String text, boolean formulas) {
    if (formulas && (text.startsWith("=") || (text.startsWith("{=") && text.endsWith("}")))) {
      // A formula that nobody has calculated has the value 0.
      return Cell.whole(BigInteger.ZERO);
    }
    if (text.startsWith("mailto:")
        || text.startsWith("internal:")
        || text.startsWith("external:")
        || text.matches("(?s)(?:ftp|http)s?://.*+")) {
      return link(text);
    }
    return Cell.text(stored(text));
  }

  private static Cell link(String text) {
    String shown = text.replace("mailto:", "");
    if (text.startsWith("internal:")) {
      shown = shown.replace("internal:", "");
    } else if (text.startsWith("external:")) {
      shown = shown.replace("external:", "").replace('/', '\\');
    }
    // Links that are too long are not written at all.
    return shown.length() > LONGEST_LINK ? Cell.MISSING : Cell.text(stored(shown));
  }

  private static String stored(String text) {
    String cut =
        text.codePointCount(0, text.length()) > LONGEST_TEXT
            ? text.substring(0, text.offsetByCodePoints(0, LONGEST_TEXT))
            : text;
    // The writer marks what looks like an escape, escapes control characters, and the reader
    // removes the marks wherever they stand.
    String marked = ESCAPE.matcher(cut).replaceAll("_x005F$1");
    return CONTROL
        .matcher(marked)
        .replaceAll(
            found -> Matcher.quoteReplacement("_x%04X_".formatted((int) found.group().charAt(0))))
        .replace("x005F_", "");
  }
}
