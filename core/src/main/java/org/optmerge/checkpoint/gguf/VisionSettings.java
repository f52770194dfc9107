package org.optmerge.checkpoint.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.TensorInfo;

/** Settings of the vision part of Qwen2-VL and Qwen2.5-VL as metadata of GGUF. */
record VisionSettings(JsonNode config, JsonNode language, Checkpoint model) {
  private static final String PREFIX = "clip.vision.";

  /** Pictures are seen at their own size; this is what llama.cpp starts from. */
  private static final int IMAGE_SIZE = 560;

  private static final List<Float> MEAN = List.of(0.48145466f, 0.4578275f, 0.40821073f);
  private static final List<Float> DEVIATION = List.of(0.26862954f, 0.26130258f, 0.27577711f);

  void addTo(GgufWriter writer) {
    JsonNode vision = config.path("vision_config");
    boolean newer = config.path("model_type").asText().equals("qwen2_5_vl");
    writer.text(GgufContents.ARCHITECTURE, GgufContents.VISION);
    writer.flag("clip.has_vision_encoder", true);
    writer.text("clip.projector_type", newer ? "qwen2.5vl_merger" : "qwen2vl_merger");
    writer.whole(PREFIX + "image_size", IMAGE_SIZE);
    writer.whole(PREFIX + "patch_size", size(vision, "patch_size"));
    writer.whole(PREFIX + "embedding_length", size(vision, newer ? "hidden_size" : "embed_dim"));
    writer.whole(PREFIX + "feed_forward_length", inner(newer));
    writer.whole(PREFIX + "projection_dim", size(language, "hidden_size"));
    writer.whole(PREFIX + "block_count", size(vision, "depth"));
    writer.whole(PREFIX + "attention.head_count", size(vision, "num_heads"));
    writer.number(
        PREFIX + "attention.layer_norm_epsilon", language.path("rms_norm_eps").asDouble(1e-6));
    writer.whole(PREFIX + "spatial_merge_size", vision.path("spatial_merge_size").asInt(2));
    writer.numbers(PREFIX + "image_mean", preprocessor("image_mean", MEAN));
    writer.numbers(PREFIX + "image_std", preprocessor("image_std", DEVIATION));
    if (newer) {
      writer.flag("clip.use_silu", true);
      writer.whole(PREFIX + "n_wa_pattern", windows(vision.path("fullatt_block_indexes")));
    }
  }

  private long size(JsonNode settings, String key) {
    long value = settings.path(key).asLong(0);
    if (value <= 0) {
      throw error("config.json has no '%s', which GGUF's vision part needs".formatted(key));
    }
    return value;
  }

  private CheckpointException error(String problem) {
    return CheckpointException.at(model.folder(), problem);
  }

  private long inner(boolean newer) {
    String name = "visual.blocks.0.mlp." + (newer ? "up_proj" : "fc1") + ".weight";
    TensorInfo up =
        model
            .find(name)
            .or(() -> model.find("model." + name))
            .orElseThrow(() -> error("has no tensor '%s'".formatted(name)));
    return up.shape().get(0);
  }

  private List<Float> preprocessor(String key, List<Float> otherwise) {
    List<Float> values = new ArrayList<>();
    model
        .file("preprocessor_config.json")
        .ifPresent(
            bytes -> {
              try {
                Json.plain()
                    .readTree(bytes)
                    .path(key)
                    .forEach(value -> values.add((float) value.asDouble()));
              } catch (IOException e) {
                throw error("preprocessor_config.json is no JSON");
              }
            });
    return values.size() == otherwise.size() ? values : otherwise;
  }

  /** Every how many blocks attention goes over the whole picture. */
  private int windows(JsonNode whole) {
    int every = whole.path(0).asInt(-1) + 1;
    for (int i = 0; i < whole.size(); i++) {
      if (whole.path(i).asInt() != (i + 1) * every - 1) {
        throw error(
            "config.json: fullatt_block_indexes %s are not evenly spaced, as llama.cpp has them"
                .formatted(whole));
      }
    }
    if (every <= 0) {
      throw error("config.json has no 'fullatt_block_indexes', which GGUF's vision part needs");
    }
    return every;
  }
}
