package org.optmerge.evaluation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.evaluation.Predictions.JsonLines;
import org.optmerge.metric.BoxScore;
import org.optmerge.metric.JudgedMetric;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;
import org.optmerge.metric.ScoringProfile;
import org.optmerge.python.Cell;
import org.optmerge.python.PandasColumn;
import org.optmerge.python.PandasTable;
import org.optmerge.python.PythonLiteral;
import org.optmerge.python.Spreadsheet;

/** Reads the prediction files of all kits; what kind a file is, it tells by itself. */
public final class PredictionFiles {
  /** The field with what a model said, of which a judge extracted an answer. */
  static final String SAID = "said";

  /** The field that says that an item needed no judge. */
  static final String PREFETCHED = "prefetched";

  static final String UNKNOWN = "unknown id, counts as wrong";
  static final String UNANSWERED = "in the answer file but without a prediction, counts as wrong";

  private static final String FETCHED = "Prefetch succeed";
  private static final long LONGEST = 1L << 30;

  private PredictionFiles() {}

  /**
   * Reads a file to be scored.
   *
   * @param file by a kit named in {@link FileFormat}
   * @param protocol of its data set
   * @param profile whose rules take an answer without a judge
   * @param answers the file with the references, where the kit keeps them apart; null if none
   * @throws PredictionFileException if it is of no known kind, is damaged, or lacks what the
   *     protocol needs
   */
  public static Predictions read(
      Path file, Protocol protocol, ScoringProfile profile, @Nullable Path answers) {
    String name = file.toString().toLowerCase(Locale.ROOT);
    if (!Files.isRegularFile(file)) {
      throw new PredictionFileException("%s: there is no such file".formatted(file));
    }
    if (name.endsWith(".xlsx") || name.endsWith(".tsv") || name.endsWith(".csv")) {
      return answers == null
          ? table(file, protocol, profile)
          : against(table(file, protocol, profile), answers, protocol);
    }
    if (name.endsWith(".jsonl")) {
      return lines(file, protocol, answers);
    }
    if (name.endsWith(".json")) {
      return array(file, protocol, answers);
    }
    throw new PredictionFileException(
        "%s: expected .jsonl (ours, lmms-eval, ModelCompose), .xlsx, .tsv or .csv (VLMEvalKit) or"
                .formatted(file)
            + " .json (InternVL)");
  }

  // VLMEvalKit

  private static Predictions table(Path file, Protocol protocol, ScoringProfile profile) {
    PandasTable table = PandasTable.read(file);
    for (String column : List.of("prediction", protocol.answerColumn())) {
      require(file, table, column);
    }
    if (protocol.report() == Protocol.Report.GROUNDING) {
      throw new PredictionFileException(
          "%s: %s is scored from lmms-eval or InternVL files".formatted(file, protocol.title()));
    }
    boolean judged = protocol.metric(profile, FileFormat.VLMEVALKIT) instanceof JudgedMetric;
    if (judged) {
      require(file, table, "choices");
      if (protocol == Protocol.MATHVISTA) {
        List.of("question_type", "answer_type", "answer_option")
            .forEach(column -> require(file, table, column));
      }
    }
    Reading reading = new Reading(protocol.title());
    List<Cell> predictions = table.column("prediction");
    List<Cell> answers = table.column(protocol.answerColumn());
    for (int r = 0; r < table.rows(); r++) {
      String id = table.has("index") ? table.column("index").get(r).text() : String.valueOf(r);
      reading.duplicate(id, id);
      if (predictions.get(r).missing()) {
        reading.findings.add(Predictions.MISSING, id);
      }
      Map<String, String> fields = fields(table, r);
      Reference reference =
          protocol.report() == Protocol.Report.PERCENT
              ? Reference.ofCell(answers.get(r).text(), fields)
              : new Reference(List.of(answers.get(r).text()), fields);
      reading.add(id, type(fields), Prediction.of(predictions.get(r)), reference);
    }
    if (!table.has("index")) {
      reading.findings.add("there is no column index; rows are numbered from 0", file.toString());
    }
    if (!judged) {
      return reading.of(FileFormat.VLMEVALKIT);
    }
    boolean extracted = table.has("res") && table.has("log");
    List<Predicted> result =
        extracted
            ? judged(reading.items, table.column("res"), table.column("log"))
            : prefetched(
                reading.items, (JudgedMetric) protocol.metric(profile, FileFormat.VLMEVALKIT));
    if (extracted) {
      return new Predictions(FileFormat.VLMEVALKIT_JUDGED, result, reading.findings.list());
    }
    Finding lowerBound =
        new Finding(
            "no judge's extraction in the file; counts as wrong where one is needed, so the score"
                + " is a lower bound",
            result.stream()
                .filter(item -> !item.field(PREFETCHED).equals("true"))
                .map(Predicted::id)
                .toList());
    reading.findings.addAll(List.of(lowerBound));
    return new Predictions(FileFormat.VLMEVALKIT, result, reading.findings.list());
  }

  /** Ids that the data set does not have, and ids without a prediction, count as wrong. */
  private static Predictions against(Predictions predictions, Path dataSet, Protocol protocol) {
    PandasTable table = PandasTable.read(dataSet);
    require(dataSet, table, "index");
    Findings findings = new Findings();
    findings.addAll(predictions.findings());
    Map<String, Integer> rows = new LinkedHashMap<>();
    for (int r = 0; r < table.rows(); r++) {
      rows.put(table.column("index").get(r).text(), r);
    }
    List<Predicted> items = new ArrayList<>();
    Set<String> answered = new HashSet<>();
    for (Predicted item : predictions.items()) {
      answered.add(item.id());
      if (rows.containsKey(item.id())) {
        items.add(item);
      } else {
        findings.add(UNKNOWN, item.id());
        items.add(wrong(item.id(), protocol, item.prediction(), item.reference().fields()));
      }
    }
    rows.forEach(
        (id, row) -> {
          if (!answered.contains(id)) {
            findings.add(UNANSWERED, id);
            items.add(wrong(id, protocol, new Prediction(""), fields(table, row)));
          }
        });
    return new Predictions(predictions.format(), items, findings.list());
  }

  private static Predicted wrong(
      String id, Protocol protocol, Prediction prediction, Map<String, String> known) {
    Map<String, String> fields = new LinkedHashMap<>(known);
    fields.put("unknown", "true");
    return new Predicted(
        id, protocol.title(), type(fields), prediction, new Reference(List.of(), fields), null);
  }

  private static void require(Path file, PandasTable table, String column) {
    if (!table.has(column)) {
      throw new PredictionFileException(
          "%s: has no column '%s'; its columns are %s"
              .formatted(file, column, table.columns().keySet()));
    }
  }

  private static Map<String, String> fields(PandasTable table, int row) {
    Map<String, String> fields = new LinkedHashMap<>();
    table
        .columns()
        .forEach(
            (name, cells) -> {
              if (!name.equals("prediction") && !cells.get(row).missing()) {
                fields.put(name, cells.get(row).text());
              }
            });
    return fields;
  }

  private static String type(Map<String, String> fields) {
    for (String name : List.of("split", "category", "task")) {
      if (fields.containsKey(name)) {
        return fields.get(name);
      }
    }
    return "";
  }

  /** With what a judge extracted in place of what was said. */
  private static List<Predicted> judged(
      List<Predicted> items, List<Cell> extracted, List<Cell> log) {
    List<Predicted> judged = new ArrayList<>();
    for (int r = 0; r < items.size(); r++) {
      boolean fetched = log.get(r).text().equals(FETCHED);
      judged.add(extracted(items.get(r), extracted.get(r), fetched));
    }
    return judged;
  }

  /** With what needs no judge, written to a table and read again as the official code does. */
  private static List<Predicted> prefetched(List<Predicted> items, JudgedMetric metric) {
    List<Cell> written = new ArrayList<>();
    List<Boolean> fetched = new ArrayList<>();
    for (Predicted item : items) {
      Prediction found = metric.prefetch(item.prediction(), item.reference()).orElse(null);
      fetched.add(found != null);
      written.add(found == null ? Cell.MISSING : written(found));
    }
    List<Cell> read = PandasColumn.DEFAULT.infer(written);
    List<Predicted> result = new ArrayList<>();
    for (int r = 0; r < items.size(); r++) {
      result.add(extracted(items.get(r), read.get(r), fetched.get(r)));
    }
    return result;
  }

  private static Cell written(Prediction found) {
    Double number = found.number();
    if (number == null) {
      return Spreadsheet.written(found.text());
    }
    return number == Math.rint(number) && Math.abs(number) < 0x1p63
        ? Cell.whole(java.math.BigInteger.valueOf(number.longValue()))
        : Cell.real(number);
  }

  private static Predicted extracted(Predicted item, Cell extracted, boolean fetched) {
    Map<String, String> fields = new LinkedHashMap<>(item.reference().fields());
    fields.put(SAID, item.prediction().text());
    fields.put(PREFETCHED, String.valueOf(fetched));
    return new Predicted(
        item.id(),
        item.task(),
        item.type(),
        Prediction.of(extracted),
        new Reference(item.reference().answers(), fields),
        null);
  }

  // JSON, one object a line

  private static Predictions lines(Path file, Protocol protocol, @Nullable Path answers) {
    ObjectNode first = firstLine(file);
    if (first.has("filtered_resps") || first.has("resps")) {
      return lmmsEval(file, protocol);
    }
    if (first.has("question_id") && first.has("text")) {
      return modelCompose(file, answers);
    }
    if (first.has("id") && first.has("prediction")) {
      return Predictions.read(file);
    }
    List<String> names = new ArrayList<>();
    first.fieldNames().forEachRemaining(names::add);
    throw new PredictionFileException(
        "%s: a line has %s; expected \"id\" and \"prediction\" (ours), \"filtered_resps\""
                .formatted(file, names)
            + " (lmms-eval), or \"question_id\" and \"text\" (ModelCompose)");
  }

  private static ObjectNode firstLine(Path file) {
    try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      long number = 1;
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (!line.isBlank()) {
          return JsonLines.object(
              file, number, line.startsWith("\ufeff") ? line.substring(1) : line);
        }
        number++;
      }
    } catch (CharacterCodingException e) {
      throw new PredictionFileException("%s: not valid UTF-8".formatted(file), e);
    } catch (IOException e) {
      throw new PredictionFileException(
          "%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
    throw new PredictionFileException("%s: is empty".formatted(file));
  }

  private static Predictions lmmsEval(Path file, Protocol protocol) {
    if (protocol.report() != Protocol.Report.GROUNDING) {
      throw new PredictionFileException(
          "%s: of lmms-eval samples, RefCOCO, RefCOCO+ and RefCOCOg are scored; not %s"
              .formatted(file, protocol.title()));
    }
    Reading reading = new Reading(protocol.title());
    JsonLines.read(
        file,
        (line, node) -> {
          String id = JsonLines.required(file, line, node, "doc_id").asText();
          if (!reading.seen.add(id)) {
            reading.findings.add(
                "the same doc_id again, left out: lmms-eval appends to its files", id);
            return;
          }
          JsonNode answer = node.path("filtered_resps").path(0);
          if (!answer.isTextual()) {
            throw new PredictionFileException(
                "%s: line %d: filtered_resps holds no text".formatted(file, line));
          }
          JsonNode doc = node.path("doc");
          Map<String, String> fields = new LinkedHashMap<>();
          fields.put("bbox", box(file, line, doc.path("bbox")));
          fields.put("question_id", doc.path("question_id").asText());
          fields.put("answer", doc.path("answer").asText());
          Prediction said = reading.said(answer.asText(), id);
          reading.add(id, "", said, new Reference(List.of(), fields));
        });
    return reading.of(FileFormat.LMMS_EVAL);
  }

  private static String box(Path file, long line, JsonNode sides) {
    if (!(sides instanceof ArrayNode array) || array.size() != 4) {
      throw new PredictionFileException(
          "%s: entry %d: expected a box of four numbers, came %s".formatted(file, line, sides));
    }
    double[] box = new double[4];
    for (int k = 0; k < 4; k++) {
      box[k] = array.get(k).asDouble(Double.NaN);
      if (!array.get(k).isNumber() || !Double.isFinite(box[k])) {
        throw new PredictionFileException(
            "%s: entry %d: expected a box of four numbers, came %s".formatted(file, line, sides));
      }
    }
    return BoxScore.field(box);
  }

  private static Predictions modelCompose(Path file, @Nullable Path answers) {
    if (answers == null) {
      throw new PredictionFileException(
          "%s: ModelCompose keeps references apart; name its answer file with --answers"
              .formatted(file));
    }
    Map<JsonNode, ObjectNode> references = modelComposeAnswers(answers);
    Reading reading = new Reading("");
    JsonLines.read(
        file,
        (line, node) -> {
          JsonNode id = JsonLines.required(file, line, node, "question_id");
          String text = JsonLines.required(file, line, node, "text").asText();
          reading.duplicate(id, id.toString());
          Prediction said = reading.said(text, id.toString());
          ObjectNode reference = references.get(id);
          Map<String, String> fields = new LinkedHashMap<>();
          List<String> right = new ArrayList<>();
          if (reference == null) {
            // 1 and "1" are different ids, there as here.
            reading.findings.add(UNKNOWN, id.toString());
            fields.put("unknown", "true");
          } else {
            JsonNode turns = reference.path("conversations");
            right.add(turns.path(turns.size() - 1).path("value").asText());
            typeOf(reference, fields);
          }
          Reference known = new Reference(right, fields);
          reading.add(id.asText(), fields.getOrDefault("type", ""), said, known);
        });
    references.keySet().stream()
        .filter(id -> !reading.seen.contains(id))
        .forEach(
            id ->
                reading.findings.add(
                    "in the answer file but not predicted; not counted by the official code",
                    id.toString()));
    return reading.of(FileFormat.MODELCOMPOSE);
  }

  /** MUSIC-AVQA's own files name the modality and the type of a question. */
  private static void typeOf(ObjectNode reference, Map<String, String> fields) {
    JsonNode type = reference.path("type");
    List<@Nullable Object> parts = new ArrayList<>();
    if (type instanceof ArrayNode array) {
      array.forEach(part -> parts.add(part.asText()));
    } else if (type.isTextual()) {
      parts.addAll(PythonLiteral.list(type.asText()).orElse(List.of()));
    }
    if (!parts.isEmpty()) {
      fields.put("type", parts.stream().map(PythonLiteral::text).collect(Collectors.joining("/")));
    }
  }

  private static Map<JsonNode, ObjectNode> modelComposeAnswers(Path file) {
    Map<JsonNode, ObjectNode> answers = new LinkedHashMap<>();
    for (JsonNode node : elements(file)) {
      if (!(node instanceof ObjectNode object) || !object.has("id")) {
        throw new PredictionFileException(
            "%s: expected an array of objects with \"id\" and \"conversations\"".formatted(file));
      }
      answers.put(object.path("id"), object);
    }
    return answers;
  }

  // InternVL

  private static Predictions array(Path file, Protocol protocol, @Nullable Path answers) {
    ArrayNode elements = elements(file);
    JsonNode first = elements.path(0);
    if (first.has("gt_bbox") && first.has("hw")) {
      return internVlGrounding(file, elements, protocol);
    }
    if (answers != null && first.has("questionId")) {
      return internVlAnnotated(file, elements, answers, protocol);
    }
    if (first.has("answer") && first.hasNonNull("annotation")) {
      return internVlVqa(file, elements, protocol);
    }
    throw new PredictionFileException(
        "%s: expected an array by InternVL, of objects with \"answer\" and either \"gt_bbox\" and"
                .formatted(file)
            + " \"hw\", or \"annotation\", or \"questionId\" and a file with --answers");
  }

  private static ArrayNode elements(Path file) {
    try {
      JsonNode node = Json.strict().readTree(text(file));
      if (node instanceof ArrayNode array) {
        return array;
      }
      if (node.path("data") instanceof ArrayNode data) {
        return data;
      }
      throw new PredictionFileException("%s: expected a JSON array".formatted(file));
    } catch (JsonProcessingException e) {
      throw new PredictionFileException(
          "%s: not valid JSON: %s; is the file cut off?"
              .formatted(file, e.getOriginalMessage().lines().findFirst().orElse("")),
          e);
    }
  }

  private static String text(Path file) {
    try {
      if (Files.size(file) > LONGEST) {
        throw new PredictionFileException(
            "%s: has %d bytes; a JSON array is read up to %d"
                .formatted(file, Files.size(file), LONGEST));
      }
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new PredictionFileException("%s: not valid UTF-8".formatted(file), e);
    } catch (IOException e) {
      throw new PredictionFileException(
          "%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  private static Predictions internVlGrounding(Path file, ArrayNode elements, Protocol protocol) {
    Reading reading = new Reading(protocol.title());
    for (int i = 0; i < elements.size(); i++) {
      JsonNode node = elements.get(i);
      Map<String, String> fields = new LinkedHashMap<>();
      fields.put("bbox", box(file, i, node.path("gt_bbox")));
      fields.put("height", node.path("hw").path(0).asText());
      fields.put("width", node.path("hw").path(1).asText());
      Prediction said = answer(file, i, node, reading);
      reading.add(String.valueOf(i), "", said, new Reference(List.of(), fields));
    }
    return reading.of(FileFormat.INTERNVL_GROUNDING);
  }

  private static Predictions internVlVqa(Path file, ArrayNode elements, Protocol protocol) {
    Reading reading = new Reading(protocol.title());
    for (int i = 0; i < elements.size(); i++) {
      JsonNode node = elements.get(i);
      Prediction said = answer(file, i, node, reading);
      Reference right = new Reference(texts(node.path("annotation")), Map.of());
      reading.add(String.valueOf(i), "", said, right);
    }
    return reading.of(FileFormat.INTERNVL_VQA);
  }

  /** References apart, one for each question; their order is that of the sums. */
  private static Predictions internVlAnnotated(
      Path file, ArrayNode elements, Path answers, Protocol protocol) {
    Reading reading = new Reading(protocol.title());
    Map<String, Prediction> given = new HashMap<>();
    for (int i = 0; i < elements.size(); i++) {
      JsonNode node = elements.get(i);
      String id = node.path("questionId").asText();
      if (given.put(id, answer(file, i, node, reading)) != null) {
        reading.findings.add("the same id again; the last one counts", id);
      }
    }
    for (JsonNode node : elements(answers)) {
      String id = node.path("questionId").asText();
      reading.seen.add(id);
      Prediction prediction = given.get(id);
      if (prediction == null) {
        reading.findings.add(UNANSWERED, id);
      }
      Map<String, String> fields = new LinkedHashMap<>();
      for (String name : List.of("answer_type", "evidence", "operation/reasoning")) {
        fields.put(name, texts(node.path(name)).stream().collect(Collectors.joining("\n")));
      }
      if (prediction == null) {
        fields.put("unknown", "true");
      }
      Prediction said = prediction == null ? new Prediction("") : prediction;
      reading.add(id, "", said, new Reference(texts(node.path("answers")), fields));
    }
    given.keySet().stream()
        .filter(id -> !reading.seen.contains(id))
        .sorted()
        .forEach(id -> reading.findings.add("not in the answer file, not counted", id));
    return reading.of(FileFormat.INTERNVL_VQA);
  }

  private static Prediction answer(Path file, int index, JsonNode node, Reading reading) {
    JsonNode answer = node.get("answer");
    if (answer == null) {
      throw new PredictionFileException("%s: entry %d has no \"answer\"".formatted(file, index));
    }
    return reading.said(answer.asText(), String.valueOf(index));
  }

  private static List<String> texts(JsonNode node) {
    List<String> texts = new ArrayList<>();
    if (node instanceof ArrayNode array) {
      array.forEach(text -> texts.add(text.asText()));
    } else if (!node.isMissingNode() && !node.isNull()) {
      texts.add(node.asText());
    }
    return texts;
  }

  /** The items of a file, and what is odd about them, as they are read. */
  private static final class Reading {
    private final String task;
    private final List<Predicted> items = new ArrayList<>();
    private final Findings findings = new Findings();
    private final Set<Object> seen = new HashSet<>();

    Reading(String task) {
      this.task = task;
    }

    void duplicate(Object id, String shown) {
      if (!seen.add(id)) {
        findings.add(Predictions.DUPLICATE, shown);
      }
    }

    Prediction said(String text, String id) {
      if (text.isEmpty()) {
        findings.add(Predictions.EMPTY, id);
      }
      return new Prediction(text);
    }

    void add(String id, String type, Prediction prediction, Reference reference) {
      items.add(new Predicted(id, task, type, prediction, reference, null));
    }

    Predictions of(FileFormat format) {
      return new Predictions(format, items, findings.list());
    }
  }
}
