package org.optmerge.report;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.apiguardian.api.API;
import org.optmerge.base.TextTable;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.FloatColumn;
import tech.tablesaw.api.NumericColumn;
import tech.tablesaw.api.Table;
import tech.tablesaw.columns.Column;

/**
 * Tablesaw tables as HTML, Markdown, LaTeX and plain text: numbers rounded and to the right, every
 * cell escaped, the best value of a column set off on request.
 *
 * <p>A missing value is shown as an en dash.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class Tables {
  private static final String MISSING = "–";

  private Tables() {}

  /** The kind of a column's best value. */
  public enum Best {
    LARGEST,
    SMALLEST
  }

  /**
   * The form of numbers.
   *
   * @param decimals digits after the point of a fractional number, 0 to 9; a number that they would
   *     turn into zero is written with an exponent
   * @param best columns whose best value is set off; values that read the same are all best
   */
  public record Format(int decimals, Map<String, Best> best) {
    /** Three decimals, nothing set off. */
    public static final Format DEFAULT = new Format(3, Map.of());

    public Format {
      if (decimals < 0 || decimals > 9) {
        throw new IllegalArgumentException("Format: decimals must be in [0, 9], is " + decimals);
      }
      best = Map.copyOf(best);
    }

    /** This format with another number of decimals. */
    public Format decimals(int number) {
      return new Format(number, best);
    }

    /** This format with the largest value of these columns set off. */
    public Format largest(String... columns) {
      return with(Best.LARGEST, columns);
    }

    /** This format with the smallest value of these columns set off. */
    public Format smallest(String... columns) {
      return with(Best.SMALLEST, columns);
    }

    private Format with(Best which, String... columns) {
      Map<String, Best> more = new LinkedHashMap<>(best);
      for (String column : columns) {
        more.put(column, which);
      }
      return new Format(decimals, more);
    }
  }

  /** A table to be shown in a format, as the last expression of a notebook's cell. */
  public static TableView view(Table table, Format format) {
    return new TableView(table, format);
  }

  /** A table of percentages: one decimal, the largest value of these columns set off. */
  public static TableView percent(Table table, String... largest) {
    return view(table, Format.DEFAULT.decimals(1).largest(largest));
  }

  /** {@link #html(Table, Format)} in the default format. */
  public static String html(Table table) {
    return html(table, Format.DEFAULT);
  }

  /**
   * An HTML table; its name, if it has one, is the caption.
   *
   * @throws IllegalArgumentException if the format names a column that the table has not, or that
   *     holds no numbers; so do the other methods
   */
  public static String html(Table table, Format format) {
    Cells cells = Cells.of(table, format, Tables::escapeHtml);
    StringBuilder out = new StringBuilder("<table>\n");
    String name = table.name();
    if (name != null && !name.isBlank()) {
      out.append("<caption>").append(escapeHtml(name)).append("</caption>\n");
    }
    out.append("<thead>").append(cells.html("th", cells.headers)).append("</thead>\n<tbody>\n");
    for (int r = 0; r < cells.rows(); r++) {
      List<String> row = cells.row(r, best -> "<b>" + best + "</b>", UnaryOperator.identity());
      out.append(cells.html("td", row)).append('\n');
    }
    return out.append("</tbody>\n</table>").toString();
  }

  /** {@link #markdown(Table, Format)} in the default format. */
  public static String markdown(Table table) {
    return markdown(table, Format.DEFAULT);
  }

  /** A table in GitHub's Markdown. */
  public static String markdown(Table table, Format format) {
    Cells cells = Cells.of(table, format, Tables::escapeMarkdown);
    StringBuilder out = new StringBuilder("| " + String.join(" | ", cells.headers) + " |\n|");
    cells.numeric.forEach(right -> out.append(right ? "---:|" : "---|"));
    out.append('\n');
    for (int r = 0; r < cells.rows(); r++) {
      List<String> row = cells.row(r, best -> "**" + best + "**", UnaryOperator.identity());
      out.append("| ").append(String.join(" | ", row)).append(" |\n");
    }
    return out.toString();
  }

  /** {@link #latex(Table, Format)} in the default format. */
  public static String latex(Table table) {
    return latex(table, Format.DEFAULT);
  }

  /** A {@code tabular} with the rules of the package {@code booktabs}. */
  public static String latex(Table table, Format format) {
    Cells cells = Cells.of(table, format, Tables::escapeLatex);
    StringBuilder out = new StringBuilder("\\begin{tabular}{");
    cells.numeric.forEach(right -> out.append(right ? 'r' : 'l'));
    out.append("}\n\\toprule\n").append(String.join(" & ", cells.headers));
    out.append(" \\\\\n\\midrule\n");
    for (int r = 0; r < cells.rows(); r++) {
      List<String> row = cells.row(r, best -> "\\textbf{" + best + "}", UnaryOperator.identity());
      out.append(String.join(" & ", row)).append(" \\\\\n");
    }
    return out.append("\\bottomrule\n\\end{tabular}\n").toString();
  }

  /** {@link #text(Table, Format)} in the default format. */
  public static String text(Table table) {
    return text(table, Format.DEFAULT);
  }

  /** A table for a terminal; a best value is followed by an asterisk. */
  public static String text(Table table, Format format) {
    Cells cells = Cells.of(table, format, UnaryOperator.identity());
    TextTable out = new TextTable(" ");
    for (int c = 0; c < cells.headers.size(); c++) {
      String title = cells.headers.get(c) + " ";
      out = cells.numeric.get(c) ? out.right(title) : out.left(title);
    }
    for (int r = 0; r < cells.rows(); r++) {
      out.row(cells.row(r, best -> best + "*", other -> other + " "));
    }
    return String.join("\n", out.lines()) + "\n";
  }

  /** A table's cells as escaped text, and which of them are best. */
  private record Cells(
      List<String> headers, List<Boolean> numeric, List<List<String>> texts, List<String> bests) {

    static Cells of(Table table, Format format, UnaryOperator<String> escape) {
      for (String name : format.best().keySet()) {
        if (!table.containsColumn(name) || !(table.column(name) instanceof NumericColumn)) {
          throw new IllegalArgumentException(
              "table '%s': the best value of column '%s' was asked for; its columns of numbers are %s"
                  .formatted(
                      table.name(),
                      name,
                      table.columns().stream()
                          .filter(NumericColumn.class::isInstance)
                          .map(Column::name)
                          .toList()));
        }
      }
      List<String> headers = new ArrayList<>();
      List<Boolean> numeric = new ArrayList<>();
      List<List<String>> texts = new ArrayList<>();
      List<String> bests = new ArrayList<>();
      for (Column<?> column : table.columns()) {
        headers.add(escape.apply(column.name()));
        numeric.add(column instanceof NumericColumn);
        List<String> cells = new ArrayList<>();
        for (int r = 0; r < table.rowCount(); r++) {
          cells.add(escape.apply(cell(column, r, format.decimals())));
        }
        texts.add(cells);
        Best best = format.best().get(column.name());
        bests.add(best == null ? "" : bestText((NumericColumn<?>) column, best, cells));
      }
      return new Cells(headers, numeric, texts, bests);
    }

    private static String bestText(NumericColumn<?> column, Best best, List<String> cells) {
      int at = -1;
      for (int r = 0; r < cells.size(); r++) {
        double value = column.isMissing(r) ? Double.NaN : column.getDouble(r);
        if (Double.isNaN(value)) {
          continue;
        }
        if (at < 0
            || (best == Best.LARGEST
                ? value > column.getDouble(at)
                : value < column.getDouble(at))) {
          at = r;
        }
      }
      return at < 0 ? "" : cells.get(at);
    }

    int rows() {
      return texts.isEmpty() ? 0 : texts.get(0).size();
    }

    /** The cells of a row, each marked as best or as another. */
    List<String> row(int row, UnaryOperator<String> best, UnaryOperator<String> other) {
      List<String> cells = new ArrayList<>();
      for (int c = 0; c < texts.size(); c++) {
        String text = texts.get(c).get(row);
        boolean isBest = !bests.get(c).isEmpty() && bests.get(c).equals(text);
        cells.add((isBest ? best : other).apply(text));
      }
      return cells;
    }

    String html(String tag, List<String> row) {
      StringBuilder out = new StringBuilder("<tr>");
      for (int c = 0; c < row.size(); c++) {
        String align = numeric.get(c) ? "right" : "left";
        out.append("<%s style=\"text-align:%s\">".formatted(tag, align)).append(row.get(c));
        out.append("</").append(tag).append('>');
      }
      return out.append("</tr>").toString();
    }
  }

  private static String cell(Column<?> column, int row, int decimals) {
    if (column.isMissing(row)) {
      return MISSING;
    }
    // Not by the column's type: depending on which of its classes is loaded first, Tablesaw has
    // two.
    boolean fractional = column instanceof DoubleColumn || column instanceof FloatColumn;
    return fractional
        ? number(((NumericColumn<?>) column).getDouble(row), decimals)
        : column.getString(row);
  }

  static String number(double value, int decimals) {
    if (Double.isNaN(value)) {
      return MISSING;
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "∞" : "−∞";
    }
    double magnitude = Math.abs(value);
    if (value != 0 && (magnitude < 0.5 * Math.pow(10, -decimals) || magnitude >= 1e9)) {
      return String.format(Locale.ROOT, "%.2e", value);
    }
    return new BigDecimal(value).setScale(decimals, RoundingMode.HALF_EVEN).toPlainString();
  }

  static String escapeHtml(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }

  private static String escapeMarkdown(String text) {
    return text.replace("\\", "\\\\")
        .replace("|", "\\|")
        .replace("*", "\\*")
        .replace("_", "\\_")
        .replace("<", "&lt;")
        .replace("\n", " ");
  }

  private static String escapeLatex(String text) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '\\' -> out.append("\\textbackslash{}");
                case '~' -> out.append("\\textasciitilde{}");
                case '^' -> out.append("\\textasciicircum{}");
                case '&', '%', '$', '#', '_', '{', '}' -> out.append('\\').appendCodePoint(c);
                case '–' -> out.append("--");
                case '∞' -> out.append("$\\infty$");
                case '−' -> out.append('-');
                default -> out.appendCodePoint(c);
              }
            });
    return out.toString();
  }
}
