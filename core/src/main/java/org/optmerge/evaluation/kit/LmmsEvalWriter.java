package org.optmerge.evaluation.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.optmerge.base.Json;
import org.optmerge.base.Sha256;
import org.optmerge.evaluation.FileFormat;
import org.optmerge.evaluation.InternalFields;
import org.optmerge.evaluation.Predicted;
import org.optmerge.evaluation.Protocol;
import org.optmerge.evaluation.Protocol.Report;
import org.optmerge.metric.Box;
import org.optmerge.metric.BoxScore;
import org.optmerge.metric.Metric;
import org.optmerge.metric.RecordedScore;
import org.optmerge.metric.ScoringProfile;
import org.optmerge.python.PythonLiteral;

/** Writes lmms-eval's samples, one JSON object a line. */
final class LmmsEvalWriter {
  private static final List<String> BOX_METRICS =
      List.of(
          "refcoco_IoU",
          "refcoco_ACC@0.1",
          "refcoco_ACC@0.3",
          "refcoco_ACC@0.5",
          "refcoco_ACC@0.7",
          "refcoco_ACC@0.9",
          "refcoco_Center_ACC");

  private LmmsEvalWriter() {}

  static void write(Path file, List<Predicted> items, Protocol protocol) {
    Metric metric = protocol.metric(ScoringProfile.OPTMERGE_FORK, FileFormat.LMMS_EVAL);
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      int number = 0;
      for (Predicted item : items) {
        out.write(Json.line(line(number++, item, protocol, metric)));
        out.write('\n');
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ObjectNode line(int number, Predicted item, Protocol protocol, Metric metric) {
    String said = item.reference().fields().getOrDefault(InternalFields.SAID, item.given());
    String question = item.field("question");
    ObjectNode node = Json.object();
    node.put("doc_id", number);
    ObjectNode doc = doc(item, protocol);
    node.set("doc", doc);
    String target = target(item, protocol);
    node.put("target", target);
    node.set("arguments", Json.object().put("0", "max_new_tokens"));
    node.putArray("resps").addArray().add(said);
    node.putArray("filtered_resps").add(said);
    node.put("doc_hash", hash(doc.toString()));
    node.put("prompt_hash", hash(question));
    node.put("target_hash", hash(target));
    scores(node, item, protocol, metric);
    node.put("input", question);
    return node;
  }

  private static ObjectNode doc(Predicted item, Protocol protocol) {
    ObjectNode doc = Json.object();
    doc.put("question_id", item.reference().fields().getOrDefault("question_id", item.id()));
    item.reference()
        .fields()
        .forEach(
            (name, value) -> {
              if (name.equals("bbox")) {
                doc.set(name, numbers(value));
              } else if (!InternalFields.ALL.contains(name)
                  && !name.equals(RecordedScore.FIELD)
                  && !name.contains("image")) {
                doc.put(name, value);
              }
            });
    List<String> answers = item.reference().answers();
    if (protocol.report() != Report.GROUNDING) {
      if (isList(protocol)) {
        answers.forEach(doc.putArray("answers")::add);
      } else {
        doc.put("answer", item.expected());
      }
    }
    return doc;
  }

  private static boolean isList(Protocol protocol) {
    return switch (protocol) {
      case VIZWIZ, TEXTVQA, DOCVQA, INFOVQA -> true;
      default -> false;
    };
  }

  /** {@code str()} of the reference. */
  private static String target(Predicted item, Protocol protocol) {
    if (protocol.report() == Report.GROUNDING) {
      return item.field("bbox");
    }
    return isList(protocol)
        ? PythonLiteral.text(item.reference().answers())
        : item.expected();
  }

  private static ArrayNode numbers(String list) {
    ArrayNode numbers = Json.object().arrayNode();
    PythonLiteral.list(list)
        .orElse(List.of())
        .forEach(
            side -> {
              if (side instanceof Number number) {
                numbers.add(number.doubleValue());
              }
            });
    return numbers;
  }

  private static void scores(ObjectNode node, Predicted item, Protocol protocol, Metric metric) {
    if (metric instanceof BoxScore boxes) {
      Box box = boxes.predicted(item.prediction(), item.reference());
      JsonNode right = node.path("doc").path("bbox");
      for (String name : BOX_METRICS) {
        ObjectNode measured = node.putObject(name);
        measured.put("answer", item.field("answer"));
        ArrayNode sides = measured.putArray("pred");
        sides.add(box.left()).add(box.top()).add(box.right()).add(box.bottom());
        measured.put("ann_id", node.path("doc").path("question_id").asText());
        measured.set("bbox", right);
      }
      return;
    }
    if (metric.lacking(item.reference()).isPresent()) {
      return;
    }
    double score = metric.score(item.prediction(), item.reference());
    switch (protocol) {
      case CHARTQA -> {
        node.put("relaxed_overall", score);
        node.put(
            item.field("split").contains("human")
                ? "relaxed_human_split"
                : "relaxed_augmented_split",
            score);
      }
      case DOCVQA, INFOVQA -> node.put("anls", score);
      default -> node.put("exact_match", score);
    }
  }

  private static String hash(String text) {
    return Sha256.of(text.getBytes(StandardCharsets.UTF_8));
  }
}
