package org.optmerge.evaluation.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.evaluation.FileFormat;
import org.optmerge.evaluation.JsonRows;
import org.optmerge.evaluation.JsonTexts;
import org.optmerge.evaluation.PredictionFileException;
import org.optmerge.evaluation.Predictions;
import org.optmerge.evaluation.Protocol;
import org.optmerge.metric.BoxScore;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;

/**
 * Reads what InternVL's own scripts write: boxes ({@code gt_bbox}, {@code hw}), answers with {@code
 * annotation}, answers whose annotations are apart ({@code question_id}), and options ({@code
 * gt_answers}).
 */
final class InternVlReader {
  private static final String KIT = FileFormat.INTERNVL_VQA.toString();

  private final Request request;
  private final Protocol protocol;

  InternVlReader(Request request) {
    this.request = request;
    this.protocol = request.protocol();
  }

  Predictions grounding() {
    Reading reading = new Reading(request, FileFormat.INTERNVL_GROUNDING);
    int[] number = {0};
    JsonRows.read(
        request.file(),
        (place, node) -> {
          String id = String.valueOf(number[0]++);
          Map<String, String> fields = new LinkedHashMap<>();
          fields.put("bbox", numbers(place, "gt_bbox", node.path("gt_bbox"), 4));
          String[] sides =
              numbers(place, "hw", node.path("hw"), 2).replaceAll("[\\[\\]\\s]", "").split(",");
          fields.put("height", sides[0]);
          fields.put("width", sides[1]);
          Prediction said = reading.said(place, node, "answer", id, fields);
          reading.add(id, "", said, new Reference(List.of(), fields));
        });
    return reading.done();
  }

  private String numbers(String place, String name, JsonNode array, int count) {
    double[] numbers = new double[count];
    for (int k = 0; k < count; k++) {
      numbers[k] = array.path(k).asDouble(Double.NaN);
      if (array.size() != count || !array.path(k).isNumber() || !Double.isFinite(numbers[k])) {
        throw new PredictionFileException(
            "%s: %s: \"%s\" of %s must be %d numbers, is %s"
                .formatted(
                    request.file(), place, name, FileFormat.INTERNVL_GROUNDING, count, array));
      }
    }
    return BoxScore.field(numbers);
  }

  /** Answers that stand beside their annotations. */
  Predictions annotated() {
    Reading reading = new Reading(request, FileFormat.INTERNVL_VQA);
    int[] number = {0};
    JsonRows.read(
        request.file(),
        (place, node) -> {
          String row = String.valueOf(number[0]++);
          String id = ownId(node).orElse(row);
          reading.duplicate(id, id);
          Map<String, String> fields = new LinkedHashMap<>();
          question(node, fields);
          String right = node.has("annotation") ? "annotation" : "gt_answers";
          List<String> answers =
              JsonTexts.list(request.file(), KIT, place, right, node.path(right));
          if (protocol == Protocol.MMMU && answers.size() == 1) {
            fields.put("question_type", isLetter(answers.get(0)) ? "multiple-choice" : "open");
          }
          Prediction said = reading.said(place, node, "answer", id, fields);
          reading.add(id, "", said, new Reference(answers, fields));
        });
    return reading.done();
  }

  /** Answers whose annotations are apart, by {@code question_id}; only answers count. */
  Predictions apart() {
    References references =
        References.vqa(request, request.needed("InternVL", "the data set's annotations"));
    Reading reading = new Reading(request, FileFormat.INTERNVL_VQA);
    JsonRows.read(
        request.file(),
        (place, node) -> {
          String id = ownId(node).orElseThrow(() -> noId(place));
          reading.duplicate(id, id);
          Map<String, String> fields = new LinkedHashMap<>();
          question(node, fields);
          Prediction said = reading.said(place, node, "answer", id, fields);
          @Nullable Reference reference = references.find(id);
          if (reference == null) {
            reading.unknown(id, id, said);
          } else {
            fields.putAll(reference.fields());
            reading.add(id, "", said, new Reference(reference.answers(), fields));
          }
        });
    references.notCounted(reading);
    return reading.done();
  }

  private PredictionFileException noId(String place) {
    return new PredictionFileException(
        "%s: %s: %s without \"annotation\" need \"question_id\"; is it a test split?"
            .formatted(request.file(), place, KIT));
  }

  static Optional<String> ownId(ObjectNode node) {
    for (String name : List.of("questionId", "question_id", "data_id")) {
      Optional<String> id = JsonTexts.id(node.path(name));
      if (id.isPresent()) {
        return id;
      }
    }
    // A picture may have several questions.
    return JsonTexts.id(node.path("image"))
        .map(
            image ->
                image + JsonTexts.optional(node.path("question")).map(": "::concat).orElse(""));
  }

  private static void question(ObjectNode node, Map<String, String> fields) {
    JsonTexts.optional(node.path("question"))
        .ifPresent(question -> fields.put("question", question));
  }

  private static boolean isLetter(String text) {
    return text.length() == 1 && text.charAt(0) >= 'A' && text.charAt(0) <= 'Z';
  }
}
