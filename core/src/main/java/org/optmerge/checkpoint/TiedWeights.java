package org.optmerge.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Output heads that are not stored, as the input embedding serves for them. */
final class TiedWeights {
  private static final String KEY = "tie_word_embeddings";

  /** The keys under which configurations of multimodal models keep that of their language model. */
  private static final List<String> LANGUAGE_MODEL =
      List.of("text_config", "llm_config", "language_config", "thinker_config");

  /** The name of the embedding, and beside the inner model, the head. */
  private static final Map<String, String> HEADS =
      Map.of(
          "embed_tokens", "lm_head",
          "wte", "lm_head",
          "word_embeddings", "lm_head",
          "tok_embeddings", "output",
          "embed_in", "embed_out",
          "shared", "lm_head");

  /**
   * The head is beside the outermost inner model: {@code language_model.lm_head} for {@code
   * language_model.model.embed_tokens}, {@code lm_head} for {@code
   * model.language_model.embed_tokens}.
   */
  private static final Pattern EMBEDDING =
      Pattern.compile(
          "(?<outer>(?:(?!model\\.|transformer\\.|decoder\\.|gpt_neox\\.)[^.]+\\.)*)(?:.*\\.)?(?<name>"
              + String.join("|", HEADS.keySet())
              + ")\\.weight");

  private TiedWeights() {}

  /** The name an output head would have, and the embedding that serves for it. */
  static Map<String, String> find(JsonNode config, Set<String> tensors) {
    Map<String, String> tied = new LinkedHashMap<>();
    if (isTied(config)) {
      for (String name : tensors) {
        Matcher embedding = EMBEDDING.matcher(name);
        if (embedding.matches()) {
          String head = embedding.group("outer") + HEADS.get(embedding.group("name")) + ".weight";
          if (!tensors.contains(head)) {
            tied.put(head, name);
          }
        }
      }
    }
    return tied;
  }

  /** Families whose configuration ties the head where it does not say, and often does not say. */
  private static final Set<String> TIED_BY_DEFAULT =
      Set.of(
          "gemma",
          "gemma2",
          "gemma3",
          "gemma3_text",
          "gpt2",
          "gpt_neo",
          "gpt_bigcode",
          "opt",
          "bloom",
          "t5",
          "bart",
          "mbart",
          "pegasus",
          "m2m_100",
          "marian",
          "whisper",
          "cohere",
          "cohere2",
          "mpt",
          "paligemma");

  private static boolean isTied(JsonNode config) {
    boolean otherwise = TIED_BY_DEFAULT.contains(config.path("model_type").asText());
    return config.path(KEY).asBoolean(otherwise)
        || LANGUAGE_MODEL.stream()
            .map(config::path)
            .anyMatch(inner -> inner.isObject() && isTied(inner));
  }
}
