package org.optmerge.model;

import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;

/**
 * The shape of a LLaVA-1.5: its {@code config.json}, as far as results depend on it, in the layout
 * of Hugging Face's library or of LLaVA's own code.
 *
 * @param vision the CLIP vision transformer
 * @param language the decoder, Vicuna
 * @param tied true if the input embedding is the output head as well
 * @param selectLayer which hidden state of the vision model is used: −2 the one before the last
 * @param keepsClass true if the class token is a feature too
 * @param padded true if pictures are made square by a border, else by cutting
 * @param imageToken id of the token that features take the place of; −1 where the text has a
 *     placeholder instead of a token
 * @param names of the tensors
 * @param towerName where the vision model comes from ({@code mm_vision_tower}), if the layout has
 *     it in a folder of its own
 * @see <a href="https://arxiv.org/abs/2310.03744">Liu et al., Improved baselines with visual
 *     instruction tuning, section 3.3</a>
 */
record LlavaConfig(
    Vision vision,
    InternVLConfig.Language language,
    boolean tied,
    int selectLayer,
    boolean keepsClass,
    boolean padded,
    long imageToken,
    Names names,
    @Nullable String towerName) {
  static final String HUGGING_FACE = "LlavaForConditionalGeneration";
  static final String ORIGINAL = "LlavaLlamaForCausalLM";

  /**
   * The beginnings of the names of tensors.
   *
   * @param language of the decoder
   * @param tower of the vision model
   * @param first of the connector's two linear maps
   * @param second of them
   */
  record Names(String language, String tower, String first, String second) {
    static final Names OF_HUGGING_FACE =
        new Names(
            "language_model.",
            "vision_tower.vision_model.",
            "multi_modal_projector.linear_1",
            "multi_modal_projector.linear_2");

    static final Names OF_ORIGINAL =
        new Names(
            "",
            "model.vision_tower.vision_tower.vision_model.",
            "model.mm_projector.0",
            "model.mm_projector.2");
  }

  /**
   * A CLIP vision transformer.
   *
   * @param width of a token
   * @param layers how many
   * @param heads of attention
   * @param intermediate width inside the MLP
   * @param imageSize side of its input in pixels
   * @param patch side of a patch in pixels
   * @param epsilon of the norms
   * @param quickGelu true if the MLP has x · sigmoid(1.702 x) inside, else GELU
   * @see <a href="https://arxiv.org/abs/2103.00020">Radford et al., CLIP, section 2.4</a>
   */
  record Vision(
      int width,
      int layers,
      int heads,
      int intermediate,
      int imageSize,
      int patch,
      double epsilon,
      boolean quickGelu) {
    /** Patches along a side. */
    int grid() {
      return imageSize / patch;
    }
  }

  LlavaConfig {
    if (selectLayer >= 0 || selectLayer < -vision.layers() - 1) {
      throw new ModelException(
          "config.json: the vision feature layer must be in [%d, -1], is %d"
              .formatted(-vision.layers() - 1, selectLayer));
    }
  }

  /** Features of a picture. */
  int tokens() {
    return vision.grid() * vision.grid() + (keepsClass ? 1 : 0);
  }

  /**
   * Reads {@code config.json} of a folder.
   *
   * @throws ModelException if the file is not there, or describes a model that is not known here
   */
  static LlavaConfig read(Path folder) {
    return ConfigReader.read(folder, json -> of(json, folder));
  }

  /**
   * The configuration in {@code config.json}.
   *
   * @param folder where the folder of the vision model is looked for, if there is one
   */
  static LlavaConfig of(JsonNode json, Path folder) {
    ConfigReader config = new ConfigReader(json, "");
    String architecture = json.path("architectures").path(0).asText("missing");
    return switch (architecture) {
      case HUGGING_FACE -> huggingFace(config);
      case ORIGINAL -> original(config, folder);
      default ->
          throw new ModelException(
              "config.json: the architecture is '%s'; known: [%s, %s]"
                  .formatted(architecture, HUGGING_FACE, ORIGINAL));
    };
  }

  private static LlavaConfig huggingFace(ConfigReader config) {
    config.oneOf("projector_hidden_act", List.of("gelu"));
    ConfigReader text = config.section("text_config");
    String tokens = config.has("image_token_id") ? "image_token_id" : "image_token_index";
    return new LlavaConfig(
        vision(config.section("vision_config")),
        LanguageLayout.read(text),
        config.truth("tie_word_embeddings", text.truth("tie_word_embeddings", false)),
        config.integer("vision_feature_layer", -2),
        config.oneOf("vision_feature_select_strategy", List.of("default", "full")).equals("full"),
        false,
        config.positive(tokens),
        Names.OF_HUGGING_FACE,
        null);
  }

  private static LlavaConfig original(ConfigReader config, Path folder) {
    config.oneOf("mm_projector_type", List.of("mlp2x_gelu"));
    for (String marks : List.of("mm_use_im_start_end", "mm_use_im_patch_token")) {
      if (config.truth(marks, false)) {
        throw new ModelException("config.json: %s is not supported".formatted(marks));
      }
    }
    String tower = config.text("mm_vision_tower", "");
    if (tower.isEmpty()) {
      throw new ModelException("config.json: mm_vision_tower is missing");
    }
    return new LlavaConfig(
        VisionTower.of(folder, tower).vision(),
        LanguageLayout.LLAMA.settings(config),
        config.truth("tie_word_embeddings", false),
        config.integer("mm_vision_select_layer", -2),
        config.oneOf("mm_vision_select_feature", List.of("patch", "cls_patch")).equals("cls_patch"),
        // "square" and "original" leave it to the processor, which cuts.
        config.oneOf("image_aspect_ratio", List.of("square", "original", "pad")).equals("pad"),
        -1,
        Names.OF_ORIGINAL,
        tower);
  }

  /** CLIP's own settings, for what a file leaves out. */
  static Vision vision(ConfigReader config) {
    return new Vision(
        config.positive("hidden_size", 768),
        config.positive("num_hidden_layers", 12),
        config.positive("num_attention_heads", 12),
        config.positive("intermediate_size", 3072),
        config.positive("image_size", 224),
        config.positive("patch_size", 32),
        config.number("layer_norm_eps", 1e-5),
        config.oneOf("hidden_act", List.of("quick_gelu", "gelu")).equals("quick_gelu"));
  }

  /** This configuration, with the embedding as output head or without. */
  LlavaConfig withTied(boolean value) {
    return new LlavaConfig(
        vision, language, value, selectLayer, keepsClass, padded, imageToken, names, towerName);
  }

  /** The weight of the output head, where it is one of its own. */
  String head() {
    return names.language + language.layout().head() + ".weight";
  }

  /** Name and shape of every parameter, as published checkpoints have them. */
  SortedMap<String, Shape> parameters() {
    ParameterShapes shapes = new ParameterShapes();
    int width = vision.width();
    String embeddings = names.tower + "embeddings.";
    shapes
        .put(embeddings + "class_embedding", width)
        .put(embeddings + "patch_embedding.weight", width, 3, vision.patch(), vision.patch())
        .put(
            embeddings + "position_embedding.weight",
            1 + (long) vision.grid() * vision.grid(),
            width)
        .norm(names.tower + "pre_layrnorm", width, true)
        .norm(names.tower + "post_layernorm", width, true);
    for (int i = 0; i < vision.layers(); i++) {
      String layer = names.tower + "encoder.layers.%d.".formatted(i);
      for (String part : List.of("q_proj", "k_proj", "v_proj", "out_proj")) {
        shapes.linear(layer + "self_attn." + part, width, width, true);
      }
      shapes
          .norm(layer + "layer_norm1", width, true)
          .norm(layer + "layer_norm2", width, true)
          .linear(layer + "mlp.fc1", vision.intermediate(), width, true)
          .linear(layer + "mlp.fc2", width, vision.intermediate(), true);
    }
    LanguageLayout.parameters(shapes, language, names.language, tied);
    return shapes
        .linear(names.first, language.width(), width, true)
        .linear(names.second, language.width(), language.width(), true)
        .all();
  }

  /** The settings of CLIP's vision model that LLaVA-1.5 was trained with, and of its sibling. */
  static @Nullable Vision published(String towerName) {
    String size =
        switch (towerName) {
          case "openai/clip-vit-large-patch14-336" -> "336";
          case "openai/clip-vit-large-patch14" -> "224";
          default -> "";
        };
    return size.isEmpty()
        ? null
        : vision(
            new ConfigReader(
                Json.object()
                    .put("hidden_size", 1024)
                    .put("num_hidden_layers", 24)
                    .put("num_attention_heads", 16)
                    .put("intermediate_size", 4096)
                    .put("image_size", Integer.parseInt(size))
                    .put("patch_size", 14),
                ""));
  }
}
