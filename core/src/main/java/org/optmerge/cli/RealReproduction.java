package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.base.Percent;
import org.optmerge.evaluation.MergeSearch;
import org.optmerge.evaluation.published.RealStudy;
import org.optmerge.evaluation.published.RealTable;
import org.optmerge.manifest.DataFolder;
import org.optmerge.model.Precision;
import org.optmerge.report.Exhibit;
import org.optmerge.report.PaperTables;
import org.optmerge.report.PaperTables.PaperTable;
import picocli.CommandLine.Option;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/** {@code optmerge reproduce --real}: the paper's tables from published files. */
final class RealReproduction {
  /** The tables that can be made so. */
  static final String NAMES = "table2, table3, table4, table6, table10";

  /** What only {@code --real} has. */
  static final class Options {
    @Option(
        names = "--data",
        paramLabel = "DIR",
        description = "The folder of fetched data sets (default: as --models).")
    private @Nullable Path data;

    @Option(
        names = "--limit",
        paramLabel = "N",
        description = "Questions of each data set that judge (default: all but every tenth).")
    private @Nullable Long limit;

    @Option(
        names = "--validation-limit",
        paramLabel = "N",
        description = "Questions of each data set that choose λ (default: ${DEFAULT-VALUE}).")
    private long validation = 50;

    @Option(
        names = "--max-new-tokens",
        paramLabel = "N",
        description = "Cut answers off after N tokens (default: as the kits do).")
    private @Nullable Integer maxNewTokens;

    @Option(
        names = "--partial",
        description = "Take data sets whose files have fewer questions than their manifests say.")
    private boolean partial;

    @Option(
        names = "--precision",
        paramLabel = "NAME",
        completionCandidates = Names.Precisions.class,
        description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private String precision = Precision.AUTO.key();
  }

  private final ReproduceCommand command;
  private final Console console;
  private final Options options;
  private final @Nullable Path models;
  private final Path out;
  private final boolean anew;
  private final PaperTables paper = PaperTables.read();

  RealReproduction(
      ReproduceCommand command,
      Console console,
      Options options,
      @Nullable Path models,
      Path out,
      boolean anew) {
    this.command = command;
    this.console = console;
    this.options = options;
    this.models = models;
    this.out = out;
    this.anew = anew;
  }

  /** The exit code: that of a failure if some questions could not be asked. */
  int run(List<String> names) throws IOException {
    List<RealTable> tables = new ArrayList<>();
    for (String name : names) {
      tables.add(
          RealTable.find(name)
              .orElseThrow(
                  () ->
                      command.wrong(
                          "%s cannot be made from published files here; %s can"
                              .formatted(name, NAMES))));
    }
    if (options.limit != null && options.limit < 1 || options.validation < 1) {
      throw command.wrong("--limit and --validation-limit must be at least 1");
    }
    DataFolder checkpoints =
        models == null ? DataFolder.ofEnvironment(System.getenv()) : new DataFolder(models);
    DataFolder data = options.data == null ? checkpoints : new DataFolder(options.data);
    RealStudy.Settings settings =
        new RealStudy.Settings(
            options.limit == null ? Long.MAX_VALUE : options.limit,
            options.validation,
            options.maxNewTokens,
            Precision.named(options.precision),
            options.partial);
    List<String> text = new ArrayList<>();
    ObjectNode all = Json.object();
    int notAsked = 0;
    try (StatusLine status = console.asking(true)) {
      for (RealTable table : tables) {
        Path folder = out.resolve(table.table() + "-real");
        RealStudy study =
            new RealStudy(table, checkpoints, data, folder, anew, settings, new Shown(status));
        List<RealStudy.Row> rows = study.run();
        for (Exhibit exhibit : exhibits(table, study.columns(), rows)) {
          text.addAll(ReproduceCommand.text(exhibit));
          command.write(exhibit);
        }
        Json.put(all.putObject(table.table()), "rows", rows.stream().map(Json::tree).toList());
        notAsked +=
            rows.stream()
                .flatMap(row -> row.cells().values().stream())
                .mapToInt(RealStudy.Cell::notAsked)
                .sum();
      }
    }
    int missing = notAsked;
    if (missing > 0) {
      console.warning("%d questions could not be asked; they count as wrong".formatted(missing));
    }
    text.add(
        "λ was chosen on every tenth question; these scores are on %s others, the published ones on all. MathVista and"
                .formatted(options.limit == null ? "all" : "the first " + options.limit)
            + " MATH-Vision are lower bounds: no judge was asked.");
    console.result(() -> text, () -> all);
    return missing > 0 ? Main.FAILED : 0;
  }

  private List<Exhibit> exhibits(RealTable table, List<String> columns, List<RealStudy.Row> rows) {
    PaperTable published = paper.table(table.table());
    Table measured = Table.create(table.table() + ", measured");
    Table intervals = Table.create(table.table() + ", intervals");
    List<String> labels = rows.stream().map(RealStudy.Row::label).toList();
    measured.addColumns(
        StringColumn.create("model", labels),
        doubles("λ", rows.stream().map(RealStudy.Row::scaling).toList()));
    intervals.addColumns(StringColumn.create("model", labels));
    for (String column : columns) {
      measured.addColumns(
          doubles(column, rows.stream().map(row -> cell(row, column).percent()).toList()));
      intervals.addColumns(
          StringColumn.create(
              column,
              rows.stream()
                  .map(row -> cell(row, column))
                  .map(one -> Percent.range(one.lower() / 100, one.upper() / 100))
                  .toList()));
    }
    DoubleColumn means = doubles("mean", rows.stream().map(RealReproduction::mean).toList());
    measured.addColumns(means);
    intervals.addColumns(means.copy());
    return List.of(
        new Exhibit(
            table.table() + "-real",
            published.title() + ", made from published files",
            measured,
            published(published),
            List.of()),
        new Exhibit(
            table.table() + "-real-intervals",
            "95 % intervals of the mean scores",
            intervals,
            null,
            List.of()));
  }

  private static RealStudy.Cell cell(RealStudy.Row row, String column) {
    return Objects.requireNonNull(row.cells().get(column), column);
  }

  /** Of all columns, or there is none. */
  private static @Nullable Double mean(RealStudy.Row row) {
    double sum = 0;
    for (RealStudy.Cell one : row.cells().values()) {
      Double percent = one.percent();
      if (percent == null) {
        return null;
      }
      sum += percent;
    }
    return sum / row.cells().size();
  }

  private static DoubleColumn doubles(String name, List<? extends @Nullable Double> values) {
    DoubleColumn column = DoubleColumn.create(name);
    values.forEach(
        value -> {
          if (value == null) {
            column.appendMissing();
          } else {
            column.append(value);
          }
        });
    return column;
  }

  private static Table published(PaperTable paper) {
    Table table = Table.create(paper.name());
    table.addColumns(
        StringColumn.create("model", paper.rows().stream().map(PaperTables.Row::name).toList()));
    for (String column : paper.columns()) {
      table.addColumns(
          doubles(column, paper.rows().stream().map(row -> row.scores().get(column)).toList()));
    }
    if (paper.rows().stream().anyMatch(row -> row.average().isPresent())) {
      List<@Nullable Double> means = new ArrayList<>();
      paper
          .rows()
          .forEach(
              row -> {
                OptionalDouble mean = row.average();
                means.add(mean.isPresent() ? (Double) mean.getAsDouble() : null);
              });
      table.addColumns(doubles("mean", means));
    }
    return table;
  }

  /** Shows rows, λ and questions as they go by. */
  private static final class Shown implements RealStudy.Listener {
    private final StatusLine status;
    private String row = "";

    Shown(StatusLine status) {
      this.status = status;
    }

    @Override
    public void row(String label, int number, int rows) {
      row = "%d of %d: %s".formatted(number, rows, label);
    }

    @Override
    public IntConsumer asking(String what, long questions) {
      return new AskingProgress(status, row + ", " + what, questions);
    }

    @Override
    public void tried(String label, MergeSearch.Tried tried) {
      status.say(
          "%s, λ = %s: %s %%".formatted(label, tried.scaling(), Percent.of(tried.mean())),
          () -> {
            ObjectNode event = Console.event("tried");
            event.put("row", label);
            event.put("scaling", tried.scaling());
            event.put("mean", tried.mean());
            return event;
          });
    }

    @Override
    public void finding(String label, String words) {
      status.say(
          "%s: %s".formatted(label, words),
          () -> Console.event("finding").put("row", label).put("message", words));
    }
  }
}
