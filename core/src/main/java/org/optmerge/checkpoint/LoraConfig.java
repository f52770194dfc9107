package org.optmerge.checkpoint;

import static org.optmerge.checkpoint.CheckpointException.quote;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.optmerge.base.Json;

/**
 * {@code adapter_config.json}, as far as the size of ΔW depends on it. Settings that make an
 * adapter something other than θ_0 + scale · B · A are refused.
 *
 * @param rank of the modules that no pattern names
 * @param alpha of the modules that no pattern names
 * @param rankPattern ranks by regular expression on the end of the module's name, in their order
 * @param alphaPattern α in the same way
 * @param rankStabilised true: the scale is α/√r; false: α/r
 * @param fanInFanOut true if weights are stored transposed
 * @param bias true if bias vectors were trained
 * @param targetParameters names of parameters, such as stacks of experts, that are changed where a
 *     module holds several
 * @param tokenIndices rows of embeddings that are held, by the end of the module's name; under the
 *     empty name those of the input embedding
 */
record LoraConfig(
    int rank,
    double alpha,
    Map<Pattern, Integer> rankPattern,
    Map<Pattern, Double> alphaPattern,
    boolean rankStabilised,
    boolean fanInFanOut,
    boolean bias,
    List<String> targetParameters,
    Map<String, List<Integer>> tokenIndices) {

  /** The number that the PEFT library takes where r or lora_alpha is not given. */
  private static final int PEFT_DEFAULT = 8;

  /** True: the setting changes what the adapter computes, by its name in the file. */
  private static final Map<String, String> NOT_ADDITIVE =
      Map.of(
          "use_qalora",
          "QA-LoRA pools the input before A",
          "lora_bias",
          "B has a bias, which has no place in the base model's weights",
          "alora_invocation_tokens",
          "activated LoRA applies to some tokens only",
          "layer_replication",
          "layers of the base are repeated, so names no longer match");

  /** Initialisations that change the base model as well, so that B · A is not the whole change. */
  private static final Pattern CHANGES_THE_BASE =
      Pattern.compile("pissa.*|olora|corda|loftq|lora_ga");

  private static final String MERGE_FIRST =
      "; merge it into its base first (peft: model.merge_and_unload().save_pretrained(FOLDER)) and"
          + " give that folder";

  static LoraConfig read(Path file) {
    ObjectNode json = Json.object(file, CheckpointException::new);
    String type = json.path("peft_type").asText("");
    if (!type.equals("LORA")) {
      throw CheckpointException.at(
          file,
          (type.isEmpty()
                  ? "peft_type is missing, expected LORA"
                  : "peft_type is %s, only LORA is known here".formatted(quote(type)))
              + MERGE_FIRST);
    }
    NOT_ADDITIVE.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .filter(entry -> isSet(json.path(entry.getKey())))
        .findFirst()
        .ifPresent(
            entry -> {
              throw CheckpointException.at(
                  file, "%s is set: %s%s".formatted(entry.getKey(), entry.getValue(), MERGE_FIRST));
            });
    String start = json.path("init_lora_weights").asText("");
    if (CHANGES_THE_BASE.matcher(start).matches()) {
      throw CheckpointException.at(
          file,
          "init_lora_weights is %s, which changes the base model too, so B · A is not the whole change%s"
              .formatted(quote(start), MERGE_FIRST));
    }
    String bias = json.path("bias").asText("none");
    if (!List.of("none", "all", "lora_only").contains(bias)) {
      throw CheckpointException.at(file, "bias must be none, all or lora_only, is " + quote(bias));
    }
    return new LoraConfig(
        rank(file, "r", json.path("r")),
        alpha(file, "lora_alpha", json.path("lora_alpha")),
        patterns(file, json, "rank_pattern", LoraConfig::rank),
        patterns(file, json, "alpha_pattern", LoraConfig::alpha),
        truth(file, json, "use_rslora"),
        truth(file, json, "fan_in_fan_out"),
        !bias.equals("none"),
        texts(json.path("target_parameters")),
        tokenIndices(file, json.path("trainable_token_indices")));
  }

  /** The rank that the configuration gives a module. */
  int rankOf(String module) {
    return matching(rankPattern, module, rank);
  }

  /** α/r, or α/√r, of a module. */
  double scaleOf(String module) {
    double r = rankOf(module);
    return matching(alphaPattern, module, alpha) / (rankStabilised ? Math.sqrt(r) : r);
  }

  /** The rows of a module that the adapter holds, in their order; empty if there are none. */
  List<Integer> tokenIndicesOf(String module) {
    for (Map.Entry<String, List<Integer>> entry : tokenIndices.entrySet()) {
      String name = entry.getKey();
      if (!name.isEmpty() && (module.equals(name) || module.endsWith("." + name))) {
        return entry.getValue();
      }
    }
    return tokenIndices.getOrDefault("", List.of());
  }

  private static <T> T matching(Map<Pattern, T> patterns, String module, T otherwise) {
    return patterns.entrySet().stream()
        .filter(entry -> entry.getKey().matcher(new PatientText(module)).matches())
        .map(Map.Entry::getValue)
        .findFirst()
        .orElse(otherwise);
  }

  private static boolean isSet(JsonNode value) {
    return value.isBoolean()
        ? value.booleanValue()
        : !value.isMissingNode()
            && !value.isNull()
            && !(value.isContainerNode() && value.isEmpty());
  }

  /** One entry of a configuration that is a number. */
  private interface Number<T> {
    T read(Path file, String key, JsonNode value);
  }

  private static int rank(Path file, String key, JsonNode value) {
    return value.isMissingNode()
        ? PEFT_DEFAULT
        : require(
                file,
                key,
                value,
                value.isIntegralNumber() && value.canConvertToInt() && value.intValue() >= 1,
                "a whole number of at least 1")
            .intValue();
  }

  private static double alpha(Path file, String key, JsonNode value) {
    boolean finite = value.isNumber() && Double.isFinite(value.doubleValue());
    return value.isMissingNode()
        ? PEFT_DEFAULT
        : require(file, key, value, finite, "a finite number").doubleValue();
  }

  private static JsonNode require(
      Path file, String key, JsonNode value, boolean holds, String expected) {
    if (!holds) {
      throw CheckpointException.at(
          file, "%s must be %s, is %s".formatted(key, expected, shown(value)));
    }
    return value;
  }

  private static <T> Map<Pattern, T> patterns(
      Path file, ObjectNode json, String key, Number<T> number) {
    JsonNode entries = json.path(key);
    if (entries.isMissingNode() || entries.isNull()) {
      return Map.of();
    }
    require(file, key, entries, entries.isObject(), "an object");
    Map<Pattern, T> patterns = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : entries.properties()) {
      String name = "%s[%s]".formatted(key, quote(entry.getKey()));
      try {
        patterns.put(
            // As PEFT: the pattern must match the module's whole name, or its end after a dot.
            Pattern.compile("(.*\\.)?(" + entry.getKey() + ")"),
            number.read(file, name, entry.getValue()));
      } catch (PatternSyntaxException e) {
        throw new CheckpointException(
            "%s: %s is not a regular expression: %s".formatted(file, name, e.getDescription()), e);
      }
    }
    return patterns;
  }

  private static boolean truth(Path file, ObjectNode json, String key) {
    JsonNode value = json.path(key);
    return !value.isMissingNode()
        && !value.isNull()
        && require(file, key, value, value.isBoolean(), "true or false").booleanValue();
  }

  private static List<String> texts(JsonNode value) {
    List<String> texts = new ArrayList<>();
    value.forEach(it -> texts.add(it.asText()));
    return List.copyOf(texts);
  }

  /** True for a module that holds a parameter which is changed by itself. */
  boolean holdsTargetParameter(String module) {
    return targetParameters.stream()
        .filter(it -> it.contains("."))
        .map(it -> it.substring(0, it.lastIndexOf('.')))
        .anyMatch(it -> module.equals(it) || module.endsWith("." + it));
  }

  private static Map<String, List<Integer>> tokenIndices(Path file, JsonNode value) {
    Map<String, List<Integer>> indices = new LinkedHashMap<>();
    if (value.isArray()) {
      indices.put("", indices(file, value));
    } else if (value.isObject()) {
      value.properties().forEach(it -> indices.put(it.getKey(), indices(file, it.getValue())));
    }
    return indices;
  }

  private static List<Integer> indices(Path file, JsonNode value) {
    List<Integer> indices = new ArrayList<>();
    for (JsonNode index : value) {
      boolean whole = index.isIntegralNumber() && index.canConvertToInt() && index.intValue() >= 0;
      indices.add(
          require(file, "trainable_token_indices", index, whole, "numbers of tokens").intValue());
    }
    return List.copyOf(indices);
  }

  private static String shown(JsonNode value) {
    return quote(value.isTextual() ? value.asText() : value.toString());
  }
}
