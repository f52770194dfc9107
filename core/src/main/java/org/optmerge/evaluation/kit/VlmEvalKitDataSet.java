package org.optmerge.evaluation.kit;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.evaluation.PredictionFileException;
import org.optmerge.evaluation.Protocol;
import org.optmerge.evaluation.Protocol.Report;
import org.optmerge.metric.Reference;
import org.optmerge.python.Cell;
import org.optmerge.python.PandasColumn;
import org.optmerge.python.PandasTable;

/** The data set's own table, without its pictures. */
final class VlmEvalKitDataSet {
  private static final String PICTURE = "image";

  private final PandasTable table;
  private final Protocol protocol;
  private final VlmEvalKitBoxes boxes;
  private final Map<String, Integer> rows = new LinkedHashMap<>();
  private final Map<String, Integer> aliases = new LinkedHashMap<>();
  private final Set<Integer> answered = new HashSet<>();

  private VlmEvalKitDataSet(PandasTable table, Protocol protocol) {
    this.table = table;
    this.protocol = protocol;
    this.boxes = new VlmEvalKitBoxes(table);
  }

  static VlmEvalKitDataSet of(Path file, Protocol protocol) {
    String name = file.toString().toLowerCase(Locale.ROOT);
    if (!name.endsWith(".tsv") && !name.endsWith(".csv") && !name.endsWith(".xlsx")) {
      throw new PredictionFileException(
          "%s: of VLMEvalKit tables, the answers are those of the data set's .tsv".formatted(file));
    }
    PandasTable table =
        PandasTable.raw(file, column -> !column.equals(PICTURE)).typed(PandasColumn.DEFAULT::infer);
    if (!table.has("index")) {
      throw VlmEvalKitReader.missing(file, "index", table.columns().keySet());
    }
    VlmEvalKitDataSet dataSet = new VlmEvalKitDataSet(table, protocol);
    for (int r = 0; r < table.rows(); r++) {
      String id = VlmEvalKitReader.id(table.column("index").get(r));
      dataSet.rows.put(id, r);
      // Where splits share one file, VLMEvalKit puts the split before the index.
      dataSet.aliases.put(table.column("split").get(r).text() + "_" + id, r);
    }
    return dataSet;
  }

  private @Nullable Integer find(String id) {
    Integer row = rows.get(id);
    return row == null ? aliases.get(id) : row;
  }

  /** The accepted answers of a question; none if they are not published. */
  List<String> answers(String id) {
    Cell answer = answer(id);
    return answer == null
        ? List.of()
        : protocol.report() == Report.PERCENT
            ? Reference.ofCell(answer.text()).answers()
            : List.of(answer.text());
  }

  /** Notes that a question was answered; false if the data set does not have it. */
  boolean answered(String id) {
    Integer row = find(id);
    if (row != null) {
      answered.add(row);
    }
    return row != null;
  }

  @Nullable Cell answer(String id) {
    Integer row = find(id);
    return row == null || !VlmEvalKitReader.hasAnswers(table, protocol.answerColumn())
        ? null
        : table.column(protocol.answerColumn()).get(row);
  }

  /** What the prediction file leaves out; of boxes everything, as VLMEvalKit does. */
  void fill(String id, Map<String, String> fields) {
    Integer row = find(id);
    if (row == null) {
      return;
    }
    boolean grounding = protocol.report() == Report.GROUNDING;
    table
        .columns()
        .forEach(
            (name, cells) -> {
              Cell cell = cells.get(row);
              if (!cell.missing()
                  && !name.equals(protocol.answerColumn())
                  && !name.equals("index")) {
                if (grounding) {
                  fields.put(name, cell.text());
                } else {
                  fields.putIfAbsent(name, cell.text());
                }
              }
            });
    if (grounding) {
      boxes.reference(row, fields);
    }
  }

  void unanswered(Reading reading) {
    rows.forEach(
        (id, row) -> {
          if (!answered.contains(row)) {
            Map<String, String> fields = new LinkedHashMap<>();
            fill(id, fields);
            reading.unanswered(id, VlmEvalKitReader.type(fields), new Reference(List.of(), fields));
          }
        });
  }
}
