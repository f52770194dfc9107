package org.optmerge.model;

import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import org.optmerge.base.Json;
import org.optmerge.model.vision.Tiling;

/**
 * The shape of an InternVL model: its {@code config.json}, as far as results depend on it.
 *
 * @param vision the InternViT
 * @param language the decoder
 * @param selectLayer which hidden state of the vision model is used: −1 the last, −2 the one before
 * @param downsample how many patches in each direction become one token; 2 for {@code
 *     downsample_ratio} 0.5
 * @param transposed true for {@code ps_version} v1, which orders the tokens of a tile by column
 * @param imageSize side of a tile in pixels ({@code force_image_size})
 * @param tiling how many tiles a picture is cut into
 * @param tied true if the input embedding is the output head as well
 * @see <a href="https://arxiv.org/abs/2412.05271">Chen et al., InternVL 2.5, section 2</a>
 */
public record InternVLConfig(
    Vision vision,
    Language language,
    int selectLayer,
    int downsample,
    boolean transposed,
    int imageSize,
    Tiling tiling,
    boolean tied) {
  static final String ARCHITECTURE = "InternVLChatModel";

  /**
   * An InternViT.
   *
   * @param width of a token
   * @param layers how many
   * @param heads of attention
   * @param intermediate width inside the MLP
   * @param imageSize side, in pixels, that the position embedding is for
   * @param patch side of a patch in pixels
   * @param epsilon of the norms
   * @param rmsNorm true if norms are RMSNorm, else LayerNorm
   * @param qkvBias true if the projection to queries, keys and values has a bias
   * @param qkNorm true if queries and keys are normalised over the full width
   * @param layerScale initial value of {@code ls1} and {@code ls2} ({@code initializer_factor})
   */
  public record Vision(
      @JsonProperty("hidden_size") int width,
      @JsonProperty("num_hidden_layers") int layers,
      @JsonProperty("num_attention_heads") int heads,
      @JsonProperty("intermediate_size") int intermediate,
      @JsonProperty("image_size") int imageSize,
      @JsonProperty("patch_size") int patch,
      @JsonProperty("layer_norm_eps") double epsilon,
      @JsonIgnore boolean rmsNorm,
      @JsonProperty("qkv_bias") boolean qkvBias,
      @JsonProperty("qk_normalization") boolean qkNorm,
      @JsonProperty("initializer_factor") double layerScale) {
    public Vision {
      divides("vision_config.num_attention_heads", heads, "hidden_size", width);
      divides("vision_config.patch_size", patch, "image_size", imageSize);
    }

    /** Patches along a side. */
    public int grid() {
      return imageSize / patch;
    }
  }

  /**
   * A decoder.
   *
   * @param width of a token
   * @param layers how many
   * @param heads of queries
   * @param keyValueHeads of keys and values, each serving {@code heads / keyValueHeads} heads of
   *     queries
   * @param headWidth of one head
   * @param intermediate width inside the MLP
   * @param vocabulary number of tokens
   * @param epsilon of the norms
   * @param ropeTheta base of the rotary position embedding
   * @param maxPositions the longest sequence
   * @param layout the family it is of
   * @param inputBias true if queries, keys and values have a bias
   * @param outputBias true if the projection of what is attended to has one
   */
  public record Language(
      @JsonProperty("hidden_size") int width,
      @JsonProperty("num_hidden_layers") int layers,
      @JsonProperty("num_attention_heads") int heads,
      @JsonProperty("num_key_value_heads") int keyValueHeads,
      @JsonProperty("head_dim") int headWidth,
      @JsonProperty("intermediate_size") int intermediate,
      @JsonProperty("vocab_size") int vocabulary,
      @JsonProperty("rms_norm_eps") double epsilon,
      @JsonProperty("rope_theta") double ropeTheta,
      @JsonProperty("max_position_embeddings") int maxPositions,
      @JsonIgnore LanguageLayout layout,
      @JsonIgnore boolean inputBias,
      @JsonIgnore boolean outputBias) {
    /** A Qwen2 decoder. */
    public Language(
        int width,
        int layers,
        int heads,
        int keyValueHeads,
        int headWidth,
        int intermediate,
        int vocabulary,
        double epsilon,
        double ropeTheta,
        int maxPositions) {
      this(
          width,
          layers,
          heads,
          keyValueHeads,
          headWidth,
          intermediate,
          vocabulary,
          epsilon,
          ropeTheta,
          maxPositions,
          LanguageLayout.QWEN2,
          true,
          false);
    }

    public Language {
      divides("llm_config.num_key_value_heads", keyValueHeads, "num_attention_heads", heads);
      divides("2", 2, "head_dim", headWidth);
    }
  }

  public InternVLConfig {
    divides(
        "1 / downsample_ratio",
        downsample,
        "force_image_size / patch_size",
        grid(imageSize, vision));
    if (selectLayer >= 0 || selectLayer < -vision.layers() - 1) {
      throw new ModelException(
          "config.json: select_layer must be in [%d, -1], is %d"
              .formatted(-vision.layers() - 1, selectLayer));
    }
  }

  private static int grid(int imageSize, Vision vision) {
    divides("vision_config.patch_size", vision.patch(), "force_image_size", imageSize);
    return imageSize / vision.patch();
  }

  private static void divides(String divisor, int a, String dividend, int b) {
    if (b % a != 0) {
      throw new ModelException(
          "config.json: %s (%d) must divide %s (%d)".formatted(divisor, a, dividend, b));
    }
  }

  /** Tokens that a tile takes in the prompt. */
  public int tokensPerTile() {
    int side = imageSize / vision.patch() / downsample;
    return side * side;
  }

  /** Width of a visual feature: that of the patches which become one token, side by side. */
  public int featureWidth() {
    return vision.width() * downsample * downsample;
  }

  /**
   * Reads {@code config.json} of a folder.
   *
   * @throws ModelException if the file is not there, or describes a model that is not known here
   */
  public static InternVLConfig read(Path folder) {
    return ConfigReader.read(folder, InternVLConfig::of);
  }

  /**
   * The configuration in {@code config.json}.
   *
   * @throws ModelException if it describes a model that is not known here; the message names it
   */
  public static InternVLConfig of(JsonNode json) {
    JsonNode architecture = json.path("architectures").path(0);
    if (!architecture.asText("").equals(ARCHITECTURE)) {
      throw new ModelException(
          "config.json: the architecture is %s (model_type %s); known: [InternVLChatModel]"
              .formatted(
                  architecture.isMissingNode() ? "missing" : architecture,
                  json.path("model_type").asText("missing")));
    }
    ConfigReader config = new ConfigReader(json, "");
    Vision vision = vision(config.section("vision_config"));
    Language language = LanguageLayout.read(config.section("llm_config"));
    double ratio = config.number("downsample_ratio", 0.5);
    int downsample = (int) Math.rint(1 / ratio);
    if (!(ratio > 0 && ratio <= 1) || Math.abs(downsample * ratio - 1) > 1e-9) {
      throw new ModelException(
          "config.json: downsample_ratio must be 1 divided by a whole number, is " + ratio);
    }
    boolean tied =
        config.has("tie_word_embeddings")
            ? config.truth("tie_word_embeddings", false)
            : config.section("llm_config").truth("tie_word_embeddings", false);
    return new InternVLConfig(
        vision,
        language,
        config.integer("select_layer", -1),
        downsample,
        config.oneOf("ps_version", List.of("v1", "v2")).equals("v1"),
        config.positive("force_image_size", vision.imageSize()),
        tiling(config),
        tied);
  }

  private static Tiling tiling(ConfigReader config) {
    try {
      return new Tiling(
          config.truth("dynamic_image_size", false),
          config.positive("min_dynamic_patch", 1),
          config.positive("max_dynamic_patch", 6),
          config.truth("use_thumbnail", false));
    } catch (IllegalArgumentException e) {
      throw new ModelException(
          "config.json: min_dynamic_patch, max_dynamic_patch: " + e.getMessage(), e);
    }
  }

  static Vision vision(ConfigReader config) {
    config.oneOf("hidden_act", List.of("gelu"));
    return new Vision(
        config.positive("hidden_size"),
        config.positive("num_hidden_layers"),
        config.positive("num_attention_heads"),
        config.positive("intermediate_size"),
        config.positive("image_size"),
        config.positive("patch_size"),
        config.number("layer_norm_eps", 1e-6),
        config.oneOf("norm_type", List.of("rms_norm", "layer_norm")).equals("rms_norm"),
        config.truth("qkv_bias", false),
        config.truth("qk_normalization", true),
        config.number("initializer_factor", 1));
  }

  /** This configuration as {@code config.json} has it. */
  public ObjectNode toJson() {
    ObjectNode json = Json.object();
    json.putArray("architectures").add(ARCHITECTURE);
    json.put("model_type", "internvl_chat");
    json.put("downsample_ratio", 1.0 / downsample);
    json.put("dynamic_image_size", tiling.dynamic());
    json.put("force_image_size", imageSize);
    json.put("min_dynamic_patch", tiling.minimum());
    json.put("max_dynamic_patch", tiling.maximum());
    json.put("use_thumbnail", tiling.thumbnail());
    json.put("ps_version", transposed ? "v1" : "v2");
    json.put("select_layer", selectLayer);
    json.put("tie_word_embeddings", tied);
    json.put("torch_dtype", "float32");
    json.set("vision_config", visionJson(vision, 3));
    json.set("llm_config", LanguageLayout.json(language, tied));
    return json;
  }

  static ObjectNode visionJson(Vision vision, int channels) {
    ObjectNode json = Json.plain().valueToTree(vision);
    json.putArray("architectures").add("InternVisionModel");
    return json.put("model_type", "intern_vit_6b")
        .put("hidden_act", "gelu")
        .put("num_channels", channels)
        .put("norm_type", vision.rmsNorm() ? "rms_norm" : "layer_norm");
  }

  /** Name and shape of every parameter, as published checkpoints have them. */
  public SortedMap<String, Shape> parameters() {
    ParameterShapes shapes = new ParameterShapes();
    visionParameters(shapes, vision, "vision_model.", 3);
    LanguageLayout.parameters(shapes, language, "language_model.", tied);
    return shapes
        .norm("mlp1.0", featureWidth(), true)
        .linear("mlp1.1", language.width(), featureWidth(), true)
        .linear("mlp1.3", language.width(), language.width(), true)
        .all();
  }

  static void visionParameters(ParameterShapes shapes, Vision vision, String prefix, int channels) {
    int width = vision.width();
    String embeddings = prefix + "embeddings.";
    shapes
        .put(embeddings + "class_embedding", 1, 1, width)
        .put(embeddings + "patch_embedding.weight", width, channels, vision.patch(), vision.patch())
        .put(embeddings + "patch_embedding.bias", width)
        .put(embeddings + "position_embedding", 1, 1 + (long) vision.grid() * vision.grid(), width);
    for (int i = 0; i < vision.layers(); i++) {
      String layer = prefix + "encoder.layers.%d.".formatted(i);
      shapes
          .norm(layer + "norm1", width, !vision.rmsNorm())
          .norm(layer + "norm2", width, !vision.rmsNorm())
          .linear(layer + "attn.qkv", 3L * width, width, vision.qkvBias())
          .linear(layer + "attn.proj", width, width, true)
          .linear(layer + "mlp.fc1", vision.intermediate(), width, true)
          .linear(layer + "mlp.fc2", width, vision.intermediate(), true)
          .put(layer + "ls1", width)
          .put(layer + "ls2", width);
      if (vision.qkNorm()) {
        shapes.norm(layer + "attn.q_norm", width, false).norm(layer + "attn.k_norm", width, false);
      }
    }
  }

  /** The weight of the output head, where it is one of its own. */
  String head() {
    return "language_model.%s.weight".formatted(language.layout().head());
  }

  /** This configuration, with the embedding as output head or without. */
  InternVLConfig withTied(boolean value) {
    return new InternVLConfig(
        vision, language, selectLayer, downsample, transposed, imageSize, tiling, value);
  }
}
