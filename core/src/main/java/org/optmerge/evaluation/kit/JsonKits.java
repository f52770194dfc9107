package org.optmerge.evaluation.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.optmerge.evaluation.FileFormat;
import org.optmerge.evaluation.JsonRows;
import org.optmerge.evaluation.JsonRows.Beginning;
import org.optmerge.evaluation.JsonRows.Shape;
import org.optmerge.evaluation.JsonTexts;
import org.optmerge.evaluation.PredictionFileException;
import org.optmerge.evaluation.Predictions;
import org.optmerge.evaluation.Protocol;
import org.optmerge.python.Cell;
import org.optmerge.python.PandasColumn;
import org.optmerge.python.PandasTable;

/** Tells by its fields which kit wrote a JSON file, and reads it. */
final class JsonKits {
  private static final String KNOWN =
      "\"id\" and \"prediction\" (ours), \"filtered_resps\" (lmms-eval), \"index\" and"
          + " \"prediction\" (VLMEvalKit), \"answer\" with \"annotation\" or \"gt_bbox\" (InternVL),"
          + " \"question_id\" and \"text\" (LLaVA, ModelCompose), \"questionId\" and"
          + " \"prediction\" (GQA), \"question_id\", \"questionId\" or \"image\" with \"answer\""
          + " (VQA, RRC), \"pid\" and \"response\" (MathVista), \"id\" and \"response\" (MATH-V,"
          + " MMMU)";

  private final Request request;
  private final Protocol protocol;

  private JsonKits(Request request) {
    this.request = request;
    this.protocol = request.protocol();
  }

  static Predictions read(Request request) {
    Beginning beginning = JsonRows.beginning(request.file());
    ObjectNode first = beginning.first();
    if (first == null) {
      throw new PredictionFileException(
          "%s: is an empty array: there are no predictions to score".formatted(request.file()));
    }
    JsonKits kits = new JsonKits(request);
    return beginning.shape() == Shape.OBJECT ? kits.object(first) : kits.rows(first);
  }

  private Predictions object(ObjectNode file) {
    if (file.path("logs").isArray()) {
      require(FileFormat.LMMS_EVAL);
      return new LmmsEvalReader(request).logs(file);
    }
    if (file.path("results").isObject() && file.has("outputs")) {
      require(FileFormat.SCIENCEQA);
      return new AuthorsReader(request).scienceQa(file);
    }
    if (file.path("results").isObject()) {
      throw LmmsEvalReader.results(request, file);
    }
    if (isRow(file)) {
      return rows(file);
    }
    for (String name : List.of("annotations", "data", "questions")) {
      if (file.path(name).isArray()) {
        throw new PredictionFileException(
            "%s: \"%s\" holds references, no predictions; name it with --answers"
                .formatted(request.file(), name));
      }
    }
    JsonNode value = file.elements().hasNext() ? file.elements().next() : file;
    if (value.isObject() && (value.has("response") || value.has("extraction"))) {
      require(FileFormat.MATHVISTA);
      return new AuthorsReader(request).mathVista(file);
    }
    boolean flat =
        !file.isEmpty()
            && StreamSupport.stream(file.spliterator(), false).allMatch(JsonNode::isValueNode);
    if (flat && protocol == Protocol.MMMU) {
      return new AuthorsReader(request).mmmu(file);
    }
    throw unknown(file);
  }

  private static boolean isRow(ObjectNode node) {
    return node.has("filtered_resps")
        || node.has("resps")
        || node.has("gt_bbox")
        || (node.has("prediction")
            && (node.has("id")
                || node.has("index")
                || node.has("questionId")
                || node.has("question_id")))
        || (node.has("question_id") && node.has("text"))
        || (node.has("id") && node.has("response"))
        || (node.has("answer")
            && (node.has("annotation")
                || node.has("gt_answers")
                || node.has("question_id")
                || node.has("questionId")
                || node.has("image")));
  }

  private Predictions rows(ObjectNode first) {
    if (first.has("filtered_resps") || first.has("resps")) {
      require(FileFormat.LMMS_EVAL);
      return new LmmsEvalReader(request).lines();
    }
    if (first.has("gt_bbox") && first.has("hw")) {
      require(FileFormat.INTERNVL_GROUNDING);
      return new InternVlReader(request).grounding();
    }
    if (first.has("index") && first.has("prediction")) {
      return new VlmEvalKitReader(request, table(), PandasColumn::ofRecords).read();
    }
    if (first.has("question_id") && first.has("text")) {
      require(isAudio() ? FileFormat.MODELCOMPOSE : FileFormat.LLAVA);
      return new LlavaReader(request).read();
    }
    if (first.has("id") && first.has("prediction")) {
      return new OptmergeReader(request).read();
    }
    AuthorsReader authors = new AuthorsReader(request);
    if (first.has("questionId") && first.has("prediction")) {
      require(FileFormat.GQA);
      return authors.gqa();
    }
    if (first.has("id") && first.has("response")) {
      boolean choices = first.has("all_choices") || first.has("question_type");
      require(choices ? FileFormat.MMMU : FileFormat.MATHVISION);
      return choices ? authors.mmmuResponses() : authors.mathVision();
    }
    if (protocol == Protocol.MUSIC_AVQA && first.has("question_id")) {
      for (String name : List.of("answer", "prediction", "predict", "pred")) {
        if (first.has(name)) {
          return authors.musicAvqa(name);
        }
      }
    }
    if (first.has("answer")) {
      return answers(first, authors);
    }
    throw unknown(first);
  }

  /** Rows with an id and {@code answer}: InternVL's where they have a question, else servers'. */
  private Predictions answers(ObjectNode first, AuthorsReader authors) {
    InternVlReader internVl = new InternVlReader(request);
    boolean reading = protocol == Protocol.DOCVQA || protocol == Protocol.INFOVQA;
    boolean annotated = first.has("annotation") || first.has("gt_answers");
    if (annotated) {
      require(FileFormat.INTERNVL_VQA);
      return request.answers() != null && reading
          ? authors.rrc(FileFormat.INTERNVL_VQA)
          : internVl.annotated();
    }
    boolean asked = first.has("question");
    if (first.has("questionId")) {
      require(asked ? FileFormat.INTERNVL_VQA : FileFormat.RRC);
      if (!reading) {
        return internVl.apart();
      }
      return authors.rrc(asked ? FileFormat.INTERNVL_VQA : FileFormat.RRC);
    }
    if (first.has("question_id") && asked) {
      require(FileFormat.INTERNVL_VQA);
      return internVl.apart();
    }
    if (first.has("question_id") || first.has("image")) {
      require(FileFormat.VQA);
      return authors.vqa();
    }
    throw unknown(first);
  }

  private boolean isAudio() {
    return protocol == Protocol.AVQA || protocol == Protocol.MUSIC_AVQA;
  }

  private void require(FileFormat format) {
    protocol.metric(request.profile(), format);
  }

  /** The rows of {@code PRED_FORMAT=json} as pandas makes a table of them. */
  private PandasTable.Raw table() {
    Set<String> names = new LinkedHashSet<>();
    List<Map<String, Cell>> rows = new ArrayList<>();
    JsonRows.read(
        request.file(),
        (place, node) -> {
          Map<String, Cell> row = new LinkedHashMap<>();
          node.properties()
              .forEach(
                  field -> {
                    if (!field.getKey().equals("image")) {
                      names.add(field.getKey());
                      row.put(field.getKey(), cell(field.getValue()));
                    }
                  });
          rows.add(row);
        });
    List<List<Cell>> cells = new ArrayList<>();
    for (Map<String, Cell> row : rows) {
      cells.add(names.stream().map(name -> row.getOrDefault(name, Cell.MISSING)).toList());
    }
    return new PandasTable.Raw(List.copyOf(names), cells);
  }

  private static Cell cell(JsonNode value) {
    if (value.isIntegralNumber()) {
      return Cell.whole(value.bigIntegerValue());
    }
    if (value.isNumber()) {
      return Double.isNaN(value.doubleValue()) ? Cell.MISSING : Cell.real(value.doubleValue());
    }
    return value.isNull() ? Cell.MISSING : Cell.text(JsonTexts.python(value));
  }

  private PredictionFileException unknown(ObjectNode first) {
    return new PredictionFileException(
        "%s: of no known kit: it has %s; expected %s"
            .formatted(request.file(), JsonRows.names(first), KNOWN));
  }
}
