package org.optmerge.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.optmerge.analysis.TaskVectorStatistics;
import org.optmerge.cli.QuickstartCommand.Row;
import org.optmerge.report.Plots;
import org.optmerge.report.Tables;
import org.optmerge.report.Tables.Format;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/** The table and figures of {@code quickstart}. A class of its own: drawing takes long to load. */
final class QuickstartReport {
  private QuickstartReport() {}

  /** Writes them into a folder and returns the files. */
  static List<Path> write(Path folder, TaskVectorStatistics learned, List<Row> rows)
      throws IOException {
    Path table = folder.resolve("methods.md");
    Files.writeString(table, Tables.markdown(table(learned, rows), Format.DEFAULT));
    Path figure = folder.resolve("methods.png");
    Map<String, Double> least = new LinkedHashMap<>();
    for (Row row : rows) {
      if (!Double.isNaN(row.leastCosine())) {
        least.put(row.method(), row.leastCosine());
      }
    }
    Plots.savePng(
        Plots.methods("How much of every expert is left", "least cosine with an expert", least),
        figure);
    Path experts = folder.resolve("experts.png");
    Plots.savePng(Plots.beside(Plots.magnitudes(learned), Plots.cosines(learned)), experts);
    return List.of(table, figure, experts);
  }

  private static Table table(TaskVectorStatistics learned, List<Row> rows) {
    Table table =
        Table.create(
            "quickstart",
            StringColumn.create("method", rows.stream().map(Row::method)),
            IntColumn.create("experts", rows.stream().mapToInt(Row::experts).toArray()));
    for (int t = 0; t < learned.experts().size(); t++) {
      int expert = t;
      table.addColumns(
          DoubleColumn.create(
              "cosine with " + learned.experts().get(t),
              rows.stream().mapToDouble(row -> row.cosines().get(expert))));
    }
    return table.addColumns(DoubleColumn.create("length", rows.stream().mapToDouble(Row::length)));
  }
}
