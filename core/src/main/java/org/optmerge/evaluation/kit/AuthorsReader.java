package org.optmerge.evaluation.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.optmerge.evaluation.FileFormat;
import org.optmerge.evaluation.InternalFields;
import org.optmerge.evaluation.JsonRows;
import org.optmerge.evaluation.JsonTexts;
import org.optmerge.evaluation.PredictionFileException;
import org.optmerge.evaluation.Predictions;
import org.optmerge.metric.MathVisionAnswer;
import org.optmerge.metric.MathVistaExtraction;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.RecordedScore;
import org.optmerge.metric.Reference;

/** Reads the results that the authors of data sets define for their own scripts and servers. */
final class AuthorsReader {
  private final Request request;

  AuthorsReader(Request request) {
    this.request = request;
  }

  /** Rows with an id and an answer, beside references that decide what is counted. */
  private Predictions rows(
      FileFormat format, References references, List<String> ids, String answer, boolean all) {
    Reading reading = new Reading(request, format);
    JsonRows.read(
        request.file(),
        (place, node) -> {
          String id = id(format, place, node, ids);
          reading.duplicate(id, id);
          Map<String, String> fields = new LinkedHashMap<>();
          Prediction said = reading.said(place, node, answer, id, fields);
          Reference reference = references.find(id);
          if (reference == null) {
            reading.unknown(id, id, said);
            return;
          }
          Map<String, String> known = new LinkedHashMap<>(reference.fields());
          known.putAll(fields);
          reading.add(
              id, known.getOrDefault("type", ""), said, new Reference(reference.answers(), known));
        });
    if (all) {
      references.unanswered(reading);
    } else {
      references.notCounted(reading);
    }
    return reading.done();
  }

  private String id(FileFormat format, String place, ObjectNode node, List<String> names) {
    for (String name : names) {
      if (node.has(name)) {
        return JsonTexts.id(node.path(name))
            .orElseThrow(
                () ->
                    new PredictionFileException(
                        "%s: %s: \"%s\" of %s must be a number or a text"
                            .formatted(request.file(), place, name, format)));
      }
    }
    throw new PredictionFileException(
        "%s: %s of %s has none of %s; it has %s"
            .formatted(request.file(), place, format, names, JsonRows.names(node)));
  }

  Predictions vqa() {
    Path answers = request.needed("VQA", "the data set's annotations");
    return rows(
        FileFormat.VQA,
        References.vqa(request, answers),
        List.of("question_id", "image"),
        "answer",
        true);
  }

  Predictions gqa() {
    return rows(
        FileFormat.GQA,
        References.gqa(request.needed("GQA", "its questions")),
        List.of("questionId"),
        "prediction",
        true);
  }

  Predictions musicAvqa(String answer) {
    return rows(
        FileFormat.MUSIC_AVQA,
        References.musicAvqa(request.needed("MUSIC-AVQA", "avqa-test.json")),
        List.of("question_id", "questionId", "id"),
        answer,
        false);
  }

  /** References apart, one for each question; their order is that of the sums. */
  Predictions rrc(FileFormat format) {
    Path answers = request.needed("RRC", "the data set's \"data\"");
    Reading reading = new Reading(request, format);
    Map<String, ObjectNode> given = new LinkedHashMap<>();
    Map<String, String> places = new LinkedHashMap<>();
    JsonRows.read(
        request.file(),
        (place, node) -> {
          String id = id(format, place, node, List.of("questionId"));
          places.put(id, place);
          if (given.put(id, node) != null) {
            reading.findings.add("the same id again; the last one counts", id);
          }
        });
    Map<String, Reference> references = References.rrc(answers).all();
    references.forEach(
        (id, reference) -> {
          ObjectNode node = given.get(id);
          if (node == null) {
            reading.unanswered(id, "", reference);
            return;
          }
          Map<String, String> fields = new LinkedHashMap<>(reference.fields());
          Prediction said = reading.said(places.getOrDefault(id, id), node, "answer", id, fields);
          reading.add(id, "", said, new Reference(reference.answers(), fields));
        });
    given.keySet().stream()
        .filter(id -> !references.containsKey(id))
        .sorted()
        .forEach(id -> reading.findings.add("not in the answer file, not counted", id));
    return reading.done();
  }

  /** {@code results} hold the number of the option by problem, −1 for none. */
  Predictions scienceQa(ObjectNode file) {
    References references = References.scienceQa(request.needed("ScienceQA", "its problems.json"));
    Reading reading = new Reading(request, FileFormat.SCIENCEQA);
    for (Map.Entry<String, JsonNode> result : file.path("results").properties()) {
      String id = result.getKey();
      JsonNode option = result.getValue();
      if (!option.isIntegralNumber()) {
        throw new PredictionFileException(
            "%s: \"%s\" in \"results\" of ScienceQA must be the number of an option, is %s"
                .formatted(request.file(), id, option));
      }
      Prediction said =
          new Prediction(
              option.asInt() < 0 ? "none" : String.valueOf((char) ('A' + option.asInt())));
      Reference reference = references.find(id);
      if (reference == null) {
        reading.unknown(id, id, said);
      } else {
        reading.add(id, "", said, reference);
      }
    }
    return reading.done();
  }

  /** Problems by pid; without {@code extraction} only what needs no language model is right. */
  Predictions mathVista(ObjectNode file) {
    Reading reading = new Reading(request, FileFormat.MATHVISTA);
    Path answers = request.answers();
    @Nullable References published = answers == null ? null : References.mathVista(answers);
    MathVistaExtraction metric = new MathVistaExtraction();
    for (Map.Entry<String, JsonNode> problem : file.properties()) {
      String id = problem.getKey();
      if (!(problem.getValue() instanceof ObjectNode node)) {
        throw new PredictionFileException(
            "%s: \"%s\": MathVista's results are objects by pid".formatted(request.file(), id));
      }
      String place = "\"" + id + "\"";
      Reference own = References.mathVistaProblem(request.file(), place, node);
      Reference known = published == null ? null : published.find(id);
      Map<String, String> fields = new LinkedHashMap<>(known == null ? Map.of() : known.fields());
      fields.putAll(own.fields());
      fields.remove("prediction");
      Reference reference =
          new Reference(
              own.answers().isEmpty() && known != null ? known.answers() : own.answers(), fields);
      reading.add(
          id,
          "",
          mathVistaAnswer(reading, metric, id, place, node, reference, fields),
          new Reference(reference.answers(), fields));
    }
    return reading.done();
  }

  private Prediction mathVistaAnswer(
      Reading reading,
      MathVistaExtraction metric,
      String id,
      String place,
      ObjectNode node,
      Reference reference,
      Map<String, String> fields) {
    if (node.hasNonNull("extraction")) {
      JsonTexts.optional(node.path("response"))
          .ifPresent(said -> fields.put(InternalFields.SAID, said));
      return new Prediction(
          JsonTexts.scalar(
              request.file(), "MathVista", place, "extraction", node.path("extraction")));
    }
    Prediction said = reading.said(place, node, "response", id, fields);
    if (metric.lacking(reference).isPresent() || fields.containsKey(InternalFields.WRONG)) {
      return said;
    }
    return metric
        .prefetch(said, reference)
        .orElseGet(
            () -> {
              reading.findings.add(
                  "no extraction in the file, and none without a language model: counts as wrong, so"
                      + " the score is a lower bound",
                  id);
              fields.put(InternalFields.WRONG, "no extraction");
              return said;
            });
  }

  /** Lines by id, with the verdict where the authors' script has been there. */
  Predictions mathVision() {
    Reading reading = new Reading(request, FileFormat.MATHVISION);
    Path answers = request.answers();
    @Nullable References references = answers == null ? null : References.mathVision(answers);
    JsonRows.read(
        request.file(),
        (place, node) -> {
          String id = id(FileFormat.MATHVISION, place, node, List.of("id"));
          reading.duplicate(id, id);
          Reference known = references == null ? Reference.of() : references.find(id);
          Map<String, String> fields =
              new LinkedHashMap<>(known == null ? Map.of() : known.fields());
          JsonTexts.optional(node.path("model_answer"))
              .ifPresent(cut -> fields.put(MathVisionAnswer.CUT_OUT, cut));
          Prediction said = reading.said(place, node, "response", id, fields);
          if (node.path("correct").isBoolean()) {
            fields.put(RecordedScore.FIELD, node.path("correct").asBoolean() ? "1.0" : "0.0");
          }
          if (known == null) {
            reading.unknown(id, id, said);
          } else {
            reading.add(
                id,
                fields.getOrDefault("category", ""),
                said,
                new Reference(known.answers(), fields));
          }
        });
    if (references != null) {
      references.unanswered(reading);
    }
    return reading.done();
  }

  /** Parsed answers by id, beside {@code answer_dict_val.json}; only answers count. */
  Predictions mmmu(ObjectNode file) {
    References references = References.mmmu(request.needed("MMMU", "its answer_dict_val.json"));
    Reading reading = new Reading(request, FileFormat.MMMU);
    for (Map.Entry<String, JsonNode> answer : file.properties()) {
      String id = answer.getKey();
      Map<String, String> fields = new LinkedHashMap<>();
      Prediction said = reading.said("\"" + id + "\"", file, id, id, fields);
      mmmuAnswer(reading, id, said, references.find(id), fields);
    }
    references.notCounted(reading);
    return reading.done();
  }

  private static void mmmuAnswer(
      Reading reading,
      String id,
      Prediction said,
      @Nullable Reference reference,
      Map<String, String> fields) {
    if (reference == null) {
      reading.unknown(id, id, said);
      return;
    }
    fields.putAll(reference.fields());
    reading.add(
        id, fields.getOrDefault("category", ""), said, new Reference(reference.answers(), fields));
  }

  /** Responses with all choices, or what was parsed of them. */
  Predictions mmmuResponses() {
    Reading reading = new Reading(request, FileFormat.MMMU);
    JsonRows.read(
        request.file(),
        (place, node) -> {
          String id = id(FileFormat.MMMU, place, node, List.of("id"));
          reading.duplicate(id, id);
          Map<String, String> fields = References.mmmuFields(id, node);
          Prediction said = reading.said(place, node, "response", id, fields);
          boolean choice = "multiple-choice".equals(fields.get("question_type"));
          if (choice && !fields.containsKey(InternalFields.WRONG)) {
            String letter = MmmuChoice.parsed(said.text(), node);
            if (letter.isEmpty()) {
              reading.findings.add(
                  "names no option, counts as wrong; the official code guesses one at random", id);
            }
            fields.put(InternalFields.SAID, said.text());
            said = new Prediction(letter);
          }
          Reference reference =
              new Reference(
                  JsonTexts.list(request.file(), "MMMU", place, "answer", node.path("answer")),
                  fields);
          reading.add(id, fields.getOrDefault("category", ""), said, reference);
        });
    return reading.done();
  }
}
