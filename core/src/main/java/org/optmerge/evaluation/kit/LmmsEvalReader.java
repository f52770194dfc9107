package org.optmerge.evaluation.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.evaluation.FileFormat;
import org.optmerge.evaluation.JsonRows;
import org.optmerge.evaluation.JsonTexts;
import org.optmerge.evaluation.PredictionFileException;
import org.optmerge.evaluation.Predictions;
import org.optmerge.evaluation.Protocol;
import org.optmerge.evaluation.Protocol.Report;
import org.optmerge.metric.BoxScore;
import org.optmerge.metric.MmmuMatch;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.RecordedScore;
import org.optmerge.metric.Reference;
import org.optmerge.python.PythonLiteral;

/**
 * Reads lmms-eval's samples: of version 0.1 and 0.2 ({@code logs} of a .json), of 0.2.3 to 0.3.5
 * (with {@code doc}), of 0.4 to 0.6.1 (without), and since 0.7 ({@code filtered_resps} a text).
 */
final class LmmsEvalReader {
  private static final String KIT = FileFormat.LMMS_EVAL.toString();

  /** Per-sample scores by the names that tasks give them, of all versions. */
  private static final Map<Protocol, List<String>> SCORES =
      Map.of(
          Protocol.CHARTQA,
          List.of("relaxed_overall"),
          Protocol.DOCVQA,
          List.of("anls"),
          Protocol.INFOVQA,
          List.of("anls"),
          Protocol.MMMU,
          List.of("mmmu_acc", "llm_as_judge_eval"),
          Protocol.MATHVISTA,
          List.of("llm_as_judge_eval", "gpt_eval_score"),
          Protocol.MATHVISION,
          List.of("mathvision_standard_eval", "mathvision_gpt_eval_score", "llm_as_judge_eval"));

  private static final List<String> EXACT_MATCH = List.of("exact_match");

  /** What tasks of describing a region are scored by. */
  private static final Set<String> CAPTIONING =
      Set.of("refcoco_CIDEr", "refcoco_Bleu_1", "refcoco_Bleu_4", "refcoco_METEOR");

  /** What stands for no answer where a target was made a text. */
  private static final Set<String> NO_TARGET = Set.of("None", "[]", "", "null");

  private final Request request;
  private final Protocol protocol;
  private final Reading reading;

  /** The kit, and the versions that write samples like the one that is read. */
  private String kit = KIT;

  LmmsEvalReader(Request request) {
    this.request = request;
    this.protocol = request.protocol();
    this.reading = new Reading(request, FileFormat.LMMS_EVAL);
  }

  /** Of a file of lines. */
  Predictions lines() {
    JsonRows.read(request.file(), this::sample);
    return reading.done();
  }

  /** Of a file with {@code logs}. */
  Predictions logs(ObjectNode file) {
    int entry = 0;
    for (JsonNode sample : file.path("logs")) {
      String place = "entry %d of \"logs\"".formatted(entry++);
      if (!(sample instanceof ObjectNode object)) {
        throw new PredictionFileException(
            "%s: %s: expected an object, as lmms-eval 0.1 and 0.2 write"
                .formatted(request.file(), place));
      }
      sample(place, object, true);
    }
    return reading.done();
  }

  /** Says what a file of means is, and which file has the answers. */
  static PredictionFileException results(Request request, ObjectNode file) {
    List<String> means = new ArrayList<>();
    file.path("results")
        .properties()
        .forEach(
            task ->
                task.getValue()
                    .properties()
                    .forEach(
                        metric -> {
                          if (metric.getValue().isNumber()) {
                            means.add(
                                "%s %s = %s"
                                    .formatted(task.getKey(), metric.getKey(), metric.getValue()));
                          }
                        }));
    return new PredictionFileException(
        "%s: lmms-eval's results hold means (%s), no answers; score the samples that --log_samples"
                .formatted(
                    request.file(), String.join("; ", means.subList(0, Math.min(3, means.size()))))
            + " writes beside them: *_samples_*.jsonl");
  }

  private static String versions(ObjectNode node, boolean logged) {
    if (logged) {
      return "0.1 to 0.2.2";
    }
    if (node.has("doc")) {
      return "0.2.3 to 0.3.5";
    }
    return node.path("filtered_resps").isTextual() ? "since 0.7" : "0.4 to 0.6.1";
  }

  private void sample(String place, ObjectNode node) {
    sample(place, node, false);
  }

  private void sample(String place, ObjectNode node, boolean logged) {
    kit = "%s (%s)".formatted(KIT, versions(node, logged));
    String id =
        JsonTexts.id(JsonRows.required(request.file(), place, node, "doc_id"))
            .orElseThrow(() -> wrong(place, "doc_id", "must be a number or a text"));
    if (!reading.isNew(id)) {
      reading.findings.add("the same doc_id again, left out: lmms-eval appends to its files", id);
      return;
    }
    Map<String, String> fields = new LinkedHashMap<>();
    question(node, fields);
    Prediction said = said(place, node, id, fields);
    if (protocol.report() == Report.GROUNDING) {
      box(place, node, fields);
      reading.add(id, "", said, new Reference(List.of(), fields));
      return;
    }
    List<String> answers = references(place, node);
    recorded(place, node, answers, fields);
    split(node, fields);
    reading.add(id, fields.getOrDefault("split", ""), said, new Reference(answers, fields));
  }

  /** The answer: a list of one until 0.6.1, a text since 0.7; {@code resps} where it is missing. */
  private Prediction said(String place, ObjectNode node, String id, Map<String, String> fields) {
    String name = node.has("filtered_resps") ? "filtered_resps" : "resps";
    JsonNode answer = node.path(name);
    while (answer.isArray()) {
      answer = answer.path(0);
    }
    if (answer.isMissingNode() || answer.isNull()) {
      reading.nothing(id, fields);
      return new Prediction("");
    }
    if (answer.isObject()) {
      throw wrong(place, name, "must be a text, or a list of one text");
    }
    return reading.said(JsonTexts.scalar(request.file(), kit, place, name, answer), id);
  }

  private static void question(ObjectNode node, Map<String, String> fields) {
    JsonNode input = node.path("input");
    JsonTexts.optional(node.path("doc").path("question"))
        .or(() -> JsonTexts.optional(input.isArray() ? input.path(0) : input))
        .ifPresent(question -> fields.put("question", question));
  }

  // Boxes

  private void box(String place, ObjectNode node, Map<String, String> fields) {
    CAPTIONING.stream()
        .filter(node::has)
        .findFirst()
        .ifPresent(
            metric -> {
              throw new PredictionFileException(
                  "%s: %s has \"%s\": these are lmms-eval samples of describing regions, not of"
                          .formatted(request.file(), place, metric)
                      + " finding them; boxes are those of refcoco_bbox_rec_val and its like");
            });
    JsonNode doc = node.path("doc");
    ObjectNode measured = measured(node);
    JsonNode box = doc.has("bbox") ? doc.path("bbox") : measured.path("bbox");
    if (box.isMissingNode()) {
      JsonTexts.optional(node.path("target"))
          .flatMap(PythonLiteral::list)
          .filter(sides -> sides.size() == 4)
          .ifPresent(sides -> fields.put("bbox", PythonLiteral.text(sides)));
    } else if (!box.isNull()) {
      fields.put("bbox", sides(place, "bbox", box));
    }
    first(doc.path("question_id"), measured.path("ann_id"))
        .ifPresent(id -> fields.put("question_id", id));
    first(doc.path("answer"), measured.path("answer"))
        .ifPresent(text -> fields.put("answer", text));
    if (measured.path("pred").isArray()) {
      fields.put("pred", sides(place, "pred", measured.path("pred")));
    }
  }

  /** The object that stands for each of a sample's metrics. */
  private static ObjectNode measured(ObjectNode node) {
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      if (field.getKey().startsWith("refcoco_") && field.getValue() instanceof ObjectNode object) {
        return object;
      }
    }
    return Json.object();
  }

  private static Optional<String> first(JsonNode one, JsonNode other) {
    return JsonTexts.optional(one).or(() -> JsonTexts.optional(other));
  }

  private String sides(String place, String name, JsonNode sides) {
    double[] box = new double[4];
    for (int k = 0; k < 4; k++) {
      box[k] = sides.path(k).asDouble(Double.NaN);
      if (sides.size() != 4 || !sides.path(k).isNumber() || !Double.isFinite(box[k])) {
        throw wrong(place, name, "must be four numbers, is " + sides);
      }
    }
    return BoxScore.field(box);
  }

  // All others

  /** The accepted answers: those of {@code doc} where it is kept, else of {@code target}. */
  private List<String> references(String place, ObjectNode node) {
    JsonNode doc = node.path("doc");
    if (protocol == Protocol.VIZWIZ || protocol == Protocol.TEXTVQA) {
      // The target is the word "answer", or the first of them: only a list is all of them.
      if (doc.has("answers")) {
        return JsonTexts.list(request.file(), kit, place, "answers", doc.path("answers"));
      }
      return targets(place, node).size() > 1 ? targets(place, node) : List.of();
    }
    if (protocol == Protocol.MMMU) {
      JsonNode right = node.path("mmmu_acc").path("answer");
      if (!right.isMissingNode()) {
        List<String> answers = new ArrayList<>();
        JsonTexts.list(request.file(), kit, place, "answer", right)
            .forEach(text -> answers.addAll(PythonLiteral.texts(text)));
        return answers;
      }
    }
    return targets(place, node);
  }

  private List<String> targets(String place, ObjectNode node) {
    JsonNode target = node.path("target");
    if (!target.isTextual()) {
      return JsonTexts.list(request.file(), kit, place, "target", target);
    }
    String text = target.textValue();
    return NO_TARGET.contains(text) ? List.of() : PythonLiteral.texts(text);
  }

  /** The score that the kit has written beside the answer, if it has anything to compare with. */
  private void recorded(
      String place, ObjectNode node, List<String> answers, Map<String, String> fields) {
    boolean hidden =
        answers.isEmpty()
            && (JsonTexts.optional(node.path("target")).filter(NO_TARGET::contains).isPresent()
                || node.path("target").isNull()
                || node.path("doc").path("answers").isNull());
    if (hidden) {
      return;
    }
    for (String name : SCORES.getOrDefault(protocol, EXACT_MATCH)) {
      Double score = score(node, node.path(name), fields);
      if (score != null) {
        if (!(score >= 0 && score <= 1)) {
          throw wrong(place, name, "must be in [0, 1], is " + score);
        }
        fields.put(RecordedScore.FIELD, String.valueOf(score));
        return;
      }
    }
  }

  private static @Nullable Double score(
      ObjectNode node, JsonNode value, Map<String, String> fields) {
    if (value.isNumber()) {
      return value.doubleValue();
    }
    if (value.isBoolean()) {
      return value.booleanValue() ? 1.0 : 0.0;
    }
    if (value.has("parsed_pred")) {
      parsed(node, value, fields);
    }
    JsonNode verdict =
        value.has("scores") ? value.path("scores").path(0) : value.path("true_false");
    return verdict.isBoolean() ? Double.valueOf(verdict.booleanValue() ? 1 : 0) : null;
  }

  /**
   * What the kit parsed of an answer to MMMU. Until 0.3.5 it is one candidate, since then a list of
   * them; an open question's candidate is a text since then.
   */
  private static void parsed(ObjectNode node, JsonNode value, Map<String, String> fields) {
    JsonNode parsed = value.path("parsed_pred");
    JsonTexts.optional(value.path("question_type"))
        .ifPresent(type -> fields.put("question_type", type));
    JsonTexts.optional(value.path("subdomain")).ifPresent(name -> fields.put("category", name));
    boolean candidates =
        parsed.isArray() && (!node.has("doc") || parsed.path(0).isArray() || isChoice(value));
    String text = JsonTexts.python(candidates ? parsed : Json.<JsonNode>tree(List.of(parsed)));
    fields.put(MmmuMatch.PARSED, text);
  }

  private static boolean isChoice(JsonNode value) {
    return value.path("question_type").asText().equals("multiple-choice");
  }

  private static void split(ObjectNode node, Map<String, String> fields) {
    if (node.has("relaxed_human_split")) {
      fields.put("split", "human");
    } else if (node.has("relaxed_augmented_split")) {
      fields.put("split", "augmented");
    }
  }

  private PredictionFileException wrong(String place, String field, String what) {
    return new PredictionFileException(
        "%s: %s: \"%s\" of %s %s".formatted(request.file(), place, field, kit, what));
  }
}
