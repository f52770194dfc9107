package org.optmerge.evaluation.published;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.Selection;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Evaluation;
import org.optmerge.evaluation.EvaluationFolder;
import org.optmerge.evaluation.Evaluator;
import org.optmerge.evaluation.Finding;
import org.optmerge.evaluation.Predicted;
import org.optmerge.evaluation.kit.PredictionFiles;
import org.optmerge.model.MultimodalModel;

/**
 * A model's answers to a published data set: asked, written as the kit writes them, and scored from
 * that file as everybody can score it again.
 *
 * @param benchmark the data set
 * @param items the answers, in the order of the questions
 * @param file in the kit's form
 * @param scored null where the answers are not published
 * @param findings what is odd about the file, and what could not be asked, with the reason
 * @param notAsked how many questions could not be asked; they count as wrong
 */
public record PublishedEvaluation(
    PublishedBenchmark benchmark,
    List<Predicted> items,
    Path file,
    @Nullable Evaluation scored,
    List<Finding> findings,
    int notAsked) {
  /** Copies the lists. */
  public PublishedEvaluation {
    items = List.copyOf(items);
    findings = List.copyOf(findings);
  }

  /**
   * A model that is asked.
   *
   * @param name for files and tables
   * @param origin a digest of all that its answers depend on
   */
  public record Asked(String name, String origin, MultimodalModel model) {}

  /**
   * Asks a model, or goes on where an interrupted evaluation stopped.
   *
   * @param folder where answers are kept as they are given
   * @param anew whether to forget the answers that are there
   * @param progress is told how many more are done
   * @throws BenchmarkException if the data set is damaged as a whole, none of its questions can be
   *     asked, or the folder has answers of another evaluation
   */
  public static PublishedEvaluation run(
      PublishedBenchmark benchmark,
      Selection selection,
      Asked asked,
      Path folder,
      boolean anew,
      Bootstrap bootstrap,
      IntConsumer progress) {
    Evaluator evaluator = benchmark.evaluator(selection);
    if (evaluator.size() == 0) {
      throw new BenchmarkException(
          "%s has %d questions, none of which is asked for; ask for another part"
              .formatted(benchmark.name(), benchmark.benchmark().size()));
    }
    List<Predicted> items =
        new EvaluationFolder(folder)
            .evaluate(evaluator, asked.name(), asked.origin(), asked.model(), anew, progress)
            .items();
    List<Finding> findings = new ArrayList<>(faults(benchmark, items));
    int notAsked = findings.stream().mapToInt(finding -> finding.ids().size()).sum();
    missing(benchmark).ifPresent(findings::add);
    Path file = benchmark.file(folder, asked.name());
    findings.addAll(KitFiles.write(benchmark, file, items));
    Evaluation scored = null;
    if (!benchmark.hidesAnswers()) {
      scored =
          Evaluation.of(
              PredictionFiles.read(file, benchmark.protocol(), PublishedBenchmark.PROFILE, null),
              benchmark.protocol(),
              PublishedBenchmark.PROFILE,
              bootstrap);
      findings.addAll(scored.findings());
    }
    return new PublishedEvaluation(benchmark, items, file, scored, findings, notAsked);
  }

  /** A data set that was cut short between two rows is whole by its form. */
  private static Optional<Finding> missing(PublishedBenchmark benchmark) {
    Long published = benchmark.entry().examples();
    long here = benchmark.benchmark().size();
    return published == null || published == here
        ? Optional.empty()
        : Optional.of(
            new Finding(
                String.format(
                    Locale.ROOT,
                    "has %,d questions here, %,d by its manifest: is the file cut short, or another version?",
                    here,
                    published),
                List.of()));
  }

  private static List<Finding> faults(PublishedBenchmark benchmark, List<Predicted> items) {
    Map<String, List<String>> ids = new LinkedHashMap<>();
    for (Predicted item : items) {
      String fault = item.field(Question.FAULT);
      if (!fault.isEmpty()) {
        ids.computeIfAbsent(fault, any -> new ArrayList<>()).add(item.id());
      }
    }
    int all = ids.values().stream().mapToInt(List::size).sum();
    if (all == items.size()) {
      Map.Entry<String, List<String>> first = ids.entrySet().iterator().next();
      throw new BenchmarkException(
          "%s: none of its %d questions can be asked; question %s: %s"
              .formatted(benchmark.name(), all, first.getValue().get(0), first.getKey()));
    }
    return ids.entrySet().stream()
        .map(
            fault -> new Finding("not asked, counts as wrong: " + fault.getKey(), fault.getValue()))
        .toList();
  }
}
