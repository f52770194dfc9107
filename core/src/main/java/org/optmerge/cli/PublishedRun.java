package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Json;
import org.optmerge.base.Percent;
import org.optmerge.base.TextTable;
import org.optmerge.base.Trees;
import org.optmerge.benchmark.Selection;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Evaluation;
import org.optmerge.evaluation.EvaluationJson;
import org.optmerge.evaluation.Interval;
import org.optmerge.evaluation.Protocol;
import org.optmerge.evaluation.published.PublishedBenchmark;
import org.optmerge.evaluation.published.PublishedEvaluation;
import org.optmerge.evaluation.published.Shards;
import org.optmerge.model.MultimodalModel;
import org.optmerge.model.Precision;

/**
 * Asks a model published data sets, one after the other, and shows the table.
 *
 * @param out where answers are kept, a folder for each data set; null: nowhere
 * @param anew whether to forget answers that are there
 * @param join parts that other machines made; null: none
 */
record PublishedRun(
    Console console,
    AskedModel asked,
    Precision precision,
    @Nullable Path out,
    boolean anew,
    @Nullable Shards join) {
  /** The exit code: 0, or that of a failure if some questions could not be asked. */
  int evaluate(List<PublishedBenchmark> benchmarks, Selection selection) throws IOException {
    if (out != null) {
      return evaluate(benchmarks, selection, out);
    }
    Path folder = Files.createTempDirectory("optmerge-answers");
    try {
      return evaluate(benchmarks, selection, folder);
    } finally {
      Trees.delete(folder);
    }
  }

  private int evaluate(List<PublishedBenchmark> benchmarks, Selection selection, Path folder)
      throws IOException {
    List<PublishedEvaluation> done = new ArrayList<>();
    ObjectNode scores = Json.object();
    // All that can be refused is refused before a large model is opened.
    benchmarks.forEach(benchmark -> benchmark.evaluator(selection).size());
    try (StatusLine status = console.asking(true);
        MultimodalModel model = asked.open(precision, console)) {
      String origin = asked.origin();
      for (PublishedBenchmark benchmark : benchmarks) {
        PublishedEvaluation.Asked by = new PublishedEvaluation.Asked(asked.name(), origin, model);
        if (join != null) {
          join.join(benchmark, selection, by, folder.resolve(benchmark.name()), anew);
        }
        PublishedEvaluation evaluation =
            PublishedEvaluation.run(
                benchmark,
                selection,
                by,
                folder.resolve(benchmark.name()),
                anew && join == null,
                Bootstrap.DEFAULT,
                new AskingProgress(
                    status, benchmark.name(), benchmark.evaluator(selection).size()));
        evaluation
            .findings()
            .forEach(finding -> console.warning(benchmark.name() + ": " + finding));
        done.add(evaluation);
      }
      scores.put("model", asked.reference());
      scores.put("precision", model.precision().key());
    }
    scores.put("split", selection.split().key());
    json(scores, done);
    if (out != null) {
      AtomicFiles.write(out.resolve("scores.json"), Json.pretty(scores));
    }
    console.result(() -> text(done, selection), () -> scores);
    return done.stream().anyMatch(one -> one.notAsked() > 0) ? Main.FAILED : 0;
  }

  private List<String> text(List<PublishedEvaluation> done, Selection selection) {
    TextTable table =
        new TextTable()
            .left("data set")
            .left("kit")
            .right("questions")
            .right("score %")
            .left("95 % interval")
            .right("paper's column");
    for (PublishedEvaluation one : done) {
      Evaluation scored = one.scored();
      List<String> cells =
          new ArrayList<>(
              List.of(
                  one.benchmark().name(),
                  one.benchmark().entry().kit().toString(),
                  Integer.toString(one.items().size())));
      if (scored == null) {
        cells.addAll(List.of("-", "answers are not published", "-"));
      } else {
        Interval interval = scored.overall().interval();
        cells.addAll(
            List.of(
                Percent.of(interval.mean(), 2),
                Percent.range(interval.lower(), interval.upper(), 2),
                number(scored.paperColumn())));
      }
      table.row(cells);
    }
    List<String> lines = new ArrayList<>(console.lines(table));
    OptionalDouble mean = paperMean(done);
    if (mean.isPresent()) {
      lines.add("");
      lines.add("mean of the paper's ten columns: " + number(mean));
    }
    notes(done, selection).forEach(lines::add);
    if (out != null) {
      lines.add("");
      done.forEach(one -> lines.add(one.file().toString()));
    }
    return lines;
  }

  private static List<String> notes(List<PublishedEvaluation> done, Selection selection) {
    List<String> notes = new ArrayList<>();
    List<String> lower =
        done.stream()
            .map(PublishedEvaluation::benchmark)
            .filter(PublishedBenchmark::isLowerBound)
            .map(PublishedBenchmark::name)
            .toList();
    if (!lower.isEmpty()) {
      notes.add("");
      notes.add(
          "%s: a lower bound; the official score asks a judge where no answer can be taken literally."
              .formatted(String.join(", ", lower)));
    }
    long fewer =
        done.stream()
            .filter(one -> one.items().size() < one.benchmark().benchmark().size())
            .count();
    if (fewer > 0) {
      notes.add("");
      notes.add(
          "Not all questions were asked (split %s): these are not the paper's numbers."
              .formatted(selection.split().key()));
    }
    return notes;
  }

  /** As in the paper: of all ten, or there is none. */
  private static OptionalDouble paperMean(List<PublishedEvaluation> done) {
    double sum = 0;
    for (Protocol column : PublishedBenchmark.PAPER_COLUMNS) {
      OptionalDouble value =
          done.stream()
              .filter(one -> one.benchmark().protocol() == column)
              .map(PublishedEvaluation::scored)
              .filter(java.util.Objects::nonNull)
              .map(Evaluation::paperColumn)
              .findFirst()
              .orElse(OptionalDouble.empty());
      if (value.isEmpty()) {
        return value;
      }
      sum += value.getAsDouble();
    }
    return OptionalDouble.of(sum / PublishedBenchmark.PAPER_COLUMNS.size());
  }

  private static String number(OptionalDouble percent) {
    return percent.isPresent() ? String.format(Locale.ROOT, "%.2f", percent.getAsDouble()) : "-";
  }

  private static void json(ObjectNode scores, List<PublishedEvaluation> done) {
    ArrayNode all = scores.putArray("benchmarks");
    for (PublishedEvaluation one : done) {
      ObjectNode node = all.addObject();
      node.put("name", one.benchmark().name());
      node.put("kit", one.benchmark().entry().kit().toString());
      node.put("questions", one.items().size());
      node.put("not_asked", one.notAsked());
      node.put("lower_bound", one.benchmark().isLowerBound());
      Json.put(node, "findings", one.findings().stream().map(Object::toString).toList());
      node.put("file", String.valueOf(one.file().getFileName()));
      Evaluation scored = one.scored();
      if (scored != null) {
        node.set(
            "scored",
            EvaluationJson.of(
                scored, List.of(one.file()), Bootstrap.DEFAULT, VersionCommand.version()));
      }
    }
    OptionalDouble mean = paperMean(done);
    if (mean.isPresent()) {
      scores.put("paper_mean", mean.getAsDouble());
    }
  }
}
