package org.optmerge.evaluation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
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
  /** The setting that says which questions were asked, such as {@code all, 1/4}. */
  public static final String SHARD = "split and shard";

  private static final String NAMED = "named";

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
      Map<String, String> named = evaluator.named(model);
      Map<EvaluatorPart.Key, String> known = known(now, named);
      if (known.size() > evaluator.size()) {
        throw new BenchmarkException(
            "%s: has %d answers, more than the %d questions that are asked now; ask as many, give another folder, or --force to begin anew"
                .formatted(folder, known.size(), evaluator.size()));
      }
      note(now, named);
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

  /** A setting that answers here were given under; empty if that is not noted. */
  public Optional<String> noted(String name) {
    try {
      return Files.exists(provenance())
          ? Optional.ofNullable(read(provenance()).path(NAMED).path(name).textValue())
          : Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be read".formatted(provenance()), e);
    }
  }

  /**
   * The answers of an evaluation that is finished.
   *
   * @throws BenchmarkException if it is another one, or not finished
   */
  public List<Predicted> finished(Evaluator evaluator, String origin, MultimodalModel model) {
    try {
      known(evaluator.provenance(origin), evaluator.named(model));
      List<Predicted> items =
          Files.exists(predictions()) && Files.size(predictions()) > 0
              ? Predictions.read(predictions()).items()
              : List.of();
      long different =
          items.stream()
              .map(item -> new EvaluatorPart.Key(item.task(), item.id()))
              .distinct()
              .count();
      if (items.size() != evaluator.size() || different != items.size()) {
        throw new BenchmarkException(
            "%s: has %d answers to %d questions, %d were asked; let that evaluation go on to its end first"
                .formatted(folder, items.size(), different, evaluator.size()));
      }
      return items;
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be read".formatted(folder), e);
    }
  }

  /**
   * Puts answers here that were given elsewhere, as if they had been given here.
   *
   * @param anew whether to forget the answers that are there
   * @throws BenchmarkException if there are answers
   */
  public void take(
      List<Predicted> items,
      Evaluator evaluator,
      String origin,
      MultimodalModel model,
      boolean anew) {
    if (!anew && Files.exists(predictions())) {
      throw new BenchmarkException(
          "%s: has answers already; give another folder, or --force to replace them"
              .formatted(folder));
    }
    try {
      Files.createDirectories(folder);
      note(evaluator.provenance(origin), evaluator.named(model));
      AtomicFiles.write(predictions(), draft -> Predictions.write(draft, items));
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be written".formatted(folder), e);
    }
  }

  private void note(Provenance now, Map<String, String> named) throws IOException {
    ObjectNode noted = Json.plain().valueToTree(now);
    Json.put(noted, NAMED, named);
    AtomicFiles.write(provenance(), Json.pretty(noted));
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

  private Map<EvaluatorPart.Key, String> known(Provenance now, Map<String, String> named)
      throws IOException {
    Map<EvaluatorPart.Key, String> known = new HashMap<>();
    if (!Files.exists(predictions())) {
      return known;
    }
    String difference =
        Files.exists(provenance()) ? difference(now, named) : "nothing is said of how";
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

  private JsonNode read(Path file) throws IOException {
    try {
      return Json.plain().readTree(file.toFile());
    } catch (JsonProcessingException e) {
      throw damaged(e);
    }
  }

  private BenchmarkException damaged(@Nullable Exception cause) {
    return new BenchmarkException(
        "%s: is damaged, so that it cannot be told what the answers beside it are of; give --force to begin anew, or another folder"
            .formatted(provenance()),
        cause);
  }

  /** The differences of what is noted here, by name where names are noted. */
  private String difference(Provenance now, Map<String, String> named) throws IOException {
    if (!(read(provenance()) instanceof ObjectNode noted)) {
      throw damaged(null);
    }
    JsonNode before = noted.remove(NAMED);
    List<String> differences = new ArrayList<>();
    if (before != null) {
      Set<String> names = new LinkedHashSet<>(named.keySet());
      before.fieldNames().forEachRemaining(names::add);
      for (String name : names) {
        String old = before.path(name).asText("none");
        String value = named.getOrDefault(name, "none");
        if (!old.equals(value)) {
          differences.add("other %s: %s there, %s now".formatted(name, old, value));
        }
      }
    }
    String models;
    try {
      models = Json.plain().treeToValue(noted, Provenance.class).difference(now);
    } catch (JsonProcessingException e) {
      throw damaged(e);
    }
    if (differences.isEmpty() || models.contains("models")) {
      differences.add(0, differences.isEmpty() ? models : "other models");
    }
    return String.join("; ", differences);
  }

  /**
   * A process that was killed may have left half a line, a machine that failed lines of zeros:
   * questions whose answers are lost so are asked again.
   */
  private void dropUnfinishedLine() throws IOException {
    String text = Files.readString(predictions(), StandardCharsets.ISO_8859_1);
    StringBuilder sound = new StringBuilder();
    int begin = 0;
    for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', begin)) {
      String line = text.substring(begin, end);
      begin = end + 1;
      if (isObject(line)) {
        sound.append(line).append('\n');
      }
    }
    if (sound.length() < text.length()) {
      AtomicFiles.write(predictions(), sound.toString().getBytes(StandardCharsets.ISO_8859_1));
    }
  }

  private static boolean isObject(String line) {
    try {
      return Json.plain().readTree(line.getBytes(StandardCharsets.ISO_8859_1)).isObject();
    } catch (IOException e) {
      return false;
    }
  }
}
