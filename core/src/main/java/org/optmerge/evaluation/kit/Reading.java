package org.optmerge.evaluation.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.optmerge.evaluation.FileFormat;
import org.optmerge.evaluation.Findings;
import org.optmerge.evaluation.InternalFields;
import org.optmerge.evaluation.JsonTexts;
import org.optmerge.evaluation.Predicted;
import org.optmerge.evaluation.Predictions;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;
import org.optmerge.python.PythonText;

/** The items of a file, and what is odd about them, as they are read. */
final class Reading {
  static final String UNKNOWN = "unknown id, counts as wrong";
  static final String UNANSWERED = "in the answer file but without a prediction, counts as wrong";
  static final String NOT_COUNTED =
      "in the answer file but not predicted; not counted by the official code";

  private static final String THINK = "<think>";
  private static final String END_OF_THINK = "</think>";
  private static final String REASONING =
      "reasoning stands before the answer and is scored with it, as the kit does;"
          + " --split-think scores what follows </think>";

  private final Request request;
  private final FileFormat format;
  private final List<Predicted> items = new ArrayList<>();
  final Findings findings = new Findings();
  private final Set<Object> seen = new HashSet<>();

  Reading(Request request, FileFormat format) {
    this.request = request;
    this.format = format;
  }

  Path file() {
    return request.file();
  }

  /** Notes an id; false if it was there before. */
  boolean isNew(Object id) {
    return seen.add(id);
  }

  boolean hasSeen(Object id) {
    return seen.contains(id);
  }

  /** Notes an id, and says so if it was there before. */
  void duplicate(Object id, String shown) {
    if (!isNew(id)) {
      findings.add(Predictions.DUPLICATE, shown);
    }
  }

  /** An answer in words. */
  Prediction said(String text, String id) {
    if (text.isEmpty()) {
      findings.add(Predictions.EMPTY, id);
    }
    return new Prediction(cut(text, id));
  }

  /** An answer without the reasoning before it, if that is wanted; else a hint. */
  String cut(String text, String id) {
    int end = text.lastIndexOf(END_OF_THINK);
    if (end < 0) {
      if (text.stripLeading().startsWith(THINK)) {
        findings.add("reasoning that never ends, scored as it is: was the answer cut off?", id);
      }
      return text;
    }
    if (!request.withoutReasoning()) {
      findings.add(REASONING, id);
      return text;
    }
    return PythonText.strip(text.substring(end + END_OF_THINK.length()));
  }

  /**
   * The answer of a row.
   *
   * @return null fields are no answer: the item counts as wrong and is named
   * @throws org.optmerge.evaluation.PredictionFileException if it is no text
   */
  Prediction said(
      String place, ObjectNode node, String name, String id, Map<String, String> fields) {
    JsonNode value = node.path(name);
    if (value.isNull() || value.isMissingNode()) {
      nothing(id, fields);
      return new Prediction("");
    }
    return said(JsonTexts.scalar(file(), format.toString(), place, name, value), id);
  }

  /** Marks an item without a prediction. */
  void nothing(String id, Map<String, String> fields) {
    findings.add(Predictions.NOTHING, id);
    fields.put(InternalFields.WRONG, "no prediction");
  }

  void add(String id, String type, Prediction prediction, Reference reference) {
    items.add(new Predicted(id, request.protocol().title(), type, prediction, reference, null));
  }

  /** An item whose id the answers do not have. */
  void unknown(String id, String shown, Prediction prediction) {
    findings.add(UNKNOWN, shown);
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put(InternalFields.WRONG, "unknown id");
    add(id, "", prediction, new Reference(List.of(), fields));
  }

  /** A question that nobody answered. */
  void unanswered(String id, String type, Reference reference) {
    findings.add(UNANSWERED, id);
    Map<String, String> fields = new LinkedHashMap<>(reference.fields());
    fields.put(InternalFields.WRONG, "no prediction of this id");
    add(id, type, new Prediction(""), new Reference(reference.answers(), fields));
  }

  Predictions done() {
    return new Predictions(format, items, findings.list());
  }
}
