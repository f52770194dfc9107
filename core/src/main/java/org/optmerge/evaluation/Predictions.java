package org.optmerge.evaluation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
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
  static final String DUPLICATE = "the same id again; every line counts, as in the official code";
  static final String EMPTY = "empty answer, scored as it is";
  static final String MISSING =
      "no answer in the cell, or a text such as N/A that pandas takes for none; scored as 'nan'";

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
    JsonLines.read(
        file,
        (line, node) -> {
          Predicted item = item(file, line, node);
          if (!seen.add(item.id())) {
            findings.add(DUPLICATE, item.id());
          }
          if (item.prediction().text().isEmpty()) {
            findings.add(EMPTY, item.id());
          }
          items.add(item);
        });
    return new Predictions(FileFormat.OPTMERGE, items, findings.list());
  }

  private static Predicted item(Path file, long line, ObjectNode node) {
    JsonNode prediction = JsonLines.required(file, line, node, "prediction");
    Map<String, String> fields = new LinkedHashMap<>();
    node.path("fields")
        .fields()
        .forEachRemaining(f -> fields.put(f.getKey(), f.getValue().asText()));
    node.fields()
        .forEachRemaining(
            f -> {
              if (!KNOWN.contains(f.getKey()) && f.getValue().isValueNode()) {
                fields.put(f.getKey(), f.getValue().asText());
              }
            });
    return new Predicted(
        JsonLines.required(file, line, node, "id").asText(),
        node.path("task").asText(),
        node.path("type").asText(),
        prediction.isNull() ? new Prediction("") : new Prediction(prediction.asText()),
        new Reference(answers(node), fields),
        score(file, line, node.path("score")));
  }

  private static List<String> answers(ObjectNode node) {
    JsonNode given = node.has("answers") ? node.path("answers") : node.path("answer");
    List<String> answers = new ArrayList<>();
    if (given instanceof ArrayNode array) {
      array.forEach(answer -> answers.add(answer.asText()));
    } else if (given.isValueNode() && !given.isNull()) {
      answers.add(given.asText());
    }
    return answers;
  }

  private static @Nullable Double score(Path file, long line, JsonNode node) {
    if (node.isMissingNode() || node.isNull()) {
      return null;
    }
    double score = node.asDouble(Double.NaN);
    if (!(score >= 0 && score <= 1)) {
      throw new PredictionFileException(
          "%s: line %d: score must be in [0, 1], is %s".formatted(file, line, node));
    }
    return score;
  }

  /** JSON objects, one a line. */
  static final class JsonLines {
    private JsonLines() {}

    /** A receiver of lines. */
    interface Listener {
      void line(long number, ObjectNode node);
    }

    static void read(Path file, Listener listener) {
      long number = 0;
      try (java.io.BufferedReader in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
        for (String line = in.readLine(); line != null; line = in.readLine()) {
          number++;
          if (number == 1 && line.startsWith("\ufeff")) {
            line = line.substring(1);
          }
          if (!line.isBlank()) {
            listener.line(number, object(file, number, line));
          }
        }
      } catch (java.nio.charset.CharacterCodingException e) {
        throw new PredictionFileException(
            "%s: not valid UTF-8 after line %d".formatted(file, number), e);
      } catch (IOException e) {
        throw new PredictionFileException(
            "%s: cannot be read: %s".formatted(file, e.getMessage()), e);
      }
    }

    static ObjectNode object(Path file, long number, String line) {
      try {
        JsonNode node = Json.strict().readTree(line);
        if (node instanceof ObjectNode object) {
          return object;
        }
        throw new PredictionFileException(
            "%s: line %d: expected a JSON object".formatted(file, number));
      } catch (JsonProcessingException e) {
        throw new PredictionFileException(
            "%s: line %d: not valid JSON: %s; is the file cut off?"
                .formatted(file, number, e.getOriginalMessage().lines().findFirst().orElse("")),
            e);
      }
    }

    static JsonNode required(Path file, long line, ObjectNode node, String name) {
      JsonNode value = node.get(name);
      if (value == null) {
        List<String> there = new ArrayList<>();
        node.fieldNames().forEachRemaining(there::add);
        throw new PredictionFileException(
            "%s: line %d has no \"%s\"; it has %s".formatted(file, line, name, there));
      }
      return value;
    }
  }
}
