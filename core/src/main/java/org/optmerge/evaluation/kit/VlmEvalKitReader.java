package org.optmerge.evaluation.kit;

import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.optmerge.evaluation.FileFormat;
import org.optmerge.evaluation.InternalFields;
import org.optmerge.evaluation.JsonTexts;
import org.optmerge.evaluation.PredictionFileException;
import org.optmerge.evaluation.Predictions;
import org.optmerge.evaluation.Protocol;
import org.optmerge.evaluation.Protocol.Report;
import org.optmerge.metric.JudgedMetric;
import org.optmerge.metric.Metric;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.RecordedScore;
import org.optmerge.metric.Reference;
import org.optmerge.metric.ScoringProfile;
import org.optmerge.python.Cell;
import org.optmerge.python.PandasColumn;
import org.optmerge.python.PandasTable;
import org.optmerge.python.PythonText;
import org.optmerge.python.Spreadsheet;

/**
 * Reads VLMEvalKit's tables: predictions, a judge's extractions ({@code res}, {@code log}) and a
 * judge's verdicts ({@code hit}, {@code log}).
 */
final class VlmEvalKitReader {
  private static final String FETCHED = "Prefetch succeed";
  private static final String LOWER_BOUND =
      "no judge's extraction in the file; counts as wrong where one is needed, so the score is a"
          + " lower bound";
  private static final String OTHER_ANSWER =
      "the data set has another answer than the prediction file; that of the %s counts, as in"
          + " VLMEvalKit";

  private final Request request;
  private final Protocol protocol;
  private final boolean choice;
  private final Reading reading;
  private final PandasTable table;
  private final VlmEvalKitBoxes boxes;
  private final @Nullable VlmEvalKitDataSet dataSet;
  private final FileFormat format;

  VlmEvalKitReader(Request request) {
    this(
        request,
        PandasTable.raw(request.file(), name -> !name.equals("image")),
        PandasColumn.DEFAULT::infer);
  }

  /**
   * A reader of cells.
   *
   * @param types gives the cells of a column their types
   */
  VlmEvalKitReader(Request request, PandasTable.Raw raw, UnaryOperator<List<Cell>> types) {
    this.request = request;
    this.protocol = request.protocol();
    this.choice = protocol.report() == Report.CHOICE;
    if (!raw.header().contains("prediction")) {
      throw missing(request.file(), "prediction", raw.header());
    }
    List<Integer> notes = notes(raw);
    List<List<Cell>> rows = new ArrayList<>(raw.rows());
    notes.stream().sorted((a, b) -> b - a).forEach(row -> rows.remove(row.intValue()));
    this.table = new PandasTable.Raw(raw.header(), rows).typed(types);
    this.boxes = new VlmEvalKitBoxes(table);
    this.format = format();
    this.reading = new Reading(request, format);
    notes.forEach(
        row ->
            reading.findings.add(
                "a row with neither index, answer nor prediction, left out: a note?",
                "row " + (row + 2)));
    Path answers = request.answers();
    this.dataSet = answers == null ? null : VlmEvalKitDataSet.of(answers, protocol);
  }

  /** Rows that hold no question: what people write below or between. */
  private List<Integer> notes(PandasTable.Raw raw) {
    List<Integer> notes = new ArrayList<>();
    for (int r = 0; r < raw.rows().size(); r++) {
      boolean empty = true;
      for (String column : List.of("index", "prediction", protocol.answerColumn(), "question")) {
        Cell cell = raw.cell(r, column);
        empty &= cell.missing() || cell.text().isEmpty();
      }
      if (empty) {
        notes.add(r);
      }
    }
    return notes;
  }

  private FileFormat format() {
    boolean logged = table.has("log");
    boolean math = protocol == Protocol.MATHVISTA || protocol == Protocol.MATHVISION;
    if (logged && table.has("res") && math) {
      return FileFormat.VLMEVALKIT_JUDGED;
    }
    return logged && table.has("hit") && choice
        ? FileFormat.VLMEVALKIT_VERDICTS
        : FileFormat.VLMEVALKIT;
  }

  Predictions read() {
    Metric metric = protocol.metric(request.profile(), format);
    List<Row> rows = new ArrayList<>();
    List<Cell> ids = table.column("index");
    for (int r = 0; r < table.rows(); r++) {
      rows.add(row(table.has("index") ? id(ids.get(r)) : String.valueOf(r), r));
    }
    if (!table.has("index")) {
      reading.findings.add(
          "there is no column index; rows are numbered from 0", request.file().toString());
    }
    switch (format) {
      case VLMEVALKIT_JUDGED -> extracted(rows, table.column("res"), fetched());
      case VLMEVALKIT_VERDICTS -> verdicts(rows);
      default -> {
        if (metric instanceof JudgedMetric judged) {
          prefetched(rows, judged);
        }
      }
    }
    rows.forEach(row -> reading.add(row.id, row.type(), row.prediction, row.reference()));
    if (dataSet != null) {
      dataSet.unanswered(reading);
    }
    return reading.done();
  }

  /** A row as it is read: its prediction may be replaced by what was extracted of it. */
  private static final class Row {
    private final String id;
    private final Map<String, String> fields;
    private final List<String> answers;
    private Prediction prediction;

    Row(String id, Map<String, String> fields, List<String> answers, Prediction prediction) {
      this.id = id;
      this.fields = fields;
      this.answers = answers;
      this.prediction = prediction;
    }

    String type() {
      return VlmEvalKitReader.type(fields);
    }

    Reference reference() {
      return new Reference(answers, fields);
    }
  }

  private Row row(String id, int r) {
    reading.duplicate(id, id);
    Map<String, String> fields = fields(r);
    List<String> answers = answers(id, r, fields);
    return new Row(id, fields, answers, prediction(id, r));
  }

  private Prediction prediction(String id, int r) {
    Cell cell = table.column("prediction").get(r);
    if (cell.missing()) {
      reading.findings.add(Predictions.MISSING, id);
    }
    if (cell.kind() != Cell.Kind.TEXT) {
      return Prediction.of(cell);
    }
    if (cell.text().length() == Spreadsheet.LONGEST_TEXT
        && request.file().toString().toLowerCase(Locale.ROOT).endsWith(".xlsx")) {
      reading.findings.add(
          "an answer of exactly %d characters, the most that a cell holds: it was cut by the"
                  .formatted(Spreadsheet.LONGEST_TEXT)
              + " spreadsheet; PRED_FORMAT=tsv keeps it",
          id);
    }
    return new Prediction(reading.cut(cell.text(), id));
  }

  /** The reference of a row: of multiple choices that of the data set, of others the file's own. */
  private List<String> answers(String id, int r, Map<String, String> fields) {
    if (dataSet != null && !dataSet.answered(id)) {
      reading.findings.add(Reading.UNKNOWN, id);
      fields.put(InternalFields.WRONG, "unknown id");
      return List.of();
    }
    if (protocol.report() == Report.GROUNDING) {
      if (dataSet != null) {
        dataSet.fill(id, fields);
      }
      return List.of();
    }
    String column = protocol.answerColumn();
    Cell own = hasAnswers(table, column) ? table.column(column).get(r) : null;
    Cell published = dataSet == null ? null : dataSet.answer(id);
    if (dataSet != null) {
      dataSet.fill(id, fields);
    }
    if (own == null && published == null) {
      if (!table.has(column)) {
        throw new PredictionFileException(
            "%s: has no column '%s'; its columns are %s. Is it a test split, whose answers are not"
                    .formatted(request.file(), column, table.columns().keySet())
                + " published? Else name the data set's .tsv with --answers");
      }
      return List.of();
    }
    if (own != null && published != null && !own.text().equals(published.text())) {
      reading.findings.add(OTHER_ANSWER.formatted(choice ? "data set" : "prediction file"), id);
    }
    Cell answer = own == null || (choice && published != null) ? published : own;
    return answer == null
        ? List.of()
        : protocol.report() == Report.PERCENT
            ? Reference.ofCell(answer.text()).answers()
            : List.of(answer.text());
  }

  /** A column without any value is as good as none: the test split of a data set. */
  static boolean hasAnswers(PandasTable table, String column) {
    return table.has(column) && !table.column(column).stream().allMatch(Cell::missing);
  }

  private List<Boolean> fetched() {
    return table.column("log").stream().map(log -> log.text().equals(FETCHED)).toList();
  }

  /** With what a judge extracted in place of what was said. */
  private static void extracted(List<Row> rows, List<Cell> extracted, List<Boolean> fetched) {
    for (int r = 0; r < rows.size(); r++) {
      Row row = rows.get(r);
      row.fields.put(InternalFields.SAID, row.prediction.text());
      row.fields.put(InternalFields.PREFETCHED, String.valueOf(fetched.get(r)));
      row.prediction = Prediction.of(extracted.get(r));
    }
  }

  /** With what needs no judge, written to a table and read again as the official code does. */
  private void prefetched(List<Row> rows, JudgedMetric metric) {
    boolean formulas = request.profile() != ScoringProfile.VLMEVALKIT_LATEST;
    List<Cell> written = new ArrayList<>();
    List<Boolean> fetched = new ArrayList<>();
    for (Row row : rows) {
      boolean comparable = metric.lacking(row.reference()).isEmpty();
      Prediction found =
          comparable ? metric.prefetch(row.prediction, row.reference()).orElse(null) : null;
      fetched.add(found != null);
      written.add(found == null ? Cell.MISSING : written(found, formulas));
      if (comparable && found == null) {
        reading.findings.add(LOWER_BOUND, row.id);
      }
    }
    extracted(rows, PandasColumn.DEFAULT.infer(written), fetched);
  }

  private static Cell written(Prediction found, boolean formulas) {
    Double number = found.number();
    if (number == null) {
      return Spreadsheet.written(found.text(), formulas);
    }
    return number == Math.rint(number) && Math.abs(number) < 0x1p63
        ? Cell.whole(BigInteger.valueOf(number.longValue()))
        : Cell.real(number);
  }

  private void verdicts(List<Row> rows) {
    List<Cell> hits = table.column("hit");
    for (int r = 0; r < rows.size(); r++) {
      Row row = rows.get(r);
      row.fields.remove("hit");
      switch (hits.get(r).text()) {
        case "1", "1.0", "True" -> row.fields.put(RecordedScore.FIELD, "1.0");
        case "0", "0.0", "False" -> row.fields.put(RecordedScore.FIELD, "0.0");
        case "nan" -> reading.findings.add("no verdict in column hit, counts as wrong", row.id);
        default ->
            throw new PredictionFileException(
                "%s: index %s: column 'hit' of a VLMEvalKit table must be 0 or 1, is %s"
                    .formatted(request.file(), row.id, hits.get(r).text()));
      }
    }
  }

  private Map<String, String> fields(int row) {
    Map<String, String> fields = new LinkedHashMap<>();
    table
        .columns()
        .forEach(
            (name, cells) -> {
              if (!name.equals("prediction")
                  && !name.startsWith("Unnamed: ")
                  && !cells.get(row).missing()) {
                fields.put(name, cells.get(row).text());
              }
            });
    if (protocol.report() == Report.GROUNDING) {
      boxes.reference(row, fields);
    }
    return fields;
  }

  static String type(Map<String, String> fields) {
    for (String name : List.of("split", "category", "task")) {
      if (fields.containsKey(name)) {
        return fields.get(name);
      }
    }
    return "";
  }

  /** Numbers are equal as numbers, since one empty index makes floats of a column. */
  static String id(Cell cell) {
    return switch (cell.kind()) {
      case WHOLE -> cell.text();
      case REAL -> JsonTexts.id(PythonText.parseFloat(cell.text()).orElseThrow());
      case TEXT, TRUTH, MISSING -> cell.text();
    };
  }

  static PredictionFileException missing(Path file, String column, Iterable<String> there) {
    return new PredictionFileException(
        "%s: has no column '%s'; its columns are %s".formatted(file, column, there));
  }
}
