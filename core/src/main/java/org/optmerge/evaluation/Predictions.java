package org.optmerge.evaluation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;

/**
 * The predictions of a file, and what is odd about them.
 *
 * @param format whose file it was
 * @param items in the order of the file
 * @param findings duplicates, empty answers and the like
 */
public record Predictions(FileFormat format, List<Predicted> items, List<Finding> findings) {
  /** Said of an id that comes again. */
  public static final String DUPLICATE =
      "the same id again; every line counts, as in the official code";

  /** Said of an answer of no characters. */
  public static final String EMPTY = "empty answer, scored as it is";

  /** Said of a row that has no answer at all. */
  public static final String NOTHING = "no prediction, counts as wrong";

  /** Said of a table's cell without an answer. */
  public static final String MISSING =
      "no answer in the cell, or a text such as N/A that pandas takes for none; scored as 'nan'";

  private static final String KIT = "optmerge";
  private static final Set<String> KNOWN =
      Set.of("id", "task", "type", "prediction", "answers", "answer", "score", "fields");

  public Predictions {
    items = List.copyOf(items);
    findings = List.copyOf(findings);
  }

  /**
   * Writes predictions, one JSON object a line: {@code id}, {@code task}, {@code type}, {@code
   * prediction}, {@code answers}, {@code score} if there is one, and {@code fields}.
   */
  public static void write(Path file, Iterable<Predicted> items) {
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      for (Predicted item : items) {
        out.write(line(item));
        out.write('\n');
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** One line of {@link #write}, for writers that go on where they were stopped. */
  public static String line(Predicted item) {
    ObjectNode node = Json.object();
    node.put("id", item.id());
    node.put("task", item.task());
    node.put("type", item.type());
    node.put("prediction", item.prediction().text());
    item.reference().answers().forEach(node.putArray("answers")::add);
    Double score = item.score();
    if (score != null) {
      node.put("score", score);
    }
    if (!item.reference().fields().isEmpty()) {
      ObjectNode fields = node.putObject("fields");
      item.reference().fields().forEach(fields::put);
    }
    return node.toString();
  }

  /**
   * Reads what {@link #write} wrote. Other scalars of a line, such as {@code "heldOut": true},
   * become fields; {@code answer} may stand for a list of one.
   *
   * @throws PredictionFileException if a line is no object, or lacks {@code id} or {@code
   *     prediction}; the message names the line
   */
  public static Predictions read(Path file) {
    List<Predicted> items = new ArrayList<>();
    Findings findings = new Findings();
    Set<String> seen = new HashSet<>();
    JsonRows.read(
        file,
        (place, node) -> {
          Predicted item = item(file, place, node);
          if (!seen.add(item.id())) {
            findings.add(DUPLICATE, item.id());
          }
          if (item.reference().fields().containsKey(InternalFields.WRONG)) {
            findings.add(NOTHING, item.id());
          } else if (item.prediction().text().isEmpty()) {
            findings.add(EMPTY, item.id());
          }
          items.add(item);
        });
    return new Predictions(FileFormat.OPTMERGE, items, findings.list());
  }

  private static Predicted item(Path file, String place, ObjectNode node) {
    JsonNode prediction = JsonRows.required(file, place, node, "prediction");
    Map<String, String> fields = new LinkedHashMap<>();
    node.path("fields").properties().forEach(field -> field(fields, field));
    node.properties().stream()
        .filter(field -> !KNOWN.contains(field.getKey()))
        .forEach(field -> field(fields, field));
    JsonNode id = JsonRows.required(file, place, node, "id");
    String answers = node.has("answers") ? "answers" : "answer";
    if (prediction.isNull()) {
      fields.put(InternalFields.WRONG, "no prediction");
    }
    return new Predicted(
        JsonTexts.id(id).orElseGet(() -> JsonTexts.scalar(file, KIT, place, "id", id)),
        JsonTexts.optional(node.path("task")).orElse(""),
        JsonTexts.optional(node.path("type")).orElse(""),
        new Prediction(
            prediction.isNull()
                ? ""
                : JsonTexts.scalar(file, KIT, place, "prediction", prediction)),
        new Reference(JsonTexts.list(file, KIT, place, answers, node.path(answers)), fields),
        score(file, place, node.path("score")));
  }

  /** A field: a list as Python writes one, since metrics read boxes and options so. */
  private static void field(Map<String, String> fields, Map.Entry<String, JsonNode> field) {
    JsonNode value = field.getValue();
    if (value.isArray()) {
      fields.put(field.getKey(), JsonTexts.python(value));
    } else if (value.isValueNode() && !value.isNull()) {
      fields.put(field.getKey(), value.asText());
    }
  }

  private static @Nullable Double score(Path file, String place, JsonNode node) {
    if (node.isMissingNode() || node.isNull()) {
      return null;
    }
    double score = node.asDouble(Double.NaN);
    if (!(score >= 0 && score <= 1)) {
      throw new PredictionFileException(
          "%s: %s: score must be in [0, 1], is %s".formatted(file, place, node));
    }
    return score;
  }
}
