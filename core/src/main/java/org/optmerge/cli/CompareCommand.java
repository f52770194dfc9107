package org.optmerge.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Percent;
import org.optmerge.base.TextTable;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Comparison;
import org.optmerge.evaluation.Difference;
import org.optmerge.evaluation.Evaluation;
import org.optmerge.evaluation.EvaluationJson;
import org.optmerge.evaluation.Finding;
import org.optmerge.evaluation.Predicted;
import org.optmerge.evaluation.PredictionFileException;
import org.optmerge.evaluation.Predictions;
import org.optmerge.evaluation.Protocol;
import org.optmerge.report.ScoreTables;
import org.optmerge.report.Tables;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code optmerge compare}. */
@Command(
    name = "compare",
    description =
        "Compare two prediction files example by example, and tell which differences are more than"
            + " noise.")
final class CompareCommand extends Subcommand {
  @Parameters(index = "0", paramLabel = "A", description = "Predictions of one system.")
  private Path first;

  @Parameters(
      index = "1",
      paramLabel = "B",
      description = "Predictions of another, on the same examples.")
  private Path second;

  @Option(
      names = "--benchmark",
      paramLabel = "NAME",
      completionCandidates = Names.DataSets.class,
      description = "Score both by this data set's rules. Default: the scores in the files.")
  private @Nullable String benchmark;

  @Mixin private ScoringOptions scoring;

  @Option(
      names = "--format",
      paramLabel = "F",
      description = "How the table is printed: ${COMPLETION-CANDIDATES}.")
  private Format format = Format.text;

  /** The form of printed tables; lower case, as they are typed. */
  @SuppressWarnings("MemberName")
  enum Format {
    text,
    markdown,
    latex
  }

  @Override
  public Integer call() {
    Console console = main.console();
    Bootstrap bootstrap = scoring.bootstrap(Bootstrap.DEFAULT.resamples());
    List<String> names = DiffCommand.names(List.of(first, second));
    Comparison comparison;
    try (ProgressLine progress = console.progress()) {
      progress.phase("comparing");
      comparison = Comparison.of(scored(console, first), scored(console, second), bootstrap);
    }
    comparison.findings().stream().map(Finding::toString).forEach(console::warning);
    console.result(
        () -> text(console, comparison, names),
        () ->
            EvaluationJson.of(
                comparison, List.of(first, second), bootstrap, VersionCommand.version()));
    return 0;
  }

  private List<Predicted> scored(Console console, Path file) {
    if (benchmark == null) {
      return withScores(console, file);
    }
    Protocol protocol = named(benchmark, Protocol::named);
    Evaluation evaluation = scoring.evaluate(file, protocol, scoring.bootstrap(1));
    say(console, file, evaluation.findings());
    return evaluation.items();
  }

  /** Our own files may hold scores; any other has to be scored first. */
  private static List<Predicted> withScores(Console console, Path file) {
    Predictions predictions;
    try {
      predictions = Predictions.read(file);
    } catch (PredictionFileException e) {
      String name = file.toString().toLowerCase(Locale.ROOT);
      throw name.endsWith(".jsonl") && !String.valueOf(e.getMessage()).contains(" has no \"")
          ? e
          : new PredictionFileException(
              "%s: has no scores of ours; name the data set with --benchmark, to score both files"
                  .formatted(file),
              e);
    }
    if (predictions.items().isEmpty()) {
      throw new PredictionFileException("%s: there are no predictions".formatted(file));
    }
    say(console, file, predictions.findings());
    return predictions.items();
  }

  private static void say(Console console, Path file, List<Finding> findings) {
    findings.forEach(finding -> console.warning("%s: %s".formatted(file.getFileName(), finding)));
  }

  private List<String> text(Console console, Comparison comparison, List<String> names) {
    if (format != Format.text) {
      var table = ScoreTables.comparison(comparison, names.get(0), names.get(1));
      return (format == Format.markdown ? Tables.markdown(table) : Tables.latex(table))
          .lines()
          .toList();
    }
    boolean several = comparison.rows().size() > 2;
    TextTable table =
        new TextTable()
            .left("group")
            .right("A")
            .right("B")
            .right("A - B")
            .left("95 % interval")
            .right("p")
            .right(several ? "p (Holm)" : "")
            .left("")
            .right("examples");
    for (Comparison.Row row : comparison.rows()) {
      Difference difference = row.difference();
      table.row(
          row.name(),
          Percent.of(row.first(), 2),
          Percent.of(row.second(), 2),
          String.format(Locale.ROOT, "%+.2f", 100 * difference.interval().mean()),
          Percent.range(difference.interval().lower(), difference.interval().upper(), 2),
          String.format(Locale.ROOT, "%.3f", difference.pValue()),
          several ? String.format(Locale.ROOT, "%.3f", row.corrected()) : "",
          row.significant() ? "differs" : "noise",
          String.valueOf(row.examples()));
    }
    List<String> lines = new ArrayList<>();
    lines.add("A = " + names.get(0));
    lines.add("B = " + names.get(1));
    lines.addAll(console.lines(table));
    Difference overall = comparison.overall().difference();
    lines.add("");
    lines.add(
        "paired %d examples by id: A is better on %d, B on %d, both alike on %d"
            .formatted(
                comparison.overall().examples(), overall.wins(), overall.losses(), overall.ties()));
    return lines;
  }
}
