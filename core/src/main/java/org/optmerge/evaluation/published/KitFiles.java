package org.optmerge.evaluation.published;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Json;
import org.optmerge.base.Sha256;
import org.optmerge.benchmark.Question;
import org.optmerge.evaluation.Finding;
import org.optmerge.evaluation.Predicted;
import org.optmerge.evaluation.Protocol;
import org.optmerge.evaluation.kit.PredictionWriter;
import org.optmerge.metric.Box;
import org.optmerge.metric.BoxFormat;
import org.optmerge.metric.BoxScore;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;
import org.optmerge.python.PythonLiteral;

/** Writes answers to a published data set as its kit would, had it asked the model itself. */
final class KitFiles {
  /** The names under which lmms-eval logs the results of grounding. */
  private static final List<String> GROUNDING =
      List.of(
          "refcoco_IoU",
          "refcoco_ACC@0.1",
          "refcoco_ACC@0.3",
          "refcoco_ACC@0.5",
          "refcoco_ACC@0.7",
          "refcoco_ACC@0.9",
          "refcoco_Center_ACC");

  /** What VLMEvalKit writes where a model gave no answer; it asks again when it finds this. */
  private static final String NO_ANSWER = "Failed to obtain answer via API.";

  private KitFiles() {}

  /** What a question that could not be asked has for an answer: nothing that could be right. */
  private static Predicted told(Predicted item) {
    return item.field(Question.FAULT).isEmpty()
        ? item
        : new Predicted(
            item.id(),
            item.task(),
            item.type(),
            new Prediction(NO_ANSWER),
            item.reference(),
            item.score());
  }

  /**
   * Writes a file.
   *
   * @return what could not be kept
   */
  static List<Finding> write(PublishedBenchmark benchmark, Path file, List<Predicted> all) {
    List<Predicted> items = all.stream().map(KitFiles::told).toList();
    List<Finding> findings = new ArrayList<>();
    try {
      AtomicFiles.write(
          file,
          draft -> {
            switch (benchmark.format()) {
              case LMMS_EVAL -> lines(benchmark, draft, items);
              case INTERNVL_GROUNDING, INTERNVL_VQA -> array(benchmark, draft, items);
              default -> findings.addAll(table(benchmark, draft, items));
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be written".formatted(file), e);
    }
    return findings;
  }

  private static List<Finding> table(
      PublishedBenchmark benchmark, Path draft, List<Predicted> items) throws IOException {
    Path named = draft.resolveSibling(draft.getFileName() + ".xlsx");
    String answerColumn = benchmark.protocol().answerColumn();
    List<Finding> findings =
        PredictionWriter.vlmEvalKit(
            named,
            items.stream()
                .map(item -> inColumns(item, benchmark.benchmark().columns(), answerColumn))
                .toList(),
            answerColumn);
    withoutDate(named, draft);
    Files.delete(named);
    return findings;
  }

  /** A copy of a workbook that does not say when it was made: the same answers, the same bytes. */
  private static void withoutDate(Path workbook, Path copy) throws IOException {
    try (ZipFile from = new ZipFile(workbook.toFile());
        ZipOutputStream to = new ZipOutputStream(Files.newOutputStream(copy))) {
      for (ZipEntry entry : Collections.list(from.entries())) {
        ZipEntry same = new ZipEntry(entry.getName());
        same.setTime(0);
        to.putNextEntry(same);
        byte[] content = from.getInputStream(entry).readAllBytes();
        if (entry.getName().equals("docProps/core.xml")) {
          content =
              new String(content, StandardCharsets.UTF_8)
                  .replaceAll("\\d{4}-\\d\\d-\\d\\dT[^<]*", "2000-01-01T00:00:00Z")
                  .getBytes(StandardCharsets.UTF_8);
        }
        to.write(content);
        to.closeEntry();
      }
    }
  }

  /** With the fields of the table that it was read from, in the order of the columns. */
  private static Predicted inColumns(Predicted item, List<String> columns, String answerColumn) {
    Map<String, String> fields = new LinkedHashMap<>();
    for (String column : columns) {
      if (column.equals(answerColumn)) {
        List<String> answers = item.reference().answers();
        fields.put(
            column,
            item.reference()
                .fields()
                .getOrDefault(
                    "answer",
                    answers.size() == 1
                        ? answers.get(0)
                        : answers.isEmpty() ? "" : PythonLiteral.text(new ArrayList<>(answers))));
      } else if (item.reference().fields().containsKey(column) && !column.equals(Question.FAULT)) {
        fields.put(column, item.field(column));
      }
    }
    return new Predicted(
        item.id(),
        item.task(),
        item.type(),
        item.prediction(),
        new Reference(item.reference().answers(), fields),
        item.score());
  }

  // lmms-eval

  private static void lines(PublishedBenchmark benchmark, Path draft, List<Predicted> items)
      throws IOException {
    StringBuilder text = new StringBuilder();
    for (Predicted item : items) {
      text.append(Json.line(sample(benchmark, item))).append('\n');
    }
    Files.writeString(draft, text);
  }

  private static ObjectNode sample(PublishedBenchmark benchmark, Predicted item) {
    boolean grounding = benchmark.protocol().report() == Protocol.Report.GROUNDING;
    String answer = item.given();
    ObjectNode line = Json.object();
    Object id = item.id().matches("\\d{1,9}") ? Integer.valueOf(item.id()) : item.id();
    Json.put(line, "doc_id", id);
    ObjectNode doc = line.putObject("doc");
    item.reference()
        .fields()
        .forEach(
            (name, value) -> {
              // As there: what has an image in its name is left out.
              if (!name.contains("image") && !name.equals(Question.FAULT)) {
                doc.put(name, value);
              }
            });
    Object target = target(item, grounding, doc);
    Json.put(line, "target", target);
    ObjectNode arguments = line.putObject("arguments");
    arguments.put("0", "max_new_tokens");
    arguments.put("1", "temperature");
    line.putArray("resps").addArray().add(answer);
    line.putArray("filtered_resps").add(answer);
    line.put("doc_hash", Sha256.of(doc.toString()));
    String prompt =
        benchmark
            .prompt()
            .userText(
                new Question(
                    item.id(),
                    item.task(),
                    item.type(),
                    List.of(),
                    item.field(DescribedBenchmark.QUESTION),
                    item.reference()));
    line.put("prompt_hash", Sha256.of(prompt));
    line.put("target_hash", Sha256.of(String.valueOf(target)));
    if (grounding) {
      results(line, doc, item);
    }
    line.put("input", prompt);
    return line;
  }

  private static Object target(Predicted item, boolean grounding, ObjectNode doc) {
    if (!grounding) {
      List<String> answers = item.reference().answers();
      Json.put(doc, answers.size() == 1 ? "answer" : "answers", answers(answers));
      return answers(answers);
    }
    List<Double> box = numbers(item.field(DescribedBenchmark.BOX));
    Json.put(doc, DescribedBenchmark.BOX, box);
    // There the expression is what the column "answer" holds, and "question" a general request.
    doc.put("answer", item.field(DescribedBenchmark.QUESTION));
    return box;
  }

  private static Object answers(List<String> answers) {
    return answers.size() == 1 ? answers.get(0) : answers;
  }

  private static void results(ObjectNode line, ObjectNode doc, Predicted item) {
    Box box =
        BoxScore.accuracy(BoxFormat.LMMS_EVAL_FORK).predicted(item.prediction(), item.reference());
    for (String name : GROUNDING) {
      ObjectNode result = line.putObject(name);
      result.put("answer", item.field(DescribedBenchmark.QUESTION));
      result.putArray("pred").add(box.left()).add(box.top()).add(box.right()).add(box.bottom());
      result.put("ann_id", item.field("question_id"));
      result.set("bbox", doc.get("bbox"));
    }
  }

  // InternVL

  private static void array(PublishedBenchmark benchmark, Path draft, List<Predicted> items)
      throws IOException {
    ArrayNode all = Json.object().putArray("all");
    for (Predicted item : items) {
      ObjectNode node = all.addObject();
      if (benchmark.protocol().report() == Protocol.Report.GROUNDING) {
        node.put("answer", item.given());
        Json.put(node, "gt_bbox", numbers(item.field(DescribedBenchmark.BOX)));
        Json.put(
            node,
            "hw",
            List.of(number(item, "height").intValue(), number(item, "width").intValue()));
      } else {
        node.put("question", item.field(DescribedBenchmark.QUESTION));
        node.put("question_id", item.id());
        node.put("answer", item.given());
        Json.put(node, "annotation", answers(item.reference().answers()));
      }
    }
    Files.writeString(draft, Json.line(all));
  }

  private static Double number(Predicted item, String field) {
    try {
      return Double.valueOf(item.field(field));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "question '%s': its %s is no number but '%s'"
              .formatted(item.id(), field, item.field(field)),
          e);
    }
  }

  private static List<Double> numbers(String box) {
    return PythonLiteral.list(box).orElse(List.of()).stream()
        .filter(Number.class::isInstance)
        .map(side -> ((Number) side).doubleValue())
        .toList();
  }
}
