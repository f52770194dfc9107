package org.optmerge.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;

/**
 * {@code generation_config.json}: which tokens end an answer, and how tokens are chosen.
 *
 * @param stops ids of the tokens that end an answer
 * @param json the file, an empty object if there is none
 * @param file its place, for messages
 */
record GenerationConfig(Set<Long> stops, JsonNode json, String file) {
  private static final String NAME = "generation_config.json";

  /** Settings that change answers and are not known here, each with the value that does nothing. */
  private static final Map<String, Double> NEUTRAL =
      Map.ofEntries(
          Map.entry("num_beams", 1.0),
          Map.entry("num_beam_groups", 1.0),
          Map.entry("num_return_sequences", 1.0),
          Map.entry("penalty_alpha", 0.0),
          Map.entry("no_repeat_ngram_size", 0.0),
          Map.entry("encoder_no_repeat_ngram_size", 0.0),
          Map.entry("encoder_repetition_penalty", 1.0),
          Map.entry("diversity_penalty", 0.0),
          Map.entry("min_length", 0.0),
          Map.entry("min_new_tokens", 0.0),
          Map.entry("guidance_scale", 1.0));

  /** The same, which only matter where tokens are drawn. */
  private static final Map<String, Double> NEUTRAL_IN_SAMPLING =
      Map.of(
          "min_p", 0.0, "typical_p", 1.0, "epsilon_cutoff", 0.0, "eta_cutoff", 0.0, "top_h", 0.0);

  private static final List<String> LISTS =
      List.of(
          "bad_words_ids",
          "force_words_ids",
          "forced_bos_token_id",
          "forced_eos_token_id",
          "forced_decoder_ids",
          "sequence_bias",
          "suppress_tokens",
          "begin_suppress_tokens",
          "exponential_decay_length_penalty",
          "constraints",
          "stop_strings");

  /** The draws that Hugging Face's library makes among, where a file does not say. */
  private static final int TOP_K = 50;

  /**
   * Reads the file of a folder.
   *
   * @param folder null for a model that comes from no folder
   * @throws ModelException if it is malformed
   */
  static GenerationConfig read(@Nullable Path folder) {
    Path file = folder == null ? null : folder.resolve(NAME);
    if (file == null || !Files.isRegularFile(file)) {
      return new GenerationConfig(Set.of(), Json.object(), NAME);
    }
    JsonNode json;
    try {
      json = Json.plain().readTree(file.toFile());
    } catch (IOException e) {
      throw new ModelException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
    Set<Long> stops = new LinkedHashSet<>();
    JsonNode eos = json.path("eos_token_id");
    for (JsonNode id : eos.isArray() ? eos : List.of(eos)) {
      if (id.isIntegralNumber() && id.canConvertToInt() && id.intValue() >= 0) {
        stops.add(id.longValue());
      } else if (!id.isMissingNode() && !id.isNull()) {
        throw new ModelException(
            "%s: eos_token_id must be a token id or several, is %s".formatted(file, eos));
      }
    }
    return new GenerationConfig(stops, json, file.toString());
  }

  /**
   * The decoding that the file asks for; without a file, {@link Decoding#DEFAULT}.
   *
   * @throws ModelException if it asks for something that is not known here
   */
  Decoding decoding() {
    try {
      ConfigReader config = new ConfigReader(json, "", NAME);
      requireNeutral(config, NEUTRAL);
      for (String key : LISTS) {
        if (config.has(key) && !json.path(key).isEmpty() || json.path(key).isNumber()) {
          throw unknown(key);
        }
      }
      Decoding greedy =
          new Decoding(config.positive("max_new_tokens", Decoding.DEFAULT.maxNewTokens()))
              .withRepetitionPenalty(config.number("repetition_penalty", 1));
      if (!config.truth("do_sample", false)) {
        return greedy;
      }
      requireNeutral(config, NEUTRAL_IN_SAMPLING);
      int topK = json.has("top_k") ? config.integer("top_k", 0) : TOP_K;
      return greedy.withSampling(
          new Decoding.Sampling(
              config.number("temperature", 1), topK, config.number("top_p", 1), 0));
    } catch (ModelException e) {
      throw new ModelException(
          "%s: %s; give a decoding of your own".formatted(file, e.getMessage()), e);
    }
  }

  private void requireNeutral(ConfigReader config, Map<String, Double> neutral) {
    neutral.forEach(
        (key, value) -> {
          if (config.number(key, value) != value) {
            throw unknown(key);
          }
        });
  }

  private ModelException unknown(String key) {
    return new ModelException("%s is %s, which is not known here".formatted(key, json.path(key)));
  }
}
