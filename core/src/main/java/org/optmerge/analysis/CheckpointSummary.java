package org.optmerge.analysis;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.SideFile;
import org.optmerge.checkpoint.TensorInfo;

/**
 * The contents of a checkpoint, from its headers and {@code config.json} alone.
 *
 * @param folder that was opened
 * @param architectures as {@code config.json} names them; empty if it does not
 * @param modelType {@code model_type} of {@code config.json}
 * @param tensors how many
 * @param parameters entries of all tensors
 * @param bytes of all tensors
 * @param dtypes entries by element type
 * @param files the weight files, in index order
 * @param groups tensors that differ in their numbers only, in the files' order
 * @param tied what is known of tied weights, one sentence each
 * @param warnings what deserves a look before merging, one sentence each
 * @param otherFiles relative to the folder
 */
public record CheckpointSummary(
    Path folder,
    List<String> architectures,
    Optional<String> modelType,
    int tensors,
    long parameters,
    long bytes,
    Map<DType, Long> dtypes,
    List<WeightFile> files,
    List<Group> groups,
    List<String> tied,
    List<String> warnings,
    List<Path> otherFiles) {

  /** Endings of tensors that belong to quantised weights: GPTQ, AWQ, FP8, MXFP4, bitsandbytes. */
  private static final Pattern QUANTISED =
      Pattern.compile(
          ".*\\.(qweight|qzeros|g_idx|scales|weight_scale|weight_scale_inv|weight_packed|input_scale"
              + "|absmax|quant_map|nested_absmax|quant_state\\..*|SCB|weight_format)"
              + "|.*_(blocks|scales)");

  /** Files of one kind that a sentence names. */
  private static final int MOST_FILES = 5;

  public CheckpointSummary {
    architectures = List.copyOf(architectures);
    dtypes = Collections.unmodifiableMap(new EnumMap<>(dtypes));
    files = List.copyOf(files);
    groups = List.copyOf(groups);
    tied = List.copyOf(tied);
    warnings = List.copyOf(warnings);
    otherFiles = List.copyOf(otherFiles);
  }

  /**
   * A weight file.
   *
   * @param name relative to the folder
   * @param tensors in it
   * @param bytes of these
   */
  public record WeightFile(String name, int tensors, long bytes) {}

  /**
   * Tensors whose names differ in numbers only and that have one type and shape.
   *
   * @param name with numbers replaced by their range, such as {@code
   *     model.layers.{0..23}.mlp.up_proj.weight}
   * @param dtype element type
   * @param shape extents of each
   * @param count how many tensors
   * @param bytes of all of them
   */
  public record Group(String name, DType dtype, List<Long> shape, int count, long bytes) {
    public Group {
      shape = List.copyOf(shape);
    }
  }

  /** The same with more to look at. */
  public CheckpointSummary with(List<String> moreWarnings) {
    List<String> all = new ArrayList<>(warnings);
    all.addAll(moreWarnings);
    return new CheckpointSummary(
        folder,
        architectures,
        modelType,
        tensors,
        parameters,
        bytes,
        dtypes,
        files,
        groups,
        tied,
        all,
        otherFiles);
  }

  /** Summarises an open checkpoint; reads no data. */
  public static CheckpointSummary of(Checkpoint checkpoint) {
    Optional<JsonNode> config = checkpoint.config();
    List<TensorInfo> tensors = checkpoint.tensors();
    Map<DType, Long> dtypes = new EnumMap<>(DType.class);
    tensors.forEach(tensor -> dtypes.merge(tensor.dtype(), tensor.size(), Math::addExact));
    return new CheckpointSummary(
        checkpoint.folder(),
        config.map(CheckpointSummary::architectures).orElse(List.of()),
        config
            .map(json -> json.path("model_type"))
            .filter(JsonNode::isTextual)
            .map(JsonNode::asText),
        tensors.size(),
        tensors.stream().mapToLong(TensorInfo::size).sum(),
        tensors.stream().mapToLong(TensorInfo::bytes).sum(),
        dtypes,
        files(checkpoint),
        groups(tensors),
        tied(checkpoint, config),
        warnings(checkpoint, config, dtypes),
        checkpoint.otherFiles());
  }

  private static List<String> architectures(JsonNode config) {
    List<String> names = new ArrayList<>();
    config.path("architectures").forEach(name -> names.add(name.asText()));
    return names;
  }

  private static List<WeightFile> files(Checkpoint checkpoint) {
    Map<Path, List<TensorInfo>> byFile =
        checkpoint.tensors().stream().collect(Collectors.groupingBy(TensorInfo::file));
    return checkpoint.weightFiles().stream()
        .map(
            file -> {
              List<TensorInfo> inside = byFile.getOrDefault(file, List.of());
              return new WeightFile(
                  String.valueOf(file.getFileName()),
                  inside.size(),
                  inside.stream().mapToLong(TensorInfo::bytes).sum());
            })
        .toList();
  }

  private static List<Group> groups(List<TensorInfo> tensors) {
    record Key(String pattern, DType dtype, List<Long> shape) {}
    Map<Key, List<TensorInfo>> groups = new LinkedHashMap<>();
    for (TensorInfo tensor : tensors) {
      String pattern = TensorNames.pattern(tensor.name());
      groups
          .computeIfAbsent(
              new Key(pattern, tensor.dtype(), tensor.shape()), key -> new ArrayList<>())
          .add(tensor);
    }
    List<Group> result = new ArrayList<>();
    groups.forEach(
        (key, members) ->
            result.add(
                new Group(
                    TensorNames.common(members.stream().map(TensorInfo::name).toList()),
                    key.dtype(),
                    key.shape(),
                    members.size(),
                    members.stream().mapToLong(TensorInfo::bytes).sum())));
    return result;
  }

  private static List<String> tied(Checkpoint checkpoint, Optional<JsonNode> config) {
    List<String> tied = new ArrayList<>();
    boolean declared =
        config
            .map(
                json ->
                    json.findValues("tie_word_embeddings").stream().anyMatch(JsonNode::asBoolean))
            .orElse(false);
    List<String> heads =
        checkpoint.tensors().stream()
            .map(TensorInfo::name)
            .filter(name -> name.endsWith("lm_head.weight"))
            .toList();
    if (declared && heads.isEmpty()) {
      tied.add("lm_head is tied to the input embedding (tie_word_embeddings) and not stored");
    } else if (declared) {
      tied.add(
          "config.json says tie_word_embeddings, yet %s is stored: both are merged"
              .formatted(String.join(", ", heads)));
    }
    return tied;
  }

  /** What a folder's other files of weights are, one sentence for each kind. */
  public static List<String> aside(List<SideFile> files) {
    Map<SideFile.Kind, List<SideFile>> kinds = new EnumMap<>(SideFile.Kind.class);
    files.forEach(file -> kinds.computeIfAbsent(file.kind(), kind -> new ArrayList<>()).add(file));
    List<String> sentences = new ArrayList<>();
    kinds.forEach(
        (kind, members) ->
            sentences.add(
                "not read, %s: %s%s"
                    .formatted(
                        kind.words(),
                        members.stream()
                            .limit(MOST_FILES)
                            .map(file -> file.file().toString())
                            .collect(Collectors.joining(", ")),
                        members.size() > MOST_FILES
                            ? ", and %d more".formatted(members.size() - MOST_FILES)
                            : "")));
    return sentences;
  }

  private static List<String> warnings(
      Checkpoint checkpoint, Optional<JsonNode> config, Map<DType, Long> dtypes) {
    List<String> warnings = new ArrayList<>(checkpoint.notes());
    if (config.isEmpty()) {
      warnings.add(
          "no config.json: weights can be merged, but other tools may not load the result");
    }
    config
        .map(json -> json.findValue("quantization_config"))
        .ifPresent(
            quantisation ->
                warnings.add(
                    "config.json has quantization_config (%s): merge the unquantised model instead"
                        .formatted(quantisation.path("quant_method").asText("method not named"))));
    warnings.addAll(aside(checkpoint.sideFiles()));
    List<String> quantised =
        checkpoint.tensors().stream()
            .map(TensorInfo::name)
            .filter(name -> QUANTISED.matcher(name).matches())
            .toList();
    if (!quantised.isEmpty()) {
      warnings.add(
          "%d tensors look like parts of quantised weights, such as %s"
              .formatted(quantised.size(), quantised.get(0)));
    }
    dtypes.forEach(
        (dtype, entries) -> {
          if (dtype == DType.F8_E4M3 || dtype == DType.F8_E5M2) {
            warnings.add(
                "%d entries are %s, which need scales to be numbers".formatted(entries, dtype));
          }
        });
    List<TensorInfo> integers =
        checkpoint.tensors().stream().filter(tensor -> !tensor.dtype().isFloating()).toList();
    if (!integers.isEmpty()) {
      warnings.add(
          "%d tensors are not floating point, such as %s (%s): they cannot be averaged"
              .formatted(integers.size(), integers.get(0).name(), integers.get(0).dtype()));
    }
    checkpoint.tensors().stream()
        .filter(tensor -> tensor.size() == 0)
        .findFirst()
        .ifPresent(tensor -> warnings.add("'%s' has no entries".formatted(tensor.name())));
    return warnings;
  }
}
