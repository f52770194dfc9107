package org.optmerge.checkpoint.gguf;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.DType;

/** {@code config.json} as the metadata of GGUF files have it. */
final class GgufConfig {
  private final @Nullable GgufFamily family;
  private final @Nullable GgufHeader language;
  private final @Nullable GgufHeader vision;
  private final float[] ropeFactors;
  private final List<String> notes = new ArrayList<>();

  GgufConfig(
      @Nullable GgufFamily family,
      @Nullable GgufHeader language,
      @Nullable GgufHeader vision,
      float[] ropeFactors) {
    this.family = family;
    this.language = language;
    this.vision = vision;
    this.ropeFactors = ropeFactors;
  }

  /** What could not be worked out; complete after {@link #json}. */
  List<String> notes() {
    return notes;
  }

  ObjectNode json() {
    ObjectNode config = Json.object();
    boolean newer = vision != null && Vision.isNewer(vision.metadata());
    if (family != null && language != null) {
      config
          .putArray("architectures")
          .add(newer ? "Qwen2_5_VLForConditionalGeneration" : family.huggingFace());
      config.put("model_type", newer ? "qwen2_5_vl" : family.modelType());
      new Language(family, language).addTo(config);
    } else {
      config.put("model_type", newer ? "qwen2_5_vl" : "qwen2_vl");
    }
    if (vision != null) {
      config.set(
          "vision_config", new Vision(vision, config.path("hidden_size").asInt(0)).json(newer));
    } else if (family == GgufFamily.QWEN2_VL) {
      notes.add(
          "GGUF: the language part of a Qwen2-VL or Qwen2.5-VL alone, as config.json Qwen2-VL; its"
              + " vision part is in a file of its own ('mmproj'), give a folder with both");
    }
    return config;
  }

  /** Settings of the language model. */
  private final class Language {
    private final GgufMetadata metadata;
    private final GgufHeader header;
    private final String prefix;
    private final GgufFamily family;

    Language(GgufFamily family, GgufHeader header) {
      this.family = family;
      this.header = header;
      this.metadata = header.metadata();
      this.prefix = family.architecture() + ".";
    }

    void addTo(ObjectNode config) {
      int hidden = metadata.size(prefix + "embedding_length");
      int heads = metadata.size(prefix + "attention.head_count");
      config.put("hidden_act", "silu");
      config.put("hidden_size", hidden);
      config.put("intermediate_size", metadata.size(prefix + "feed_forward_length"));
      config.put("num_hidden_layers", metadata.size(prefix + "block_count"));
      config.put("num_attention_heads", heads);
      config.put(
          "num_key_value_heads",
          metadata.whole(prefix + "attention.head_count_kv").orElse((long) heads));
      metadata
          .whole(prefix + "attention.key_length")
          .or(() -> metadata.whole(prefix + "rope.dimension_count"))
          .filter(length -> length * heads != hidden || family == GgufFamily.QWEN3)
          .ifPresent(length -> config.put("head_dim", length));
      metadata
          .whole(prefix + "context_length")
          .ifPresent(length -> config.put("max_position_embeddings", length));
      metadata
          .number(prefix + "attention.layer_norm_rms_epsilon")
          .ifPresent(epsilon -> config.put("rms_norm_eps", plain(epsilon)));
      config.put(
          "rope_theta",
          metadata.number(prefix + "rope.freq_base").map(GgufConfig::plain).orElse(10000.0));
      GgufTensor embedding = GgufContents.find(header, "token_embd.weight");
      if (embedding != null) {
        config.put("vocab_size", embedding.rows());
      }
      config.put("tie_word_embeddings", GgufContents.find(header, "output.weight") == null);
      if (family == GgufFamily.LLAMA) {
        config.put("attention_bias", GgufContents.find(header, "blk.0.attn_q.bias") != null);
        config.put("mlp_bias", GgufContents.find(header, "blk.0.ffn_up.bias") != null);
      }
      metadata.whole("tokenizer.ggml.bos_token_id").ifPresent(id -> config.put("bos_token_id", id));
      metadata.whole("tokenizer.ggml.eos_token_id").ifPresent(id -> config.put("eos_token_id", id));
      ropeScaling().ifPresent(scaling -> config.set("rope_scaling", scaling));
      config.put("torch_dtype", type().torchName());
    }

    /** The type of most elements, as they are read. */
    private DType type() {
      DType most = DType.F32;
      long elements = -1;
      for (DType type : List.of(DType.F32, DType.BF16, DType.F16)) {
        long own =
            header.tensors().stream()
                .filter(it -> it.type().dtype() == type)
                .mapToLong(GgufTensor::size)
                .sum();
        if (own > elements) {
          most = type;
          elements = own;
        }
      }
      return most;
    }

    private Optional<ObjectNode> ropeScaling() {
      ObjectNode scaling = Json.object();
      List<Long> sections =
          metadata.list(prefix + "rope.dimension_sections", Long.class, "whole numbers");
      if (!sections.isEmpty()) {
        scaling.put("type", "mrope");
        scaling.put("rope_type", "default");
        sections.stream().filter(it -> it > 0).forEach(scaling.withArray("mrope_section")::add);
        return Optional.of(scaling);
      }
      if (ropeFactors.length > 0) {
        double theta = metadata.number(prefix + "rope.freq_base").orElse(10000.0);
        Optional<Llama3Rope> rope = Llama3Rope.find(ropeFactors, theta);
        if (rope.isEmpty()) {
          notes.add(
              "GGUF: the factors in '%s' are not those of a known setting, so config.json has no rope_scaling; set it by hand"
                  .formatted(GgufContents.ROPE_FACTORS));
        }
        return rope.map(Llama3Rope::json);
      }
      String type = metadata.text(prefix + "rope.scaling.type").orElse("none");
      Optional<Double> factor = metadata.number(prefix + "rope.scaling.factor");
      if (type.equals("none") || factor.isEmpty()) {
        return Optional.empty();
      }
      scaling.put("type", type);
      scaling.put("rope_type", type);
      scaling.put("factor", plain(factor.get()));
      metadata
          .whole(prefix + "rope.scaling.original_context_length")
          .ifPresent(length -> scaling.put("original_max_position_embeddings", length));
      return Optional.of(scaling);
    }
  }

  /** Settings of the vision part of Qwen2-VL and Qwen2.5-VL. */
  private static final class Vision {
    static final String NEWER = "qwen2.5vl_merger";

    private final GgufHeader header;
    private final GgufMetadata metadata;
    private final int textHidden;

    Vision(GgufHeader header, int textHidden) {
      this.header = header;
      this.metadata = header.metadata();
      this.textHidden = textHidden;
    }

    static boolean isNewer(GgufMetadata metadata) {
      return GgufFormat.projector(metadata).equals(NEWER);
    }

    ObjectNode json(boolean newer) {
      ObjectNode config = Json.object();
      config.put("model_type", newer ? "qwen2_5_vl" : "qwen2_vl");
      int embedding = metadata.size("clip.vision.embedding_length");
      config.put("depth", metadata.size("clip.vision.block_count"));
      config.put("num_heads", metadata.size("clip.vision.attention.head_count"));
      config.put("patch_size", metadata.size("clip.vision.patch_size"));
      config.put("spatial_patch_size", metadata.size("clip.vision.patch_size"));
      config.put("spatial_merge_size", metadata.whole("clip.vision.spatial_merge_size").orElse(2L));
      config.put("temporal_patch_size", 2);
      GgufTensor patches = GgufContents.find(header, "v.patch_embd.weight");
      config.put("in_chans", patches == null ? 3 : patches.shape().get(1));
      GgufTensor last = GgufContents.find(header, "mm.2.weight");
      int out = last == null ? textHidden : (int) last.rows();
      GgufTensor up = GgufContents.find(header, "v.blk.0.ffn_up.weight");
      long inner = up == null ? 4L * embedding : up.rows();
      if (newer) {
        config.put("hidden_size", embedding);
        config.put("out_hidden_size", out);
        config.put("intermediate_size", inner);
        config.put("hidden_act", "silu");
        metadata
            .whole("clip.vision.n_wa_pattern")
            .filter(every -> every > 0)
            .ifPresent(
                every -> {
                  for (long at = every - 1; at < config.path("depth").asLong(); at += every) {
                    config.withArray("fullatt_block_indexes").add(at);
                  }
                });
      } else {
        config.put("embed_dim", embedding);
        config.put("hidden_size", out);
        config.put("mlp_ratio", inner / embedding);
        config.put("hidden_act", "quick_gelu");
      }
      return config;
    }
  }

  /** A float32 of the file as the shortest number that is it, such as 1e-6. */
  private static double plain(double value) {
    float single = (float) value;
    return single == value ? Double.parseDouble(Float.toString(single)) : value;
  }
}
