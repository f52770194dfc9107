package org.optmerge.evaluation;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.optmerge.base.Json;
import org.optmerge.base.Sha256;

/**
 * Results as JSON with what they came from: files by SHA-256, rules, seed. The same inputs give the
 * same bytes.
 */
public final class EvaluationJson {
  private EvaluationJson() {}

  /**
   * One evaluation.
   *
   * @param files the prediction file, and the answer file if there is one
   * @param bootstrap that made the intervals
   * @param version of this program
   */
  public static ObjectNode of(
      Evaluation evaluation, List<Path> files, Bootstrap bootstrap, String version) {
    ObjectNode node = Json.object();
    node.put("benchmark", evaluation.protocol().title());
    node.put("profile", evaluation.profile().name());
    node.put("format", evaluation.format().toString());
    node.put(
        "metric",
        evaluation.protocol().metric(evaluation.profile(), evaluation.format()).toString());
    node.put("examples", evaluation.items().size());
    ArrayNode scores = node.putArray("scores");
    for (Score score : evaluation.scores()) {
      ObjectNode row = scores.addObject();
      row.put("name", score.name());
      row.put("examples", score.examples());
      interval(row, score.interval());
    }
    evaluation.paperColumn().ifPresent(percent -> node.put("paper_column", percent));
    Json.put(
        node, "official", evaluation.official().rows().stream().map(EvaluationJson::row).toList());
    findings(node, evaluation.findings());
    provenance(node, files, bootstrap, version);
    return node;
  }

  /** One comparison. */
  public static ObjectNode of(
      Comparison comparison, List<Path> files, Bootstrap bootstrap, String version) {
    ObjectNode node = Json.object();
    ArrayNode rows = node.putArray("rows");
    for (Comparison.Row row : comparison.rows()) {
      ObjectNode json = rows.addObject();
      json.put("name", row.name());
      json.put("examples", row.examples());
      json.put("first", row.first());
      json.put("second", row.second());
      Difference difference = row.difference();
      ObjectNode found = json.putObject("difference");
      interval(found, difference.interval());
      found.put("p_value", difference.pValue());
      found.put("p_value_holm", row.corrected());
      found.put("significant", row.significant());
      found.put("wins", difference.wins());
      found.put("losses", difference.losses());
      found.put("ties", difference.ties());
    }
    findings(node, comparison.findings());
    provenance(node, files, bootstrap, version);
    return node;
  }

  private static void interval(ObjectNode node, Interval interval) {
    node.put("mean", interval.mean());
    node.put("lower", interval.lower());
    node.put("upper", interval.upper());
  }

  /** Numbers that are finite, and the texts of all other cells. */
  private static Map<String, Object> row(Map<String, Object> row) {
    Map<String, Object> cells = new LinkedHashMap<>();
    row.forEach(
        (name, value) -> {
          boolean number =
              value instanceof Integer || value instanceof Double real && Double.isFinite(real);
          cells.put(name, number ? value : OfficialTable.text(value));
        });
    return cells;
  }

  private static void findings(ObjectNode node, List<Finding> findings) {
    record Counted(String what, int count, List<String> ids) {}
    Json.put(
        node,
        "findings",
        findings.stream()
            .map(found -> new Counted(found.what(), found.ids().size(), found.ids()))
            .toList());
  }

  private static void provenance(
      ObjectNode node, List<Path> files, Bootstrap bootstrap, String version) {
    ObjectNode provenance = node.putObject("provenance");
    provenance.put("program", "optmerge " + version);
    ArrayNode array = provenance.putArray("files");
    for (Path file : files) {
      ObjectNode json = array.addObject();
      json.put("name", String.valueOf(file.getFileName()));
      json.put("sha256", sha256(file));
    }
    Json.put(provenance, "bootstrap", bootstrap);
  }

  private static String sha256(Path file) {
    try {
      return Sha256.of(file);
    } catch (IOException e) {
      throw new PredictionFileException(
          "%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }
}
