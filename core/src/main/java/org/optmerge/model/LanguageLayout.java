package org.optmerge.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.List;
import org.optmerge.base.Json;
import org.optmerge.model.InternVLConfig.Language;

/**
 * The families of decoders. They compute alike (RMSNorm, rotary positions, grouped queries, gated
 * MLP) and differ in the names of their tensors, in their biases, and in whether queries, keys and
 * values are one matrix.
 *
 * @see <a href="https://arxiv.org/abs/2407.10671">Qwen2, section 2</a>
 * @see <a href="https://arxiv.org/abs/2307.09288">Llama 2, section 2.2</a>
 * @see <a href="https://arxiv.org/abs/2403.17297">InternLM2, section 2.2, on the fused matrix</a>
 */
public enum LanguageLayout {
  /** Qwen2 and Qwen2.5: queries, keys and values have biases. */
  QWEN2("Qwen2ForCausalLM", "qwen2"),
  /** Llama and Vicuna: no biases. */
  LLAMA("LlamaForCausalLM", "llama"),
  /**
   * InternLM2 and InternLM2.5: one matrix gives, for each head of keys, its heads of queries, its
   * keys and its values.
   */
  INTERNLM2("InternLM2ForCausalLM", "internlm2");

  private final String architecture;
  private final String modelType;

  LanguageLayout(String architecture, String modelType) {
    this.architecture = architecture;
    this.modelType = modelType;
  }

  private String either(String usual, String internLm2) {
    return this == INTERNLM2 ? internLm2 : usual;
  }

  // Modules, with what comes before their names in a model or layer.

  String embedding() {
    return either("model.embed_tokens", "model.tok_embeddings");
  }

  String head() {
    return either("lm_head", "output");
  }

  String attentionNorm() {
    return either("input_layernorm", "attention_norm");
  }

  String feedForwardNorm() {
    return either("post_attention_layernorm", "ffn_norm");
  }

  /** The matrix of all queries, keys and values, or what the names of the three begin with. */
  String attention() {
    return either("self_attn.", "attention.wqkv");
  }

  boolean isFused() {
    return this == INTERNLM2;
  }

  String attentionOutput() {
    return either("self_attn.o_proj", "attention.wo");
  }

  String gate() {
    return either("mlp.gate_proj", "feed_forward.w1");
  }

  String up() {
    return either("mlp.up_proj", "feed_forward.w3");
  }

  String down() {
    return either("mlp.down_proj", "feed_forward.w2");
  }

  /**
   * A decoder's settings: a section of {@code config.json} that names its architecture or type.
   *
   * @throws ModelException if they are not those of a decoder that is known here
   */
  static Language read(ConfigReader config) {
    JsonNode architectures = config.node("architectures");
    JsonNode named = architectures == null ? null : architectures.get(0);
    String type = config.text("model_type", "");
    LanguageLayout layout =
        Arrays.stream(values())
            .filter(
                each ->
                    named == null
                        ? each.modelType.equals(type)
                        : each.architecture.equals(named.asText()))
            .findFirst()
            .orElseThrow(
                () ->
                    new ModelException(
                        "config.json: the language model is %s; known: %s"
                            .formatted(
                                named != null ? named : type.isEmpty() ? "missing" : type,
                                Arrays.stream(values()).map(each -> each.architecture).toList())));
    return layout.settings(config);
  }

  /**
   * A decoder of this family.
   *
   * @throws ModelException if its settings are not known here
   */
  Language settings(ConfigReader config) {
    // Dynamic scaling changes nothing as long as a sequence is no longer than in training.
    return settings(config, List.of("default", "dynamic"));
  }

  /**
   * The same.
   *
   * @param scalings known kinds of scaling of the rotary embedding
   */
  Language settings(ConfigReader config, List<String> scalings) {
    for (String key : List.of("rope_scaling", "rope_parameters")) {
      JsonNode scaling = config.node(key);
      if (scaling != null) {
        String kind = scaling.path("type").asText(scaling.path("rope_type").asText("missing"));
        if (!scalings.contains(kind)) {
          throw new ModelException(
              "config.json: %s is '%s'; known: %s".formatted(config.name(key), kind, scalings));
        }
      }
    }
    config.oneOf("hidden_act", List.of("silu"));
    for (String unsupported : List.of("use_sliding_window", "mlp_bias")) {
      if (config.truth(unsupported, false)) {
        throw new ModelException(
            "config.json: %s is not supported".formatted(config.name(unsupported)));
      }
    }
    // Files of Llama leave out what is as in its first model of 7 billion parameters.
    boolean llama = this == LLAMA;
    int width = llama ? config.positive("hidden_size", 4096) : config.positive("hidden_size");
    int heads = config.positive("num_attention_heads", llama ? 32 : 0);
    boolean biases =
        this == INTERNLM2 ? config.truth("bias", true) : config.truth("attention_bias", false);
    return new Language(
        width,
        config.positive("num_hidden_layers", llama ? 32 : 0),
        heads,
        config.positive("num_key_value_heads", heads),
        config.positive("head_dim", width / heads),
        config.positive("intermediate_size", llama ? 11_008 : 0),
        config.positive("vocab_size", llama ? 32_000 : 0),
        config.number("rms_norm_eps", 1e-6),
        ropeTheta(config),
        config.positive("max_position_embeddings", llama ? 2048 : 32768),
        this,
        this == QWEN2 || biases,
        this != QWEN2 && biases);
  }

  /** Newer files have it among other settings of the rotary embedding. */
  private static double ropeTheta(ConfigReader config) {
    ConfigReader rope = config.has("rope_parameters") ? config.section("rope_parameters") : config;
    return rope.number("rope_theta", 10_000);
  }

  /** The settings of a decoder, as {@code config.json} has them. */
  static ObjectNode json(Language language, boolean tied) {
    ObjectNode json = Json.plain().valueToTree(language);
    LanguageLayout layout = language.layout();
    json.putArray("architectures").add(layout.architecture);
    if (language.headWidth() * language.heads() == language.width()) {
      json.remove("head_dim");
    }
    if (layout == INTERNLM2) {
      json.put("bias", language.outputBias());
    } else if (layout == LLAMA) {
      json.put("attention_bias", language.outputBias());
    }
    return json.put("model_type", layout.modelType)
        .put("hidden_act", "silu")
        .put("tie_word_embeddings", tied);
  }

  /**
   * Names and shapes of a decoder's parameters.
   *
   * @param prefix of their names, such as {@code "language_model."}
   * @param tied true if the embedding is the output head as well
   */
  static void parameters(ParameterShapes shapes, Language language, String prefix, boolean tied) {
    LanguageLayout layout = language.layout();
    int width = language.width();
    int queries = language.heads() * language.headWidth();
    int keys = language.keyValueHeads() * language.headWidth();
    boolean bias = language.inputBias();
    shapes.put(prefix + layout.embedding() + ".weight", language.vocabulary(), width);
    for (int i = 0; i < language.layers(); i++) {
      String layer = "%smodel.layers.%d.".formatted(prefix, i);
      String attention = layer + layout.attention();
      if (layout.isFused()) {
        shapes.linear(attention, queries + 2L * keys, width, bias);
      } else {
        shapes
            .linear(attention + "q_proj", queries, width, bias)
            .linear(attention + "k_proj", keys, width, bias)
            .linear(attention + "v_proj", keys, width, bias);
      }
      shapes
          .norm(layer + layout.attentionNorm(), width, false)
          .norm(layer + layout.feedForwardNorm(), width, false)
          .linear(layer + layout.attentionOutput(), width, queries, language.outputBias())
          .linear(layer + layout.gate(), language.intermediate(), width, false)
          .linear(layer + layout.up(), language.intermediate(), width, false)
          .linear(layer + layout.down(), width, language.intermediate(), false);
    }
    shapes.norm(prefix + "model.norm", width, false);
    if (!tied) {
      shapes.put(prefix + layout.head() + ".weight", language.vocabulary(), width);
    }
  }
}
