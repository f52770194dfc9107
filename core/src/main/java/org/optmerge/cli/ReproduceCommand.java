package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.internal.chartpart.Chart;
import org.optmerge.base.Json;
import org.optmerge.evaluation.AnswerSheet;
import org.optmerge.evaluation.Examination;
import org.optmerge.evaluation.ModelFamily;
import org.optmerge.evaluation.Study;
import org.optmerge.report.CapabilityExhibits;
import org.optmerge.report.Exhibit;
import org.optmerge.report.ModalityExhibits;
import org.optmerge.report.PaperFigures;
import org.optmerge.report.PaperTables;
import org.optmerge.report.Plots;
import org.optmerge.report.Tables;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tech.tablesaw.api.Table;

/** {@code optmerge reproduce}. */
@Command(
    name = "reproduce",
    description = {
      "Make the paper's tables and figures on the miniature, beside the published ones, and say what"
          + " agrees.",
      "Rows are kept as they are made: tables share them, and an interrupted run goes on."
    })
final class ReproduceCommand extends Subcommand {
  /** The tables and figures that can be reproduced, in the paper's order. */
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

  /** All of them, for commands. */
  static final String ALL = "all";

  /** Those of modality merging. */
  private static final Set<String> MODALITIES = Set.of("table4-vicuna", "table5");

  @Parameters(
      arity = "0..*",
      paramLabel = "NAME",
      completionCandidates = Names.Reproductions.class,
      description = "${COMPLETION-CANDIDATES} (default: table2); 'all' is everything.")
  private List<String> names = List.of("table2");

  @Option(
      names = "--models",
      paramLabel = "DIR",
      description =
          "A folder with the miniature's models, one folder each (default: the shipped ones); with"
              + " --real that of fetched checkpoints (default: $OPTMERGE_DATA, else ~/.cache/optmerge).")
  private @Nullable Path models;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      description = "Where tables, figures and rows are written (default: ${DEFAULT-VALUE}).")
  private Path out = Path.of("reproduction");

  @Option(
      names = "--real",
      description =
          "Make the table from published checkpoints and data sets instead, fetched before: "
              + RealReproduction.NAMES
              + ".")
  private boolean real;

  @ArgGroup(exclusive = false, heading = "Of --real:%n")
  private RealReproduction.Options realOptions = new RealReproduction.Options();

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
  private int testSize = Examination.TEST;

  @Option(
      names = "--validation-size",
      paramLabel = "N",
      description = "Questions of each task that choose λ (default: ${DEFAULT-VALUE}).")
  private int validationSize = Examination.VALIDATION;

  private final PaperTables paper = PaperTables.read();

  @Override
  public Integer call() throws IOException {
    if (names.contains(ALL)) {
      names = NAMES;
    }
    for (String name : names) {
      if (!NAMES.contains(name)) {
        throw wrong("there is no '%s' to reproduce; there are %s".formatted(name, NAMES));
      }
    }
    if (real) {
      return new RealReproduction(this, main.console(), realOptions, models, out, anew).run(names);
    }
    requirePositive("--test-size", testSize);
    requirePositive("--validation-size", validationSize);
    Path folder = ShippedModels.folder(models, spec.commandLine());
    Console console = main.console();
    Files.createDirectories(out);
    ObjectNode all = Json.object();
    List<String> text = new ArrayList<>();
    List<Map<String, AnswerSheet>> seeds = CapabilityExhibits.recordedSeeds();
    int taken = 0;
    try (StatusLine status = console.asking(true)) {
      for (String name : names) {
        Study study = study(name, seeds, status);
        for (Exhibit exhibit : exhibits(name, study, folder, seeds)) {
          text.addAll(text(exhibit));
          all.set(exhibit.name(), json(exhibit));
          write(exhibit);
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
          String.format(
              Locale.ROOT,
              "%,d rows are as recorded in %s for these models and settings; --anew makes them again",
              taken,
              MODALITIES.containsAll(names)
                  ? ModalityExhibits.RECORDED
                  : CapabilityExhibits.RECORDED));
    }
    console.result(() -> text, () -> all);
    return 0;
  }

  /** Rows that are known here or recorded are used again where they still hold. */
  private Study study(String name, List<Map<String, AnswerSheet>> seeds, StatusLine status) {
    boolean modalities = MODALITIES.contains(name);
    List<Map<String, AnswerSheet>> recorded = modalities ? ModalityExhibits.recordedSeeds() : seeds;
    return new Study(
        out.resolve(modalities ? "modality-rows.json" : "rows.json"),
        anew || recorded.isEmpty() ? Map.of() : recorded.get(0),
        modalities
            ? Examination.modalities(Examination.MODALITY_VALIDATION, Examination.MODALITY_TEST)
            : Examination.capabilities(validationSize, testSize),
        new StudyProgress(status, name + ", "));
  }

  private List<Exhibit> exhibits(
      String name, Study study, Path folder, List<Map<String, AnswerSheet>> seeds) {
    ModelFamily full = ModelFamily.of("full", folder);
    ModelFamily lora = ModelFamily.of("lora", folder);
    ModelFamily instruct = ModelFamily.of("instruct", folder);
    ModelFamily modality = ModelFamily.of(ModelFamily.MODALITY, folder);
    return switch (name) {
      case "table2" ->
          List.of(
              CapabilityExhibits.capabilities(study, full, null, paper),
              CapabilityExhibits.capabilities(study, instruct, paper.table("table2"), paper));
      case "table3" ->
          List.of(CapabilityExhibits.capabilities(study, lora, paper.table("table3"), paper));
      case "table4" -> List.of(CapabilityExhibits.table4(study, lora, paper));
      case "table4-vicuna" -> List.of(ModalityExhibits.table4(study, modality, paper));
      case "table5" -> List.of(ModalityExhibits.table5(study, modality, paper));
      case "table6" -> List.of(CapabilityExhibits.table6(study, ModelFamily.of("independent", folder), paper));
      case "table8" -> List.of(CapabilityExhibits.table8(study, full, paper));
      case "table10" -> List.of(CapabilityExhibits.table10(study, full, paper));
      case "table9" ->
          List.of(CapabilityExhibits.table9(study, ModelFamily.of("large", folder), paper));
      case "appB1" -> List.of(CapabilityExhibits.steps(study, full, folder));
      case "seeds" -> {
        List<Exhibit> exhibits = new ArrayList<>();
        for (String family : ModelFamily.NAMES) {
          ModelFamily of = ModelFamily.of(family, folder);
          if (CapabilityExhibits.inEverySeed(of, seeds)) {
            exhibits.add(CapabilityExhibits.seeds(of, seeds, paper));
            if (family.equals("full")) {
              exhibits.add(CapabilityExhibits.table10(of, seeds, paper));
            }
          }
        }
        List<Map<String, AnswerSheet>> modalitySeeds = ModalityExhibits.recordedSeeds();
        if (modalitySeeds.size() > 1) {
          exhibits.add(ModalityExhibits.seeds(modality, modalitySeeds));
        }
        yield exhibits;
      }
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

  private static Map<String, Chart<?, ?>> figures(String name, Study study, Path folder) {
    Map<String, Chart<?, ?>> figures = new LinkedHashMap<>();
    for (String family : capabilities(name)) {
      ModelFamily of = ModelFamily.of(family, folder);
      List<AnswerSheet> rows = study.rows(CapabilityExhibits.rows(of));
      figures.put("capabilities-" + family + "-means", PaperFigures.means(of.title(), rows));
      figures.put(
          "capabilities-" + family + "-accuracies", PaperFigures.accuracies(of.title(), rows));
      figures.put("capabilities-" + family + "-scalings", PaperFigures.scalings(of.title(), rows));
    }
    for (String family : List.of("full", "lora")) {
      ModelFamily of = ModelFamily.of(family, folder);
      Map<String, Chart<?, ?>> charts =
          switch (name) {
            case "fig2" -> PaperFigures.figure2(of);
            case "fig3", "fig4" -> PaperFigures.figures3And4(of);
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

  private static final Tables.Format FORMAT = Tables.Format.DEFAULT.decimals(1).largest("mean");

  static List<String> text(Exhibit exhibit) {
    List<String> lines = new ArrayList<>();
    lines.add(exhibit.title());
    lines.addAll(Tables.text(exhibit.measured(), FORMAT).lines().toList());
    exhibit.findings().forEach(finding -> lines.add("  " + finding));
    Table published = exhibit.published();
    if (published != null) {
      lines.add("");
      lines.add("As published, " + published.name());
      lines.addAll(Tables.text(published, Tables.Format.DEFAULT.decimals(2)).lines().toList());
    }
    lines.add("");
    return lines;
  }

  void write(Exhibit exhibit) throws IOException {
    Files.createDirectories(out);
    Files.writeString(out.resolve(exhibit.name() + ".md"), markdown(exhibit));
    Files.writeString(
        out.resolve(exhibit.name() + ".tex"), Tables.latex(exhibit.measured(), FORMAT));
    exhibit.measured().write().csv(out.resolve(exhibit.name() + ".csv").toFile());
  }

  private static String markdown(Exhibit exhibit) {
    StringBuilder text = new StringBuilder("# %s%n%n".formatted(exhibit.title()));
    text.append(Tables.markdown(exhibit.measured(), FORMAT)).append("\n\n");
    exhibit.findings().forEach(finding -> text.append("- ").append(finding).append('\n'));
    Table published = exhibit.published();
    if (published != null) {
      text.append("\n## As published, %s%n%n".formatted(published.name()));
      text.append(Tables.markdown(published, Tables.Format.DEFAULT.decimals(2))).append('\n');
    }
    return text.toString();
  }

  private static ObjectNode json(Exhibit exhibit) {
    ObjectNode node = Json.object();
    node.put("title", exhibit.title());
    Json.put(node, "findings", exhibit.findings());
    return node;
  }
}
