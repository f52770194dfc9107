package org.optmerge.evaluation;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntConsumer;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Json;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.Question;
import org.optmerge.model.MultimodalModel;

/**
 * A folder that an evaluation is written to, answer by answer: an interrupted one goes on where it
 * stopped.
 *
 * <p>{@code evaluation.json} says what is evaluated, {@code predictions.jsonl} grows as questions
 * are answered, and is in the order of the questions when all are.
 */
public record EvaluationFolder(Path folder) {
  /** The answers, one JSON object a line. */
  public Path predictions() {
    return folder.resolve("predictions.jsonl");
  }

  private Path provenance() {
    return folder.resolve("evaluation.json");
  }

  /**
   * Asks a model what this folder has no answer to.
   *
   * @param reference of the model, such as {@code BASE+ADAPTER}
   * @param anew whether to forget the answers that are there
   * @throws BenchmarkException if the folder has answers of another evaluation
   */
  public ModelEvaluation evaluate(
      Evaluator evaluator,
      String reference,
      MultimodalModel model,
      boolean anew,
      IntConsumer progress) {
    return evaluate(evaluator, reference, Provenance.ofModel(reference), model, anew, progress);
  }

  /**
   * The same with a model that no folder holds.
   *
   * @param name of the model, for tables
   * @param origin a digest of all that the model's answers depend on
   */
  public ModelEvaluation evaluate(
      Evaluator evaluator,
      String name,
      String origin,
      MultimodalModel model,
      boolean anew,
      IntConsumer progress) {
    Provenance now = evaluator.provenance(origin);
    try {
      Files.createDirectories(folder);
      if (anew) {
        Files.deleteIfExists(provenance());
        Files.deleteIfExists(predictions());
      }
      Map<EvaluatorPart.Key, String> known = known(now);
      if (known.size() > evaluator.size()) {
        throw new BenchmarkException(
            "%s: has %d answers, more than the %d questions that are asked now; ask as many, give another folder, or --force to begin anew"
                .formatted(folder, known.size(), evaluator.size()));
      }
      Json.plain().writeValue(provenance().toFile(), now);
      if (!known.isEmpty()) {
        progress.accept(known.size());
      }
      ModelEvaluation evaluation;
      try (BufferedWriter out =
          Files.newBufferedWriter(
              predictions(), StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
        evaluation = evaluator.evaluate(name, model, known, item -> append(out, item), progress);
      }
      AtomicFiles.write(predictions(), draft -> Predictions.write(draft, evaluation.items()));
      return evaluation;
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be written".formatted(folder), e);
    }
  }

  private static void append(BufferedWriter out, Predicted item) {
    try {
      out.write(Predictions.line(item));
      out.write('\n');
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("the answers cannot be written", e);
    }
  }

  private Map<EvaluatorPart.Key, String> known(Provenance now) throws IOException {
    Map<EvaluatorPart.Key, String> known = new HashMap<>();
    if (!Files.exists(predictions())) {
      return known;
    }
    String difference =
        Files.exists(provenance())
            ? Json.plain().readValue(provenance().toFile(), Provenance.class).difference(now)
            : "nothing is said of how";
    if (!difference.isEmpty()) {
      throw new BenchmarkException(
          "%s: has answers of another evaluation (%s); give --force to replace them, or another folder"
              .formatted(folder, difference));
    }
    dropUnfinishedLine();
    if (Files.size(predictions()) > 0) {
      for (Predicted item : Predictions.read(predictions()).items()) {
        if (!item.reference().fields().containsKey(Question.FAULT)) {
          known.put(new EvaluatorPart.Key(item.task(), item.id()), item.given());
        }
      }
    }
    return known;
  }

  /** A process that was killed may have left half a line. */
  private void dropUnfinishedLine() throws IOException {
    String text = Files.readString(predictions(), StandardCharsets.ISO_8859_1);
    int end = text.lastIndexOf('\n') + 1;
    if (end < text.length()) {
      Files.writeString(predictions(), text.substring(0, end), StandardCharsets.ISO_8859_1);
    }
  }
}
