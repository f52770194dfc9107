package org.optmerge.evaluation.kit;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.dhatim.fastexcel.Workbook;
import org.dhatim.fastexcel.Worksheet;
import org.optmerge.evaluation.Finding;
import org.optmerge.evaluation.Findings;
import org.optmerge.evaluation.InternalFields;
import org.optmerge.evaluation.Predicted;
import org.optmerge.evaluation.PredictionFileException;
import org.optmerge.metric.RecordedScore;
import org.optmerge.python.PythonLiteral;
import org.optmerge.python.Spreadsheet;

/**
 * Writes predictions as VLMEvalKit's tables. A question's text is the field {@code question}, which
 * VLMEvalKit needs for multiple choices.
 */
public final class PredictionWriter {
  private static final String SHEET = "Sheet1";

  private PredictionWriter() {}

  /**
   * A table that VLMEvalKit scores: {@code index}, the fields, {@code prediction} last; .xlsx, .tsv
   * or .csv by the file's name. Texts are written as texts, so that an answer {@code =1} is not a
   * formula.
   *
   * @param answerColumn {@code answers} for VizWiz, else {@code answer}
   * @return what could not be kept: answers longer than a spreadsheet cell
   * @throws PredictionFileException if the name has none of these endings
   */
  public static List<Finding> vlmEvalKit(Path file, List<Predicted> items, String answerColumn) {
    String name = file.toString().toLowerCase(Locale.ROOT);
    List<String> columns = columns(items, answerColumn);
    if (name.endsWith(".xlsx")) {
      return workbook(file, items, columns, answerColumn);
    }
    if (!name.endsWith(".tsv") && !name.endsWith(".csv")) {
      throw new PredictionFileException("%s: expected .xlsx, .tsv or .csv".formatted(file));
    }
    String delimiter = name.endsWith(".csv") ? "," : "\t";
    StringBuilder text = new StringBuilder(line(columns, delimiter));
    for (Predicted item : items) {
      text.append(
          line(
              columns.stream().map(column -> cell(item, column, answerColumn)).toList(),
              delimiter));
    }
    write(file, text.toString());
    return List.of();
  }

  private static List<String> columns(List<Predicted> items, String answerColumn) {
    Set<String> columns = new LinkedHashSet<>();
    columns.add("index");
    if (items.stream().anyMatch(item -> item.reference().fields().containsKey("question"))) {
      columns.add("question");
    }
    columns.add(answerColumn);
    items.forEach(item -> columns.addAll(item.reference().fields().keySet()));
    // They tell of one way of reading the file, and are no part of it.
    columns.removeAll(InternalFields.ALL);
    columns.remove(RecordedScore.FIELD);
    columns.remove("image");
    columns.remove("prediction");
    columns.add("prediction");
    return List.copyOf(columns);
  }

  private static String cell(Predicted item, String column, String answerColumn) {
    if (column.equals("index")) {
      return item.id();
    }
    if (column.equals("prediction")) {
      return item.reference().fields().getOrDefault(InternalFields.SAID, item.prediction().text());
    }
    if (item.reference().fields().containsKey(column)) {
      return item.field(column);
    }
    return column.equals(answerColumn) ? answers(item.reference().answers()) : "";
  }

  private static String answers(List<String> answers) {
    return answers.size() == 1 ? answers.get(0) : PythonLiteral.text(new ArrayList<>(answers));
  }

  private static List<Finding> workbook(
      Path file, List<Predicted> items, List<String> columns, String answerColumn) {
    Findings findings = new Findings();
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file));
        Workbook workbook = new Workbook(out, "optmerge", "1.0")) {
      Worksheet sheet = workbook.newWorksheet(SHEET);
      for (int c = 0; c < columns.size(); c++) {
        sheet.value(0, c, columns.get(c));
      }
      for (int r = 0; r < items.size(); r++) {
        for (int c = 0; c < columns.size(); c++) {
          String text = cell(items.get(r), columns.get(c), answerColumn);
          if (columns.get(c).equals("index") && text.matches("-?\\d{1,15}+")) {
            sheet.value(r + 1, c, Long.valueOf(text));
          } else if (!text.isEmpty()) {
            if (text.length() > Spreadsheet.LONGEST_TEXT) {
              findings.add(
                  "%s is longer than a cell of a spreadsheet, cut to %d characters"
                      .formatted(columns.get(c), Spreadsheet.LONGEST_TEXT),
                  items.get(r).id());
              text = text.substring(0, Spreadsheet.LONGEST_TEXT);
            }
            sheet.value(r + 1, c, text);
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return findings.list();
  }

  /** Every field in quotes, as VLMEvalKit writes tables. */
  private static String line(List<String> cells, String delimiter) {
    return cells.stream()
        .map(cell -> '"' + cell.replace("\"", "\"\"") + '"')
        .collect(Collectors.joining(delimiter, "", "\n"));
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
