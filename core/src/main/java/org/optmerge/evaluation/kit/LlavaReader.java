package org.optmerge.evaluation.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.optmerge.evaluation.FileFormat;
import org.optmerge.evaluation.JsonRows;
import org.optmerge.evaluation.JsonRows.Beginning;
import org.optmerge.evaluation.JsonTexts;
import org.optmerge.evaluation.PredictionFileException;
import org.optmerge.evaluation.Predictions;
import org.optmerge.evaluation.Protocol;
import org.optmerge.metric.OptionLetter;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;

/**
 * Reads LLaVA's answers and ModelCompose's, which have one form: {@code question_id}, {@code
 * prompt}, {@code text}, one object a line; references are apart.
 */
final class LlavaReader {
  private static final Pattern OCR_PROMPT = Pattern.compile("(?s)Question: (.*?) Short answer:");

  private final Request request;
  private final Protocol protocol;

  LlavaReader(Request request) {
    this.request = request;
    this.protocol = request.protocol();
  }

  Predictions read() {
    return switch (protocol) {
      case AVQA, MUSIC_AVQA -> modelCompose();
      case SCIENCEQA -> scienceQa();
      case GQA -> byId(References.gqa(request.needed("LLaVA", "GQA's questions")), true);
      case VIZWIZ ->
          byId(References.vqa(request, request.needed("LLaVA", "VizWiz's annotations")), true);
      case TEXTVQA -> textVqa();
      default -> {
        protocol.metric(request.profile(), FileFormat.LLAVA);
        throw new PredictionFileException(
            "%s: %s from LLaVA's answers is not read".formatted(request.file(), protocol.title()));
      }
    };
  }

  /** The letter that a text states as LLaVA reads it. */
  static Optional<String> letter(String text) {
    return List.of("A", "B", "C", "D", "E").stream()
        .filter(letter -> OptionLetter.LLAVA.score(new Prediction(text), Reference.of(letter)) == 1)
        .findFirst();
  }

  private interface Line {
    void take(String place, String id, ObjectNode node);
  }

  private void lines(Reading reading, Line line) {
    JsonRows.read(
        request.file(),
        (place, node) -> {
          JsonNode id = JsonRows.required(request.file(), place, node, "question_id");
          JsonRows.required(request.file(), place, node, "text");
          line.take(
              place,
              JsonTexts.id(id)
                  .orElseGet(
                      () ->
                          JsonTexts.scalar(
                              request.file(), "LLaVA answers", place, "question_id", id)),
              node);
        });
  }

  private static Map<String, String> fields(ObjectNode node) {
    Map<String, String> fields = new LinkedHashMap<>();
    JsonTexts.optional(node.path("prompt"))
        .ifPresent(
            prompt -> {
              fields.put("question", prompt);
              fields.put("image", String.valueOf(prompt.contains("<image>")));
            });
    return fields;
  }

  private Predictions byId(References references, boolean all) {
    Reading reading = new Reading(request, FileFormat.LLAVA);
    lines(
        reading,
        (place, id, node) -> {
          reading.duplicate(id, id);
          scored(reading, place, id, node, references.find(id));
        });
    if (all) {
      references.unanswered(reading);
    }
    return reading.done();
  }

  private void scored(
      Reading reading, String place, String id, ObjectNode node, @Nullable Reference reference) {
    Map<String, String> fields = fields(node);
    Prediction said = reading.said(place, node, "text", id, fields);
    if (reference == null) {
      reading.unknown(id, id, said);
      return;
    }
    Map<String, String> all = new LinkedHashMap<>(reference.fields());
    all.putAll(fields);
    reading.add(id, "", said, new Reference(reference.answers(), all));
  }

  private Predictions scienceQa() {
    Path answers = request.needed("LLaVA", "ScienceQA's problems.json");
    References references = References.scienceQa(answers);
    Set<String> predicted = new HashSet<>();
    Reading ids = new Reading(request, FileFormat.LLAVA);
    lines(ids, (place, id, node) -> predicted.add(id));
    references.onlySplitsOf(predicted);
    return byId(references, true);
  }

  /** By picture and question, which is cut out of the prompt; only answers count. */
  private Predictions textVqa() {
    References references =
        References.vqa(request, request.needed("LLaVA", "TextVQA_0.5.1_val.json"));
    Reading reading = new Reading(request, FileFormat.LLAVA);
    Set<String> seen = new HashSet<>();
    lines(
        reading,
        (place, id, node) -> {
          String question = question(JsonTexts.optional(node.path("prompt")).orElse(""));
          Reference reference = references.find(References.pictureAndQuestion(id, question));
          String own = seen.add(id) ? id : id + ": " + question;
          reading.duplicate(own, own);
          scored(reading, place, own, node, reference == null ? references.find(id) : reference);
        });
    references.notCounted(reading);
    return reading.done();
  }

  private static String question(String prompt) {
    if (prompt.startsWith("OCR tokens: ")) {
      Matcher between = OCR_PROMPT.matcher(prompt);
      return between.find() ? between.group(1) : prompt;
    }
    String[] lines = prompt.split("\n", -1);
    return prompt.startsWith("Reference OCR token:") && lines.length == 3 ? lines[1] : lines[0];
  }

  // ModelCompose: 1 and "1" are different ids, there as here.

  private Predictions modelCompose() {
    Path answers = request.needed("ModelCompose", "its answer file");
    Beginning beginning = JsonRows.beginning(answers);
    ObjectNode first = beginning.first();
    if (first != null && first.has("anser")) {
      return authors(References.musicAvqa(answers), FileFormat.MODELCOMPOSE);
    }
    Map<JsonNode, ObjectNode> references = new LinkedHashMap<>();
    JsonRows.read(
        answers,
        (place, node) -> {
          if (!node.has("id") || !node.path("conversations").isArray()) {
            throw new PredictionFileException(
                "%s: %s: ModelCompose's answer file has \"id\" and \"conversations\"; it has %s"
                    .formatted(answers, place, JsonRows.names(node)));
          }
          references.put(node.path("id"), node);
        });
    Reading reading = new Reading(request, FileFormat.MODELCOMPOSE);
    JsonRows.read(
        request.file(),
        (place, node) -> {
          JsonNode id = JsonRows.required(request.file(), place, node, "question_id");
          JsonRows.required(request.file(), place, node, "text");
          reading.duplicate(id, id.toString());
          Map<String, String> fields = fields(node);
          Prediction said = reading.said(place, node, "text", id.toString(), fields);
          ObjectNode reference = references.get(id);
          String shown = JsonTexts.id(id).orElse(id.toString());
          if (reference == null) {
            reading.unknown(shown, id.toString(), said);
            return;
          }
          JsonNode turns = reference.path("conversations");
          List<String> right = new ArrayList<>();
          JsonTexts.optional(turns.path(turns.size() - 1).path("value")).ifPresent(right::add);
          References.type(reference, fields);
          reading.add(shown, fields.getOrDefault("type", ""), said, new Reference(right, fields));
        });
    references.keySet().stream()
        .filter(id -> !reading.hasSeen(id))
        .forEach(id -> reading.findings.add(Reading.NOT_COUNTED, id.toString()));
    return reading.done();
  }

  private Predictions authors(References references, FileFormat format) {
    Reading reading = new Reading(request, format);
    lines(
        reading,
        (place, id, node) -> {
          reading.duplicate(id, id);
          Reference reference = references.find(id);
          Map<String, String> fields = fields(node);
          Prediction said = reading.said(place, node, "text", id, fields);
          if (reference == null) {
            reading.unknown(id, id, said);
          } else {
            fields.putAll(reference.fields());
            reading.add(
                id,
                fields.getOrDefault("type", ""),
                said,
                new Reference(reference.answers(), fields));
          }
        });
    references.notCounted(reading);
    return reading.done();
  }
}
