package org.optmerge.checkpoint.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;

/** {@code config.json} of a language model as metadata of GGUF. */
record GgufSettings(GgufFamily family, JsonNode config, JsonNode language, Checkpoint model) {
  void addTo(GgufWriter writer, List<String> notes) {
    String prefix = family.architecture() + ".";
    long heads = size("num_attention_heads");
    long hidden = size("hidden_size");
    writer.text(GgufContents.ARCHITECTURE, family.architecture());
    writer.whole(prefix + "block_count", size("num_hidden_layers"));
    writer.whole(prefix + "context_length", size("max_position_embeddings"));
    writer.whole(prefix + "embedding_length", hidden);
    writer.whole(prefix + "feed_forward_length", size("intermediate_size"));
    writer.whole(prefix + "attention.head_count", heads);
    writer.whole(
        prefix + "attention.head_count_kv", language.path("num_key_value_heads").asLong(heads));
    writer.number(
        prefix + "attention.layer_norm_rms_epsilon", language.path("rms_norm_eps").asDouble(1e-6));
    double theta = language.path("rope_theta").asDouble(10000);
    JsonNode scaling = language.path("rope_scaling");
    JsonNode rope = language.path("rope_parameters");
    if (rope.isObject()) {
      theta = rope.path("rope_theta").asDouble(theta);
      scaling = rope;
    }
    writer.number(prefix + "rope.freq_base", theta);
    long width = language.path("head_dim").asLong(hidden / heads);
    if (language.path("head_dim").isInt()) {
      writer.whole(prefix + "attention.key_length", width);
      writer.whole(prefix + "attention.value_length", width);
    }
    if (family == GgufFamily.LLAMA) {
      writer.whole(prefix + "vocab_size", size("vocab_size"));
      writer.whole(prefix + "rope.dimension_count", width);
    }
    if (language.path("use_sliding_window").asBoolean(false)) {
      notes.add("config.json uses a sliding window, which llama.cpp does not do for this family");
    }
    scaling(writer, prefix, scaling, theta, (int) width);
  }

  private long size(String key) {
    long value = language.path(key).asLong(config.path(key).asLong(0));
    if (value <= 0) {
      throw CheckpointException.at(
          model.folder(), "config.json has no '%s', which GGUF needs".formatted(key));
    }
    return value;
  }

  private void scaling(
      GgufWriter writer, String prefix, JsonNode scaling, double theta, int width) {
    if (scaling.path("mrope_section").isArray()) {
      List<Integer> sections = new ArrayList<>();
      scaling.path("mrope_section").forEach(section -> sections.add(section.asInt()));
      while (sections.size() < 4) {
        sections.add(0);
      }
      writer.wholes(prefix + "rope.dimension_sections", sections);
      return;
    }
    if (family == GgufFamily.QWEN2_VL) {
      throw CheckpointException.at(
          model.folder(), "config.json has no 'mrope_section', which GGUF needs");
    }
    String type = scaling.path("rope_type").asText(scaling.path("type").asText("default"));
    switch (type) {
      case "default" -> {}
      case "llama3" -> {
        float[] factors = Llama3Rope.of(scaling).orElseThrow().factors(theta, width);
        writer.tensor(
            GgufContents.ROPE_FACTORS,
            GgmlType.F32,
            List.of((long) factors.length),
            (first, length, target) ->
                System.arraycopy(factors, Math.toIntExact(first), target, 0, length));
      }
      case "linear", "yarn" -> {
        writer.text(prefix + "rope.scaling.type", type);
        writer.number(prefix + "rope.scaling.factor", scaling.path("factor").asDouble(1));
        if (scaling.has("original_max_position_embeddings")) {
          writer.whole(
              prefix + "rope.scaling.original_context_length",
              scaling.path("original_max_position_embeddings").asLong());
        }
      }
      default ->
          throw CheckpointException.at(
              model.folder(),
              "config.json scales rotary frequencies by '%s', which has no plain word in GGUF"
                  .formatted(type));
    }
  }
}
