package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Json;
import org.optmerge.base.Percent;
import org.optmerge.base.TextTable;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Evaluation;
import org.optmerge.evaluation.EvaluationJson;
import org.optmerge.evaluation.Explanation;
import org.optmerge.evaluation.Finding;
import org.optmerge.evaluation.OfficialTable;
import org.optmerge.evaluation.Predicted;
import org.optmerge.evaluation.Predictions;
import org.optmerge.evaluation.Protocol;
import org.optmerge.evaluation.Score;
import org.optmerge.evaluation.kit.PredictionWriter;
import org.optmerge.evaluation.published.AnswerCount;
import org.optmerge.report.ScoreTables;
import org.optmerge.report.Tables;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code optmerge score}. */
@Command(
    name = "score",
    description =
        "Score a prediction file of ours, VLMEvalKit, lmms-eval, InternVL or ModelCompose as the"
            + " official tool does, with 95 %% intervals.")
final class ScoreCommand extends Subcommand {
  private static final int SHOWN = 60;

  @Parameters(
      arity = "0..2",
      paramLabel = "FILE",
      description =
          "The predictions: .jsonl, .xlsx, .tsv, .csv or .json. After --json a second file may"
              + " stand, to write the result to: --json OUT.")
  private @Nullable List<Path> files;

  @Option(
      names = "--benchmark",
      paramLabel = "NAME",
      completionCandidates = Names.DataSets.class,
      description = "The data set: ${COMPLETION-CANDIDATES}, or a kit's name such as ChartQA_TEST.")
  private @Nullable String benchmark;

  @Option(
      names = "--rules",
      description =
          "Print which rule scores which file of which data set, as core/SCORING.md has it.")
  private boolean rules;

  @Mixin private ScoringOptions scoring;

  @Option(
      names = "--explain",
      paramLabel = "ID",
      description = "Print step by step how this example was scored.")
  private @Nullable String explain;

  @Option(names = "--errors", paramLabel = "N", description = "List the N worst answers.")
  private int errors;

  @Option(
      names = "--format",
      paramLabel = "F",
      description =
          "How tables are printed: ${COMPLETION-CANDIDATES}; csv is the official tool's own table.")
  private Format format = Format.text;

  @Option(
      names = "--write",
      paramLabel = "OUT",
      description =
          "Write the predictions with their scores (.jsonl), or as a table that VLMEvalKit scores"
              + " (.xlsx, .tsv, .csv).")
  private @Nullable Path write;

  /** The form of printed tables; lower case, as they are typed. */
  @SuppressWarnings("MemberName")
  enum Format {
    text,
    markdown,
    latex,
    csv
  }

  /** The file to read, and the file for the result. */
  private record Request(Path file, @Nullable Path out) {}

  @Override
  public Integer call() throws IOException {
    if (rules) {
      main.console().result(ScoringDocument::lines, ScoringDocument::lines);
      return 0;
    }
    String dataSet = benchmark;
    if (dataSet == null) {
      throw wrong("name the data set with --benchmark: %s".formatted(Protocol.names()));
    }
    Request request = request();
    Console console = main.console(request.out == null && main.json);
    Protocol protocol = named(dataSet, Protocol::named);
    Bootstrap bootstrap = scoring.bootstrap(Bootstrap.DEFAULT.resamples());
    Evaluation scored;
    try (ProgressLine progress = console.progress()) {
      progress.phase("scoring");
      scored = scoring.evaluate(request.file, protocol, bootstrap);
    }
    Evaluation evaluation = AnswerCount.fewer(dataSet, scored).map(scored::with).orElse(scored);
    evaluation.findings().stream().map(Finding::toString).forEach(console::warning);
    if (explain != null) {
      List<Explanation> explanations = evaluation.explain(explain);
      console.result(() -> explained(explanations), () -> explainedJson(explanations));
      return 0;
    }
    List<Path> inputs =
        scoring.answers == null ? List.of(request.file) : List.of(request.file, scoring.answers);
    if (write != null) {
      written(evaluation, write).stream().map(Finding::toString).forEach(console::warning);
    }
    if (request.out != null) {
      ObjectNode json = EvaluationJson.of(evaluation, inputs, bootstrap, VersionCommand.version());
      AtomicFiles.write(request.out, Json.pretty(json));
    }
    console.result(
        () -> text(console, evaluation),
        () -> EvaluationJson.of(evaluation, inputs, bootstrap, VersionCommand.version()));
    return 0;
  }

  /** {@code --json} takes no value, since it is every command's; a file after it is the output. */
  private Request request() {
    if (files == null || files.isEmpty()) {
      throw wrong("name the file with the predictions");
    }
    if (files.size() == 1) {
      return new Request(files.get(0), null);
    }
    if (!main.json) {
      throw wrong(
          "expected one file, came %s and %s; a second is for --json OUT"
              .formatted(files.get(0), files.get(1)));
    }
    List<String> arguments = spec.commandLine().getParseResult().originalArgs();
    int after = arguments.indexOf("--json") + 1;
    boolean outFirst =
        after < arguments.size() && arguments.get(after).equals(files.get(0).toString());
    return outFirst
        ? new Request(files.get(1), files.get(0))
        : new Request(files.get(0), files.get(1));
  }

  private List<String> text(Console console, Evaluation evaluation) {
    List<String> lines = new ArrayList<>();
    switch (format) {
      case csv -> lines.addAll(evaluation.official().csv().lines().toList());
      case markdown ->
          lines.addAll(Tables.markdown(ScoreTables.scores(evaluation)).lines().toList());
      case latex -> lines.addAll(Tables.latex(ScoreTables.scores(evaluation)).lines().toList());
      case text -> {
        lines.add(
            "%s, %s, %s, %s"
                .formatted(
                    evaluation.protocol().title(),
                    evaluation.format(),
                    scoring.profile,
                    Quantities.of(evaluation.items().size(), "answer")));
        lines.addAll(console.lines(scores(evaluation)));
        lines.add("");
        lines.add("as the official tool prints it:");
        lines.addAll(console.lines(official(evaluation.official())));
        if (evaluation.protocol() == Protocol.MATHVISTA
            || evaluation.protocol() == Protocol.MATHVISION) {
          lines.add("");
          evaluation
              .paperColumn()
              .ifPresent(
                  percent ->
                      lines.add(
                          String.format(
                              Locale.ROOT,
                              "the paper's column, the mean of the geometry rows: %.2f",
                              percent)));
        }
      }
    }
    if (errors > 0) {
      lines.add("");
      lines.addAll(
          switch (format) {
            case markdown ->
                Tables.markdown(ScoreTables.errors(evaluation, errors)).lines().toList();
            case latex -> Tables.latex(ScoreTables.errors(evaluation, errors)).lines().toList();
            case text, csv -> console.lines(errors(evaluation));
          });
    }
    return lines;
  }

  private static TextTable scores(Evaluation evaluation) {
    TextTable table =
        new TextTable().left("group").right("score").left("95 % interval").right("examples");
    for (Score score : evaluation.scores()) {
      table.row(
          score.name(),
          Percent.of(score.interval().mean(), 2),
          Percent.range(score.interval().lower(), score.interval().upper(), 2),
          String.valueOf(score.examples()));
    }
    return table;
  }

  private static TextTable official(OfficialTable official) {
    TextTable table = new TextTable();
    List<String> columns = official.columns();
    columns.forEach(table::left);
    official
        .rows()
        .forEach(
            row ->
                table.row(
                    columns.stream()
                        .map(column -> OfficialTable.text(row.getOrDefault(column, "")))
                        .toList()));
    return table;
  }

  private TextTable errors(Evaluation evaluation) {
    TextTable table = new TextTable().left("id").right("score").left("prediction").left("answers");
    for (Predicted item : evaluation.errors().stream().limit(errors).toList()) {
      Double score = item.score();
      table.row(
          item.id(),
          score == null ? "-" : Percent.of(score, 2),
          shortened(item.prediction().text()),
          shortened(String.join(" | ", item.reference().answers())));
    }
    return table;
  }

  /** In one line, and no longer than a table bears. */
  static String shortened(String text) {
    String line = text.length() > 10 * SHOWN ? text.substring(0, 10 * SHOWN) : text;
    line = line.replaceAll("\\s++", " ").strip();
    return line.length() > SHOWN ? line.substring(0, SHOWN - 1) + "…" : line;
  }

  private static List<String> explained(List<Explanation> explanations) {
    List<String> lines = new ArrayList<>();
    for (Explanation explanation : explanations) {
      Predicted item = explanation.item();
      lines.add("example     " + item.id());
      lines.add("prediction  " + shortened(item.prediction().text()));
      lines.add("answers     " + shortened(item.reference().answers().toString()));
      int number = 1;
      for (Explanation.Step step : explanation.steps()) {
        lines.add("%3d. %s: %s".formatted(number++, step.what(), step.value()));
      }
      lines.add("score       " + item.score());
    }
    return lines;
  }

  private static ObjectNode explainedJson(List<Explanation> explanations) {
    ObjectNode node = Json.object();
    var array = node.putArray("explanations");
    for (Explanation explanation : explanations) {
      ObjectNode json = array.addObject();
      json.put("id", explanation.item().id());
      json.put("prediction", explanation.item().prediction().text());
      explanation.item().reference().answers().forEach(json.putArray("answers")::add);
      Json.put(json, "steps", explanation.steps());
      json.put("score", explanation.item().score());
    }
    return node;
  }

  private static List<Finding> written(Evaluation evaluation, Path out) {
    if (out.toString().toLowerCase(Locale.ROOT).endsWith(".jsonl")) {
      Predictions.write(out, evaluation.items());
      return List.of();
    }
    return PredictionWriter.vlmEvalKit(
        out, evaluation.items(), evaluation.protocol().answerColumn());
  }
}
