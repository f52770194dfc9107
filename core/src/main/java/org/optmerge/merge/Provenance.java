package org.optmerge.merge;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.optmerge.base.Json;
import org.optmerge.merge.weights.PlannedTensor;

/**
 * {@code optmerge.json}: what was merged, how, from which bytes to which bytes.
 *
 * <p>It holds no date, path of the machine or number of threads: the same inputs, recipe and seed
 * give the same file.
 */
final class Provenance {
  /** Its name in the output folder. */
  static final String FILE = "optmerge.json";

  /** The layout of the file. */
  static final int FORMAT = 1;

  private Provenance() {}

  /**
   * A file that was read or written.
   *
   * @param model the input's name in the recipe; empty for an output
   * @param file its name in its folder
   * @param bytes its length
   * @param sha256 hexadecimal, or empty if it was not asked for
   */
  record HashedFile(String model, String file, long bytes, String sha256) {}

  static void write(
      Path folder,
      MergePlan plan,
      List<HashedFile> inputs,
      List<HashedFile> outputs,
      Map<String, TensorOutcome> outcomes)
      throws IOException {
    try (OutputStream stream =
            new BufferedOutputStream(Files.newOutputStream(folder.resolve(FILE)), 1 << 16);
        JsonGenerator json = Json.plain().createGenerator(stream, JsonEncoding.UTF8)) {
      json.useDefaultPrettyPrinter();
      json.writeStartObject();
      json.writeNumberField("format", FORMAT);
      json.writeStringField("made_by", "optmerge " + version());
      json.writeStringField("java", System.getProperty("java.runtime.version"));
      json.writeStringField("method", plan.method());
      json.writeFieldName("recipe");
      json.writeTree(plan.recipe());
      files(json, "inputs", inputs);
      files(json, "outputs", outputs);
      coverage(json, plan.coverage());
      json.writeFieldName("notices");
      json.writeObject(plan.notices());
      tensors(json, plan, outcomes);
      json.writeEndObject();
    }
  }

  /** The version of this library, or {@code development} if it does not run from its jar. */
  static String version() {
    String version = Provenance.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }

  private static void files(JsonGenerator json, String field, List<HashedFile> files)
      throws IOException {
    json.writeArrayFieldStart(field);
    for (HashedFile file : files) {
      json.writeStartObject();
      if (!file.model().isEmpty()) {
        json.writeStringField("model", file.model());
      }
      json.writeStringField("file", file.file());
      json.writeNumberField("bytes", file.bytes());
      if (!file.sha256().isEmpty()) {
        json.writeStringField("sha256", file.sha256());
      }
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void coverage(JsonGenerator json, Coverage coverage) throws IOException {
    json.writeArrayFieldStart("coverage");
    for (Coverage.Row row : coverage.rows()) {
      json.writeStartObject();
      json.writeStringField("model", row.model());
      json.writeStringField("fate", row.fate());
      json.writeNumberField("tensors", row.tensors());
      json.writeNumberField("bytes", row.bytes());
      json.writeFieldName("examples");
      json.writeObject(row.examples());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  /** The settings of a method are written once, under a number that its tensors refer to. */
  private static void tensors(
      JsonGenerator json, MergePlan plan, Map<String, TensorOutcome> outcomes) throws IOException {
    Map<String, Integer> methods = new LinkedHashMap<>();
    for (PlannedTensor tensor : plan.tensors()) {
      if (tensor.work() instanceof PlannedTensor.Merge merge) {
        methods.putIfAbsent(merge.method().toString(), methods.size());
      }
    }
    json.writeFieldName("methods");
    json.writeObject(methods.keySet());
    json.writeArrayFieldStart("tensors");
    for (PlannedTensor tensor : plan.tensors()) {
      tensor(json, tensor, methods, outcomes);
    }
    json.writeEndArray();
  }

  private static void tensor(
      JsonGenerator json,
      PlannedTensor tensor,
      Map<String, Integer> methods,
      Map<String, TensorOutcome> outcomes)
      throws IOException {
    TensorOutcome outcome = outcomes.get(tensor.name());
    if (outcome == null) {
      throw new MergeException("tensor '%s' was planned but not made".formatted(tensor.name()));
    }
    json.writeStartObject();
    json.writeStringField("name", tensor.name());
    json.writeStringField("dtype", tensor.dtype().name());
    json.writeFieldName("shape");
    json.writeObject(tensor.shape());
    json.writeStringField("source", tensor.source());
    if (tensor.work() instanceof PlannedTensor.Merge merge) {
      json.writeNumberField("method", methods.getOrDefault(merge.method().toString(), -1));
      json.writeNumberField("scaling", merge.scaling());
      json.writeNumberField("norm", outcome.norm());
    }
    if (outcome.nonFinite() > 0) {
      json.writeNumberField("non_finite", outcome.nonFinite());
    }
    json.writeEndObject();
  }
}
