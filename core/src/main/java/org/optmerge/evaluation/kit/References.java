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
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.optmerge.evaluation.JsonRows;
import org.optmerge.evaluation.JsonRows.Beginning;
import org.optmerge.evaluation.JsonRows.Shape;
import org.optmerge.evaluation.JsonTexts;
import org.optmerge.evaluation.PredictionFileException;
import org.optmerge.metric.Reference;
import org.optmerge.python.PythonLiteral;
import org.optmerge.python.PythonText;

/** The references of a data set as its authors publish them, by id. */
final class References {
  private static final List<String> ARRAYS = List.of("annotations", "data", "questions");

  /** What a single object has that is a reference itself, and not an object of references. */
  private static final List<String> IDS =
      List.of("id", "pid", "question_id", "questionId", "image_id");

  private final Map<String, Reference> byId = new LinkedHashMap<>();

  /** Other names of the same questions, such as those of their pictures. */
  private final Map<String, String> aliases = new LinkedHashMap<>();

  private final Set<String> asked = new HashSet<>();

  private References() {}

  /** The reference of an id or another name of its question; null if there is none. */
  @Nullable Reference find(String id) {
    String known = byId.containsKey(id) ? id : aliases.get(id);
    if (known == null) {
      return null;
    }
    asked.add(known);
    return byId.get(known);
  }

  /** Names what was not predicted, where the kit counts only what was. */
  void notCounted(Reading reading) {
    byId.keySet().stream()
        .filter(id -> !asked.contains(id))
        .forEach(id -> reading.findings.add(Reading.NOT_COUNTED, id));
  }

  /** Counts what was not predicted as wrong, where the kit goes by the references. */
  void unanswered(Reading reading) {
    byId.forEach(
        (id, reference) -> {
          if (!asked.contains(id)) {
            reading.unanswered(id, "", reference);
          }
        });
  }

  /** All, in the order of the file. */
  Map<String, Reference> all() {
    return byId;
  }

  /** Forgets what does not belong to the predicted split, if questions say of which they are. */
  void onlySplitsOf(Set<String> predicted) {
    Set<String> splits =
        predicted.stream()
            .flatMap(id -> Optional.ofNullable(byId.get(id)).stream())
            .map(reference -> reference.fields().getOrDefault("split", ""))
            .collect(Collectors.toSet());
    byId.values()
        .removeIf(reference -> !splits.contains(reference.fields().getOrDefault("split", "")));
  }

  private interface Entry {
    void take(String place, String key, ObjectNode node);
  }

  /** Makes the reference of an object whose id is known. */
  private interface Maker {
    Reference make(String place, String id, ObjectNode node);
  }

  /**
   * Reads the references of a file in which every object is one.
   *
   * @param what the file should be, for the error if nothing in it is a reference
   * @param idNames fields that may hold the id; objects without one are passed over
   */
  private static References read(Path file, String what, List<String> idNames, Maker maker) {
    References references = new References();
    String[] names = idNames.toArray(String[]::new);
    entries(
        file,
        (place, key, node) ->
            id(node, key, names)
                .ifPresent(id -> references.byId.put(id, maker.make(place, id, node))));
    return references.required(file, what);
  }

  /** Goes through the objects of an array, of an array inside an object, or of an object by key. */
  private static void entries(Path file, Entry entry) {
    Beginning beginning = JsonRows.beginning(file);
    ObjectNode whole = beginning.first();
    if (beginning.shape() != Shape.OBJECT || whole == null) {
      JsonRows.read(file, (place, node) -> entry.take(place, "", node));
      return;
    }
    for (String name : ARRAYS) {
      if (whole.path(name).isArray()) {
        int number = 0;
        for (JsonNode node : whole.path(name)) {
          String place = "entry %d of \"%s\"".formatted(number++, name);
          if (!(node instanceof ObjectNode object)) {
            throw new PredictionFileException("%s: %s: expected an object".formatted(file, place));
          }
          entry.take(place, "", object);
        }
        return;
      }
    }
    if (IDS.stream().anyMatch(whole::has)) {
      entry.take("line 1", "", whole);
      return;
    }
    whole
        .properties()
        .forEach(
            field -> {
              if (field.getValue() instanceof ObjectNode object) {
                entry.take("\"" + field.getKey() + "\"", field.getKey(), object);
              }
            });
  }

  private References required(Path file, String expected) {
    if (byId.isEmpty()) {
      throw new PredictionFileException(
          "%s: holds no references; expected %s".formatted(file, expected));
    }
    return this;
  }

  private static void put(Map<String, String> fields, String name, JsonNode value) {
    if (!value.isNull() && !value.isMissingNode() && !value.isObject()) {
      fields.put(name, JsonTexts.python(value));
    }
  }

  private static Map<String, String> fields(ObjectNode node, String... names) {
    Map<String, String> fields = new LinkedHashMap<>();
    for (String name : names) {
      put(fields, name, node.path(name));
    }
    return fields;
  }

  private static Optional<String> id(ObjectNode node, String key, String... names) {
    for (String name : names) {
      Optional<String> id = JsonTexts.id(node.path(name));
      if (id.isPresent()) {
        return id;
      }
    }
    return key.isEmpty() ? Optional.empty() : Optional.of(key);
  }

  /**
   * VQA's annotations, TextVQA's {@code data}, VizWiz's array: the answers of ten people, by {@code
   * question_id}, by picture, and by picture and question.
   */
  static References vqa(Request request, Path file) {
    References references = new References();
    entries(
        file,
        (place, key, node) -> {
          JsonNode answers = node.path("answers");
          Optional<String> picture =
              JsonTexts.id(node.path("image_id")).or(() -> JsonTexts.id(node.path("image")));
          Optional<String> id = id(node, key, "question_id", "questionId").or(() -> picture);
          if (id.isEmpty()) {
            return;
          }
          List<String> accepted = new ArrayList<>();
          answers.forEach(
              answer ->
                  accepted.add(
                      JsonTexts.scalar(
                          file,
                          "VQA's annotations",
                          place,
                          "answers",
                          answer.isObject() ? answer.path("answer") : answer)));
          references.byId.put(
              id.get(),
              new Reference(accepted, fields(node, "question", "answer_type", "question_type")));
          picture.ifPresent(
              image -> {
                references.aliases.putIfAbsent(image, id.get());
                JsonTexts.optional(node.path("question"))
                    .ifPresent(
                        question ->
                            references.aliases.put(pictureAndQuestion(image, question), id.get()));
              });
        });
    return references.required(
        file,
        "VQA's annotations, with \"question_id\" or \"image\" and \"answers\" (%s)"
            .formatted(request.protocol().title()));
  }

  /** The key of a question by its picture, as LLaVA looks for TextVQA's. */
  static String pictureAndQuestion(String image, String question) {
    return image + "\n" + PythonText.lower(question);
  }

  /** GQA's questions by id. Only balanced ones are counted, where they say so. */
  static References gqa(Path file) {
    References references = new References();
    entries(
        file,
        (place, key, node) -> {
          Optional<String> id = id(node, key, "questionId", "question_id");
          JsonNode answer = node.path("answer");
          boolean balanced = node.path("isBalanced").asBoolean(true);
          if (id.isPresent() && balanced && !answer.isMissingNode()) {
            references.byId.put(
                id.get(),
                new Reference(
                    JsonTexts.list(file, "GQA's questions", place, "answer", answer),
                    fields(node, "question")));
          }
        });
    return references.required(file, "GQA's questions, such as testdev_balanced_questions.json");
  }

  /** {@code data} of the Robust Reading Competition, with the types of InfographicVQA. */
  static References rrc(Path file) {
    return read(
        file,
        "\"data\" with \"questionId\" and \"answers\"",
        List.of("questionId"),
        (place, id, node) -> {
          Map<String, String> fields = fields(node, "question");
          for (String name : List.of("answer_type", "evidence", "operation/reasoning")) {
            List<String> values = JsonTexts.list(file, "RRC", place, name, node.path(name));
            fields.put(name, String.join("\n", values));
          }
          return new Reference(
              JsonTexts.list(file, "RRC", place, "answers", node.path("answers")), fields);
        });
  }

  /** ScienceQA's problems, or conversations whose last turn states the letter. */
  static References scienceQa(Path file) {
    return read(
        file,
        "ScienceQA's problems.json",
        List.of("id", "question_id"),
        (place, id, node) -> {
          Map<String, String> fields = fields(node, "question", "split", "choices");
          JsonNode answer = node.path("answer");
          JsonNode turns = node.path("conversations");
          List<String> accepted = new ArrayList<>();
          if (answer.isIntegralNumber()) {
            accepted.add(String.valueOf((char) ('A' + answer.asInt())));
          } else if (answer.isTextual()) {
            accepted.add(answer.textValue());
          } else if (turns.size() > 0) {
            LlavaReader.letter(turns.path(turns.size() - 1).path("value").asText())
                .ifPresent(accepted::add);
            JsonTexts.optional(turns.path(0).path("value"))
                .ifPresent(question -> fields.put("question", question));
          }
          return new Reference(accepted, fields);
        });
  }

  /** MathVista's problems. */
  static References mathVista(Path file) {
    return read(
        file,
        "MathVista's problems by pid, with \"answer\"",
        List.of("pid"),
        (place, id, node) -> mathVistaProblem(file, place, node));
  }

  static Reference mathVistaProblem(Path file, String place, ObjectNode node) {
    Map<String, String> fields =
        fields(node, "question", "question_type", "answer_type", "choices", "precision");
    node.path("metadata")
        .properties()
        .forEach(field -> put(fields, field.getKey(), field.getValue()));
    return new Reference(
        JsonTexts.list(file, "MathVista", place, "answer", node.path("answer")), fields);
  }

  /** MATH-V's questions, one a line. */
  static References mathVision(Path file) {
    return read(
        file,
        "MATH-V's test.jsonl",
        List.of("id"),
        (place, id, node) -> {
          JsonNode options = node.path("options");
          Map<String, String> fields = fields(node, "question", "level");
          fields.put("choices", options.isArray() ? JsonTexts.python(options) : "[]");
          JsonTexts.optional(node.path("subject"))
              .ifPresent(subject -> fields.put("category", subject));
          return new Reference(
              JsonTexts.list(file, "MATH-V", place, "answer", node.path("answer")), fields);
        });
  }

  /** MMMU's {@code answer_dict_val.json}. */
  static References mmmu(Path file) {
    return read(
        file,
        "MMMU's answer_dict_val.json",
        List.of("id"),
        (place, id, node) -> {
          String name = node.has("ground_truth") ? "ground_truth" : "answer";
          return new Reference(
              JsonTexts.list(file, "MMMU", place, name, node.path(name)), mmmuFields(id, node));
        });
  }

  static Map<String, String> mmmuFields(String id, ObjectNode node) {
    Map<String, String> fields = fields(node, "question_type");
    String[] parts = id.split("_");
    if (parts.length > 2) {
      fields.put("category", String.join("_", List.of(parts).subList(1, parts.length - 1)));
    }
    return fields;
  }

  /** MUSIC-AVQA's own questions; {@code anser} is how they spell it. */
  static References musicAvqa(Path file) {
    return read(
        file,
        "MUSIC-AVQA's avqa-test.json, with \"question_id\" and \"anser\"",
        List.of("question_id"),
        (place, id, node) -> {
          String name = node.has("anser") ? "anser" : "answer";
          Map<String, String> fields = new LinkedHashMap<>();
          JsonTexts.optional(node.path("question_content"))
              .ifPresent(question -> fields.put("question", question));
          type(node, fields);
          return new Reference(
              JsonTexts.list(file, "MUSIC-AVQA", place, name, node.path(name)), fields);
        });
  }

  /** MUSIC-AVQA's own files name the modality and the type of a question. */
  static void type(ObjectNode node, Map<String, String> fields) {
    JsonNode type = node.path("type");
    List<@Nullable Object> parts = new ArrayList<>();
    if (type.isArray()) {
      type.forEach(part -> parts.add(part.asText()));
    } else if (type.isTextual()) {
      parts.addAll(PythonLiteral.list(type.asText()).orElse(List.of()));
    }
    if (!parts.isEmpty()) {
      fields.put("type", parts.stream().map(PythonLiteral::text).collect(Collectors.joining("/")));
    }
  }
}
