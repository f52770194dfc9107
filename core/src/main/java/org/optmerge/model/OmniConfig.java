package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.optmerge.base.Json;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.Video;

/**
 * The shape of a language model with an encoder and a connector for each of its modalities, none,
 * one or several: its {@code config.json}.
 *
 * @param language the Qwen2 decoder
 * @param tied true if the input embedding is the output head as well
 * @param modalities by name, such as {@code audio}
 * @see <a href="https://arxiv.org/abs/2402.12750">Chen et al., ModelCompose, ACL 2024, section
 *     3</a>
 */
public record OmniConfig(
    InternVLConfig.Language language, boolean tied, SortedMap<String, Modality> modalities) {
  static final String ARCHITECTURE = "OmniQwen2ForCausalLM";

  /**
   * A modality.
   *
   * @param token that a feature takes the place of, such as {@code <audio>}
   * @param channels of its input: three colours, one spectrogram, or so many frames
   * @param encoder the vision transformer that reads it
   * @param downsample how many patches in each direction become one token
   * @param connector what is between encoder and decoder
   */
  public record Modality(
      String token,
      int channels,
      InternVLConfig.Vision encoder,
      int downsample,
      Connector connector) {
    /**
     * @throws ModelException if the patches cannot be joined that way
     */
    public Modality {
      if (downsample < 1 || encoder.grid() % downsample != 0) {
        throw new ModelException(
            "config.json: 1 / downsample_ratio (%d) must divide the %d patches of a side"
                .formatted(downsample, encoder.grid()));
      }
    }

    /** The kind of medium that stands behind the token. */
    Class<? extends Media> medium() {
      return switch (token) {
        case "<image>" -> Image.class;
        case "<audio>" -> Audio.class;
        case "<video>" -> Video.class;
        default ->
            throw new ModelException(
                "config.json: the token of a modality is '%s'; media are known for <image>, <audio> and <video>"
                    .formatted(token));
      };
    }

    /**
     * Media as the encoder takes them: squares of numbers around zero. A picture and the frames of
     * a video are resized, frames taken at equal distances and made grey; of a sound, log-mel
     * energies, rows are bands and columns frames.
     *
     * @return (media, channels, side, side)
     * @throws ModelException if a medium is of another kind, or a sound does not fit
     */
    public NDArray inputs(NDManager arrays, List<? extends Media> media) {
      return OmniInputs.of(arrays, this, media);
    }

    /** Tokens of one input. */
    public int tokens() {
      int side = encoder.grid() / downsample;
      return side * side;
    }

    /** Width of a feature: that of the patches which become one token, side by side. */
    public int featureWidth() {
      return encoder.width() * downsample * downsample;
    }
  }

  /** Between encoder and decoder. */
  public enum Connector {
    /** One matrix and a bias. */
    LINEAR("linear"),
    /** Two with a GELU between, as LLaVA-1.5 has it. */
    MLP("mlp2x_gelu");

    private final String key;

    Connector(String key) {
      this.key = key;
    }

    /** As {@code mm_projector_type} has it. */
    public String key() {
      return key;
    }

    static Connector of(String key) {
      for (Connector connector : values()) {
        if (connector.key.equals(key)) {
          return connector;
        }
      }
      throw new ModelException(
          "config.json: mm_projector_type is '%s'; known: [linear, mlp2x_gelu]".formatted(key));
    }
  }

  /** Copies the map. */
  public OmniConfig {
    modalities = Collections.unmodifiableSortedMap(new TreeMap<>(modalities));
  }

  /** The beginning of the names of a modality's encoder. */
  public static String encoder(String modality) {
    return "modal_encoders.%s.".formatted(modality);
  }

  /** The beginning of the names of a modality's connector. */
  public static String projector(String modality) {
    return "modal_projectors.%s.".formatted(modality);
  }

  /** The same with one more modality, or another in its place. */
  public OmniConfig with(String name, Modality modality) {
    SortedMap<String, Modality> more = new TreeMap<>(modalities);
    more.put(name, modality);
    return new OmniConfig(language, tied, more);
  }

  /**
   * Reads {@code config.json} of a folder.
   *
   * @throws ModelException if the file is not there, or describes a model that is not known here
   */
  public static OmniConfig read(Path folder) {
    return ConfigReader.read(folder, OmniConfig::of);
  }

  static OmniConfig of(JsonNode json) {
    JsonNode architecture = json.path("architectures").path(0);
    if (!architecture.asText("").equals(ARCHITECTURE)) {
      throw new ModelException(
          "config.json: the architecture is %s; known: [%s]"
              .formatted(architecture.isMissingNode() ? "missing" : architecture, ARCHITECTURE));
    }
    ConfigReader config = new ConfigReader(json, "");
    SortedMap<String, Modality> modalities = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : json.path("modalities").properties()) {
      JsonNode node = entry.getValue();
      ConfigReader encoder = new ConfigReader(node, "modalities." + entry.getKey() + ".");
      modalities.put(
          entry.getKey(),
          new Modality(
              node.path("token").asText("<%s>".formatted(entry.getKey())),
              encoder.section("encoder_config").positive("num_channels", 3),
              InternVLConfig.vision(encoder.section("encoder_config")),
              (int) Math.rint(1 / encoder.number("downsample_ratio", 1)),
              Connector.of(node.path("mm_projector_type").asText("missing"))));
    }
    return new OmniConfig(
        LanguageLayout.QWEN2.settings(config.section("llm_config")),
        config.truth("tie_word_embeddings", false),
        modalities);
  }

  /** This configuration as {@code config.json} has it. */
  public ObjectNode toJson() {
    ObjectNode json = Json.object();
    json.putArray("architectures").add(ARCHITECTURE);
    json.put("model_type", "omni_qwen2");
    json.put("tie_word_embeddings", tied);
    json.put("torch_dtype", "float32");
    ObjectNode all = json.putObject("modalities");
    modalities.forEach(
        (name, modality) -> {
          ObjectNode node = all.putObject(name);
          node.put("token", modality.token);
          node.put("downsample_ratio", 1.0 / modality.downsample);
          node.put("mm_projector_type", modality.connector.key);
          node.set(
              "encoder_config", InternVLConfig.visionJson(modality.encoder, modality.channels));
        });
    json.set("llm_config", LanguageLayout.json(language, tied));
    return json;
  }

  /** Name and shape of every parameter. */
  public SortedMap<String, Shape> parameters() {
    ParameterShapes shapes = new ParameterShapes();
    LanguageLayout.parameters(shapes, language, "language_model.", tied);
    modalities.forEach(
        (name, modality) -> {
          InternVLConfig.visionParameters(
              shapes, modality.encoder, encoder(name), modality.channels);
          String projector = projector(name);
          shapes.linear(projector + "0", language.width(), modality.featureWidth(), true);
          if (modality.connector == Connector.MLP) {
            shapes.linear(projector + "2", language.width(), language.width(), true);
          }
        });
    return shapes.all();
  }
}
