package org.optmerge.evaluation;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.optmerge.base.Sha256;

/**
 * Results as JSON with what they came from: files by SHA-256, rules, seed. The same inputs give the
 * same bytes.
 */
public final class EvaluationJson {
  private static final int BUFFER = 1 << 16;

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
    ObjectNode node = JsonNodeFactory.instance.objectNode();
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
    ArrayNode official = node.putArray("official");
    evaluation.official().rows().forEach(row -> put(official.addObject(), row));
    findings(node, evaluation.findings());
    provenance(node, files, bootstrap, version);
    return node;
  }

  /** One comparison. */
  public static ObjectNode of(
      Comparison comparison, List<Path> files, Bootstrap bootstrap, String version) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
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
      found.put("significant", difference.significant());
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

  private static void put(ObjectNode node, Map<String, Object> row) {
    row.forEach(
        (name, value) -> {
          if (value instanceof Integer number) {
            node.put(name, number);
          } else if (value instanceof Double number && Double.isFinite(number)) {
            node.put(name, number);
          } else {
            node.put(name, OfficialTable.text(value));
          }
        });
  }

  private static void findings(ObjectNode node, List<Finding> findings) {
    ArrayNode array = node.putArray("findings");
    for (Finding finding : findings) {
      ObjectNode json = array.addObject();
      json.put("what", finding.what());
      json.put("count", finding.ids().size());
      finding.ids().forEach(json.putArray("ids")::add);
    }
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
    ObjectNode resampling = provenance.putObject("bootstrap");
    resampling.put("resamples", bootstrap.resamples());
    resampling.put("level", bootstrap.level());
    resampling.put("seed", bootstrap.seed());
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
