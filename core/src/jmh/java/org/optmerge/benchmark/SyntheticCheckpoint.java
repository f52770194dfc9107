package org.optmerge.benchmark;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.SafetensorsLayout;
import org.optmerge.checkpoint.SafetensorsWriter;

/**
 * Writes a base and experts with real names and shapes and random values, for measurements.
 *
 * <p>{@code SyntheticCheckpoint FOLDER SHAPE EXPERTS} makes {@code FOLDER/base}, {@code
 * FOLDER/expert1} … in bfloat16, unless they are there.
 */
public final class SyntheticCheckpoint {
  private static final int BLOCK = 1 << 20;

  private SyntheticCheckpoint() {}

  /** A family of shapes. */
  enum Shape {
    /** Qwen2-0.5B: 494 million parameters. */
    QWEN2_0_5B("qwen2", 24, 896, 4864, 14, 2, 151936),
    /** Qwen2.5-3B: 3.09 billion parameters. */
    QWEN2_3B("qwen2", 36, 2048, 11008, 16, 2, 151936),
    /** 47 million parameters. */
    SMALL("qwen2", 12, 512, 1408, 8, 8, 16000),
    /** 8,000 tensors of a few entries each. */
    TINY_TENSORS("qwen2", 666, 8, 16, 1, 1, 64);

    final String modelType;
    final int layers;
    final int hidden;
    final int intermediate;
    final int heads;
    final int keyValueHeads;
    final int vocabulary;

    Shape(
        String modelType,
        int layers,
        int hidden,
        int intermediate,
        int heads,
        int keyValueHeads,
        int vocabulary) {
      this.modelType = modelType;
      this.layers = layers;
      this.hidden = hidden;
      this.intermediate = intermediate;
      this.heads = heads;
      this.keyValueHeads = keyValueHeads;
      this.vocabulary = vocabulary;
    }

    List<SafetensorsLayout.Entry> tensors() {
      long keyValue = (long) hidden / heads * keyValueHeads;
      List<SafetensorsLayout.Entry> tensors = new ArrayList<>();
      add(tensors, "model.embed_tokens.weight", vocabulary, hidden);
      for (int layer = 0; layer < layers; layer++) {
        String prefix = "model.layers." + layer + ".";
        add(tensors, prefix + "input_layernorm.weight", hidden);
        add(tensors, prefix + "mlp.down_proj.weight", hidden, intermediate);
        add(tensors, prefix + "mlp.gate_proj.weight", intermediate, hidden);
        add(tensors, prefix + "mlp.up_proj.weight", intermediate, hidden);
        add(tensors, prefix + "post_attention_layernorm.weight", hidden);
        add(tensors, prefix + "self_attn.k_proj.bias", keyValue);
        add(tensors, prefix + "self_attn.k_proj.weight", keyValue, hidden);
        add(tensors, prefix + "self_attn.o_proj.weight", hidden, hidden);
        add(tensors, prefix + "self_attn.q_proj.bias", hidden);
        add(tensors, prefix + "self_attn.q_proj.weight", hidden, hidden);
        add(tensors, prefix + "self_attn.v_proj.bias", keyValue);
        add(tensors, prefix + "self_attn.v_proj.weight", keyValue, hidden);
      }
      add(tensors, "model.norm.weight", hidden);
      return tensors;
    }

    String config() {
      return """
          {"architectures": ["Qwen2ForCausalLM"], "model_type": "%s", "num_hidden_layers": %d, "hidden_size": %d,
           "intermediate_size": %d, "num_attention_heads": %d, "num_key_value_heads": %d, "vocab_size": %d,
           "tie_word_embeddings": true, "torch_dtype": "bfloat16", "hidden_act": "silu", "max_position_embeddings": 4096,
           "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "max_window_layers": %d, "use_sliding_window": false}
          """
          .formatted(
              modelType, layers, hidden, intermediate, heads, keyValueHeads, vocabulary, layers);
    }

    private static void add(List<SafetensorsLayout.Entry> tensors, String name, long... shape) {
      List<Long> extents = new ArrayList<>();
      for (long extent : shape) {
        extents.add(extent);
      }
      tensors.add(new SafetensorsLayout.Entry(name, DType.BF16, extents));
    }
  }

  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    Shape shape = Shape.valueOf(arguments[1]);
    int experts = Integer.parseInt(arguments[2]);
    write(folder.resolve("base"), shape, 0);
    for (int t = 1; t <= experts; t++) {
      write(folder.resolve("expert" + t), shape, t);
    }
  }

  /**
   * Base entries are 0.02 · normal, experts add 0.002 · normal, both from counters, so that every
   * file can be made alone.
   */
  private static void write(Path folder, Shape shape, int expert) throws IOException {
    if (Files.exists(folder.resolve("config.json"))) {
      return;
    }
    Files.createDirectories(folder);
    SafetensorsLayout layout = SafetensorsLayout.of(shape.tensors(), Map.of("format", "pt"));
    ByteBuffer bytes = ByteBuffer.allocateDirect(2 * BLOCK).order(ByteOrder.LITTLE_ENDIAN);
    float[] table = normals(1 << 16);
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(folder.resolve("model.safetensors"), layout)) {
      for (SafetensorsLayout.Entry tensor : shape.tensors()) {
        long size = tensor.shape().stream().reduce(1L, Math::multiplyExact);
        SplittableRandom base = new SplittableRandom(tensor.name().hashCode());
        SplittableRandom change = new SplittableRandom(31L * tensor.name().hashCode() + expert);
        for (long at = 0; at < size; at += BLOCK) {
          int length = (int) Math.min(BLOCK, size - at);
          bytes.clear();
          for (int i = 0; i < length; i++) {
            float value = 0.02f * table[base.nextInt() & 0xffff];
            if (expert > 0) {
              value += 0.002f * table[change.nextInt() & 0xffff];
            }
            bytes.putShort((short) ((Float.floatToRawIntBits(value) + 0x8000) >>> 16));
          }
          bytes.flip();
          writer.write(tensor.name(), 2 * at, bytes);
        }
      }
    }
    Files.writeString(folder.resolve("config.json"), shape.config());
  }

  private static float[] normals(int count) {
    java.util.Random random = new java.util.Random(1);
    float[] table = new float[count];
    for (int i = 0; i < count; i++) {
      table[i] = (float) random.nextGaussian();
    }
    return table;
  }
}
