package org.optmerge.merge.plan;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.weights.InputModel;

/**
 * Tells tensors with a row for each token, embeddings and output heads, from others: by the number
 * of their rows against every {@code vocab_size} of {@code config.json}, wherever it stands; where
 * it says nothing, by the names that embeddings and heads have.
 */
final class VocabularyTensors {
  private static final String NAMES =
      "(.*\\.)?(embed_tokens|wte|word_embeddings|tok_embeddings|embed_in|embed_out|shared|lm_head"
          + "|token_embedding|embed_tokens_per_layer)\\.(weight|bias)"
          + "|((model|language_model|llm)\\.)*output\\.weight";

  /** Rows by position, not by token. */
  private static final String POSITIONS = "(?i).*(position|pos_emb|wpe|patch|type_emb).*";

  private final Map<InputModel, Set<Long>> sizes = new HashMap<>();

  /** True if the tensor of that shape has a row for each token of the model. */
  boolean isOne(InputModel model, String tensor, List<Long> shape) {
    if (shape.isEmpty() || shape.size() > 2 || model.layers().place(tensor).isPresent()) {
      return false;
    }
    if (tensor.matches(NAMES)) {
      return true;
    }
    boolean fits = sizes(model).contains(shape.get(0)) && !tensor.matches(POSITIONS);
    return fits && (shape.size() == 2 || isBiasOfOne(model, tensor));
  }

  private boolean isBiasOfOne(InputModel model, String tensor) {
    if (!tensor.endsWith(".bias")) {
      return false;
    }
    String weight = tensor.substring(0, tensor.length() - "bias".length()) + "weight";
    return model.info(weight).map(info -> isOne(model, weight, info.shape())).orElse(false);
  }

  /** The rows of a model's vocabulary: the fewest of its tensors; empty if it has none. */
  OptionalLong rows(InputModel model) {
    return model.names().stream()
        .map(model::info)
        .flatMap(Optional::stream)
        .filter(info -> info.shape().size() == 2 && isOne(model, info.name(), info.shape()))
        .map(TensorInfo::shape)
        .mapToLong(shape -> shape.get(0))
        .min();
  }

  private Set<Long> sizes(InputModel model) {
    return sizes.computeIfAbsent(
        model,
        key -> {
          Set<Long> found = new TreeSet<>();
          collect(key.config(), found);
          return found;
        });
  }

  private static void collect(JsonNode config, Set<Long> sizes) {
    config
        .properties()
        .forEach(
            setting -> {
              if (isVocabularySize(setting.getKey()) && setting.getValue().isIntegralNumber()) {
                sizes.add(setting.getValue().asLong());
              } else {
                collect(setting.getValue(), sizes);
              }
            });
  }

  /** True for the settings that hold a number of tokens. */
  static boolean isVocabularySize(String key) {
    return key.endsWith("vocab_size") || key.equals("n_vocab") || key.equals("vocabulary_size");
  }
}
