package org.optmerge.model;

import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * The shape of a Qwen2-VL or Qwen2.5-VL model: its {@code config.json}, as far as results depend on
 * it.
 *
 * @param vision the vision model
 * @param language the Qwen2 decoder
 * @param sections how many frequencies of the rotary embedding turn with time, height and width
 * @param tied true if the input embedding is the output head as well
 * @param imageToken id of the token that features of pictures take the place of
 * @param videoToken the same for videos
 * @see <a href="https://arxiv.org/abs/2409.12191">Wang et al., Qwen2-VL, section 2.1</a>
 * @see <a href="https://arxiv.org/abs/2502.13923">Bai et al., Qwen2.5-VL, section 2.1</a>
 */
record QwenVLConfig(
    Vision vision,
    InternVLConfig.Language language,
    List<Integer> sections,
    boolean tied,
    long imageToken,
    long videoToken) {
  static final String QWEN2_VL = "Qwen2VLForConditionalGeneration";
  static final String QWEN2_5_VL = "Qwen2_5_VLForConditionalGeneration";

  /** Patches that become one token, in each direction. */
  static final int MERGE = 2;

  /**
   * The vision model.
   *
   * @param width of a patch's state
   * @param layers how many
   * @param heads of attention
   * @param intermediate width inside the MLP
   * @param patchValues numbers in a patch: channels · frames · side²
   * @param windows what Qwen2.5-VL has and Qwen2-VL has not; null for the latter
   */
  public record Vision(
      int width,
      int layers,
      int heads,
      int intermediate,
      int patchValues,
      @Nullable Windows windows) {}

  /**
   * Attention in windows; norms are RMSNorm and the MLP is gated where there are windows.
   *
   * @param side of a window, in tokens
   * @param everywhere layers that attend to a whole frame
   * @param tokensPerSecond how fast temporal positions go
   */
  public record Windows(int side, List<Integer> everywhere, double tokensPerSecond) {
    public Windows {
      everywhere = List.copyOf(everywhere);
    }
  }

  public QwenVLConfig {
    sections = List.copyOf(sections);
    int sum = sections.stream().mapToInt(Integer::intValue).sum();
    if (sections.size() != 3 || sum * 2 != language.headWidth()) {
      throw new ModelException(
          "config.json: mrope_section must be three numbers with the sum %d, is %s"
              .formatted(language.headWidth() / 2, sections));
    }
  }

  /**
   * Reads {@code config.json} of a folder.
   *
   * @throws ModelException if the file is not there, or describes a model that is not known here
   */
  public static QwenVLConfig read(Path folder) {
    return ConfigReader.read(folder, QwenVLConfig::of);
  }

  /**
   * The configuration in {@code config.json}.
   *
   * @throws ModelException if it describes a model that is not known here; the message names it
   */
  public static QwenVLConfig of(JsonNode json) {
    String architecture = json.path("architectures").path(0).asText("missing");
    if (!List.of(QWEN2_VL, QWEN2_5_VL).contains(architecture)) {
      throw new ModelException(
          "config.json: the architecture is '%s' (model_type %s); known: [%s, %s]"
              .formatted(
                  architecture, json.path("model_type").asText("missing"), QWEN2_VL, QWEN2_5_VL));
    }
    ConfigReader config = new ConfigReader(json, "");
    // Newer versions of the library write the decoder's settings into a section.
    ConfigReader text =
        config.has("text_config") && !config.has("hidden_size")
            ? config.section("text_config")
            : config;
    String rope = text.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
    List<Integer> sections = new ArrayList<>();
    JsonNode scaling = text.node(rope);
    if (scaling != null) {
      scaling.path("mrope_section").forEach(s -> sections.add(s.asInt()));
    }
    return new QwenVLConfig(
        architecture.equals(QWEN2_5_VL)
            ? windowed(config.section("vision_config"))
            : plain(config.section("vision_config")),
        LanguageLayout.QWEN2.settings(text, List.of("mrope", "default")),
        sections,
        config.truth("tie_word_embeddings", text.truth("tie_word_embeddings", false)),
        config.positive("image_token_id"),
        config.positive("video_token_id"));
  }

  private static int patchValues(ConfigReader config) {
    int patch = config.positive("patch_size", 14);
    if (config.positive("spatial_merge_size", MERGE) != MERGE) {
      throw new ModelException("config.json: vision_config.spatial_merge_size must be " + MERGE);
    }
    return 3 * config.positive("temporal_patch_size", 2) * patch * patch;
  }

  private static Vision plain(ConfigReader config) {
    config.oneOf("hidden_act", List.of("quick_gelu"));
    int width = config.positive("embed_dim");
    return new Vision(
        width,
        config.positive("depth"),
        config.positive("num_heads"),
        (int) (width * config.number("mlp_ratio", 4)),
        patchValues(config),
        null);
  }

  private static Vision windowed(ConfigReader config) {
    config.oneOf("hidden_act", List.of("silu"));
    List<Integer> everywhere = new ArrayList<>();
    JsonNode blocks = config.node("fullatt_block_indexes");
    if (blocks != null) {
      blocks.forEach(block -> everywhere.add(block.asInt()));
    }
    int cell = config.positive("patch_size", 14) * MERGE;
    return new Vision(
        config.positive("hidden_size"),
        config.positive("depth"),
        config.positive("num_heads"),
        config.positive("intermediate_size"),
        patchValues(config),
        new Windows(
            config.positive("window_size", 112) / cell,
            everywhere,
            config.number("tokens_per_second", 4)));
  }

  /** This configuration, with the embedding as output head or without. */
  QwenVLConfig withTied(boolean value) {
    return new QwenVLConfig(vision, language, sections, value, imageToken, videoToken);
  }

  /** Name and shape of every parameter, as published checkpoints have them. */
  public SortedMap<String, Shape> parameters() {
    ParameterShapes shapes = new ParameterShapes();
    int width = vision.width();
    int merged = MERGE * MERGE * width;
    boolean gated = vision.windows() != null;
    // The convolution's kernel covers a patch.
    int side = (int) Math.round(Math.sqrt(vision.patchValues() / 6.0));
    shapes.put("visual.patch_embed.proj.weight", width, 3, 2, side, side);
    for (int i = 0; i < vision.layers(); i++) {
      String block = "visual.blocks.%d.".formatted(i);
      shapes
          .norm(block + "norm1", width, !gated)
          .norm(block + "norm2", width, !gated)
          .linear(block + "attn.qkv", 3L * width, width, true)
          .linear(block + "attn.proj", width, width, true);
      if (gated) {
        shapes
            .linear(block + "mlp.gate_proj", vision.intermediate(), width, true)
            .linear(block + "mlp.up_proj", vision.intermediate(), width, true)
            .linear(block + "mlp.down_proj", width, vision.intermediate(), true);
      } else {
        shapes
            .linear(block + "mlp.fc1", vision.intermediate(), width, true)
            .linear(block + "mlp.fc2", width, vision.intermediate(), true);
      }
    }
    shapes
        .norm("visual.merger.ln_q", width, !gated)
        .linear("visual.merger.mlp.0", merged, merged, true)
        .linear("visual.merger.mlp.2", language.width(), merged, true);
    LanguageLayout.parameters(shapes, language, "", tied);
    return shapes.all();
  }
}
