package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.internal.chartpart.Chart;
import org.optmerge.evaluation.MiniFamily;
import org.optmerge.evaluation.MiniRow;
import org.optmerge.evaluation.MiniStudy;
import org.optmerge.evaluation.StageRow;
import org.optmerge.evaluation.StageStudy;
import org.optmerge.report.MiniFigures;
import org.optmerge.report.MiniReport;
import org.optmerge.report.MiniReports;
import org.optmerge.report.PaperTables;
import org.optmerge.report.Plots;
import org.optmerge.report.StageReports;
import org.optmerge.report.Tables;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tech.tablesaw.api.Table;

/** {@code optmerge reproduce}. */
@Command(
    name = "reproduce",
    description = {
      "Make the paper's tables and figures on the miniature, beside the published ones, and say what"
          + " agrees.",
      "Rows are kept as they are made: tables share them, and an interrupted run goes on."
    })
final class ReproduceCommand implements Callable<Integer> {
  /** What can be reproduced, in the paper's order. */
  static final List<String> NAMES =
      List.of(
          "table2",
          "table3",
          "table4",
          "table4-vicuna",
          "table5",
          "table6",
          "table8",
          "table9",
          "table10",
          "fig2",
          "fig3",
          "fig4",
          "appB1",
          "seeds");

  /** Those of modality merging. */
  private static final Set<String> MODALITIES = Set.of("table4-vicuna", "table5");

  /** For completion. */
  static final class Names implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return NAMES.iterator();
    }
  }

  @ParentCommand private Main main;
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..*",
      paramLabel = "NAME",
      completionCandidates = Names.class,
      description = "${COMPLETION-CANDIDATES} (default: table2).")
  private List<String> names = List.of("table2");

  @Option(
      names = "--models",
      paramLabel = "DIR",
      description =
          "A folder with the miniature's models, one folder each (default: the shipped ones).")
  private @Nullable Path models;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      description = "Where tables, figures and rows are written (default: ${DEFAULT-VALUE}).")
  private Path out = Path.of("reproduction");

  @Option(
      names = "--anew",
      description =
          "Make every row again. Otherwise recorded rows are taken where models, settings and"
              + " questions are the same.")
  private boolean anew;

  @Option(
      names = "--test-size",
      paramLabel = "N",
      description = "Test questions of each task (default: ${DEFAULT-VALUE}).")
  private int testSize = MiniStudy.Sizes.ALL.test();

  @Option(
      names = "--validation-size",
      paramLabel = "N",
      description = "Questions of each task that choose λ (default: ${DEFAULT-VALUE}).")
  private int validationSize = MiniStudy.Sizes.ALL.validation();

  private final PaperTables paper = PaperTables.read();

  @Override
  public Integer call() throws IOException {
    for (String name : names) {
      if (!NAMES.contains(name)) {
        throw new ParameterException(
            spec.commandLine(),
            "there is no '%s' to reproduce; there are %s".formatted(name, NAMES));
      }
    }
    if (testSize < 1) {
      throw new ParameterException(
          spec.commandLine(), "--test-size must be at least 1, is %d".formatted(testSize));
    }
    if (validationSize < 1) {
      throw new ParameterException(
          spec.commandLine(),
          "--validation-size must be at least 1, is %d".formatted(validationSize));
    }
    Path folder = MiniModels.folder(models, spec.commandLine());
    Console console = main.console();
    Files.createDirectories(out);
    ObjectNode all = Console.object();
    List<String> text = new ArrayList<>();
    List<Map<String, MiniRow>> seeds = MiniReports.recordedSeeds();
    Map<String, MiniRow> recorded = anew || seeds.isEmpty() ? Map.of() : seeds.get(0);
    int taken = 0;
    try (StatusLine status = console.status()) {
      for (String name : names) {
        if (MODALITIES.contains(name)) {
          MiniReport report = modalities(name, folder, status);
          text.addAll(text(report));
          all.set(report.name(), json(report));
          write(report);
          continue;
        }
        if (name.equals("table9")) {
          text.addAll(table9(all));
        }
        MiniStudy study =
            new MiniStudy(
                out.resolve("rows.json"),
                recorded,
                new MiniStudy.Sizes(validationSize, testSize),
                new MiniProgress(status, name + ", "));
        List<MiniReport> reports =
            name.equals("seeds")
                ? List.of(MiniReports.seeds(MiniFamily.of("full", folder), seeds, paper))
                : reports(name, study, folder);
        for (MiniReport report : reports) {
          text.addAll(text(report));
          all.set(report.name(), json(report));
          write(report);
        }
        for (Map.Entry<String, Chart<?, ?>> chart : figures(name, study, folder).entrySet()) {
          Path file = out.resolve(chart.getKey() + ".png");
          Plots.savePng(chart.getValue(), file);
          Plots.saveSvg(chart.getValue(), out.resolve(chart.getKey() + ".svg"));
          text.add(file.toString());
          all.put(chart.getKey(), file.toString());
        }
        taken += study.taken();
      }
    }
    if (taken > 0) {
      console.notice(
          "%,d rows are as recorded in %s for these models and settings; --anew makes them again"
              .formatted(taken, MiniReports.RECORDED));
    }
    console.result(() -> text, () -> all);
    return 0;
  }

  /** Modality merging: rows are as recorded for the shipped models, or made here. */
  private MiniReport modalities(String name, Path folder, StatusLine status) {
    List<List<StageRow>> seeds = StageReports.recordedSeeds();
    Path file = out.resolve("modality-rows.json");
    List<StageRow> rows;
    if (!anew && models == null && !seeds.isEmpty()) {
      rows = seeds.get(0);
    } else if (!anew && Files.exists(file)) {
      rows = StageRow.read(file);
    } else {
      try (StageStudy study =
          new StageStudy(
              folder,
              StageStudy.VALIDATION,
              StageStudy.TEST,
              what ->
                  status.show(
                      () -> name + ", " + what,
                      () -> {
                        ObjectNode event = Console.event("progress");
                        event.put("name", name);
                        event.put("at", what);
                        return event;
                      }))) {
        rows = study.rows();
      }
      StageRow.write(file, rows);
    }
    return name.equals("table5")
        ? StageReports.table5(rows, paper)
        : StageReports.table4(rows, paper);
  }

  private List<MiniReport> reports(String name, MiniStudy study, Path folder) {
    MiniFamily full = MiniFamily.of("full", folder);
    MiniFamily lora = MiniFamily.of("lora", folder);
    MiniFamily instruct = MiniFamily.of("instruct", folder);
    return switch (name) {
      case "table2" ->
          List.of(
              MiniReports.capabilities(study, full, null, paper),
              MiniReports.capabilities(study, instruct, paper.table("table2"), paper));
      case "table3" -> List.of(MiniReports.capabilities(study, lora, paper.table("table3"), paper));
      case "table4" -> List.of(MiniReports.table4(study, lora, paper));
      case "table6" -> List.of(MiniReports.table6(study, full, lora, paper));
      case "table8" -> List.of(MiniReports.table8(study, full, paper));
      case "table10" -> List.of(MiniReports.table10(study, full, paper));
      case "appB1" -> List.of(MiniReports.steps(study, full, folder, List.of(15, 45, 120)));
      default -> List.of();
    };
  }

  /** The families whose capability merging a table shows. */
  private static List<String> capabilities(String name) {
    return switch (name) {
      case "table2" -> List.of("full", "instruct");
      case "table3" -> List.of("lora");
      default -> List.of();
    };
  }

  private static Map<String, Chart<?, ?>> figures(String name, MiniStudy study, Path folder) {
    Map<String, Chart<?, ?>> figures = new LinkedHashMap<>();
    for (String family : capabilities(name)) {
      MiniFamily of = MiniFamily.of(family, folder);
      List<MiniRow> rows = study.rows(MiniReports.rows(of));
      figures.put("capabilities-" + family + "-means", MiniFigures.means(of.title(), rows));
      figures.put(
          "capabilities-" + family + "-accuracies", MiniFigures.accuracies(of.title(), rows));
      figures.put("capabilities-" + family + "-scalings", MiniFigures.scalings(of.title(), rows));
    }
    for (String family : List.of("full", "lora")) {
      MiniFamily of = MiniFamily.of(family, folder);
      Map<String, Chart<?, ?>> charts =
          switch (name) {
            case "fig2" -> MiniFigures.figure2(of);
            case "fig3", "fig4" -> MiniFigures.figures3And4(of);
            default -> Map.of();
          };
      charts.forEach(
          (what, chart) -> {
            // Figure 3 shows the norm, figure 4 the loss.
            boolean wanted =
                name.equals("fig2") || what.equals(name.equals("fig3") ? "norm" : "loss");
            if (wanted) {
              figures.put("%s-%s-%s".formatted(name, family, what), chart);
            }
          });
    }
    return figures;
  }

  /** A larger model of the same kind has no counterpart here. */
  private List<String> table9(ObjectNode all) {
    PaperTables.PaperTable published = paper.table("table9");
    String why =
        "table9, merging at 32 billion parameters, has no miniature counterpart: the miniature has"
            + " models of one size. As published:";
    all.put("table9", why);
    List<String> lines = new ArrayList<>(List.of(why));
    published
        .rows()
        .forEach(
            row ->
                lines.add(
                    "  %-28s %s"
                        .formatted(
                            row.name(),
                            row.average().isPresent() ? row.average().getAsDouble() : "")));
    return lines;
  }

  private static final Tables.Format FORMAT = Tables.Format.DEFAULT.decimals(1).largest("mean");

  private static List<String> text(MiniReport report) {
    List<String> lines = new ArrayList<>();
    lines.add(report.title());
    lines.addAll(Tables.text(report.miniature(), FORMAT).lines().toList());
    report.findings().forEach(finding -> lines.add("  " + finding));
    Table published = report.published();
    if (published != null) {
      lines.add("");
      lines.add("As published, " + published.name());
      lines.addAll(Tables.text(published, Tables.Format.DEFAULT.decimals(2)).lines().toList());
    }
    lines.add("");
    return lines;
  }

  private void write(MiniReport report) throws IOException {
    Files.writeString(out.resolve(report.name() + ".md"), markdown(report));
    Files.writeString(
        out.resolve(report.name() + ".tex"), Tables.latex(report.miniature(), FORMAT));
    report.miniature().write().csv(out.resolve(report.name() + ".csv").toFile());
  }

  private static String markdown(MiniReport report) {
    StringBuilder text = new StringBuilder("# %s%n%n".formatted(report.title()));
    text.append(Tables.markdown(report.miniature(), FORMAT)).append("\n\n");
    report.findings().forEach(finding -> text.append("- ").append(finding).append('\n'));
    Table published = report.published();
    if (published != null) {
      text.append("\n## As published, %s%n%n".formatted(published.name()));
      text.append(Tables.markdown(published, Tables.Format.DEFAULT.decimals(2))).append('\n');
    }
    return text.toString();
  }

  private static ObjectNode json(MiniReport report) {
    ObjectNode node = Console.object();
    node.put("title", report.title());
    var findings = node.putArray("findings");
    report
        .findings()
        .forEach(
            finding -> {
              ObjectNode one = findings.addObject();
              one.put("statement", finding.statement());
              one.put("holds", finding.holds());
              one.put("figures", finding.figures());
            });
    return node;
  }
}
