package org.optmerge.speed;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.SafetensorsLayout;
import org.optmerge.checkpoint.SafetensorsLayout.Entry;
import org.optmerge.checkpoint.SafetensorsWriter;

/**
 * Writes a base and experts with published names and shapes and random values, for measurements.
 *
 * <p>{@code SyntheticCheckpoint FOLDER SHAPE EXPERTS [RANK | sparse]} makes {@code FOLDER/base},
 * {@code FOLDER/expert1} … in bfloat16, unless they are there; with a rank, the experts are LoRA
 * adapters of that rank over all linear layers of the language model. With {@code sparse} in place
 * of a rank, every entry is zero and the files are holes, which take no room: for memory, and for
 * time where it does not depend on the values.
 */
public final class SyntheticCheckpoint {
  private static final int BLOCK = 1 << 20;

  private SyntheticCheckpoint() {}

  /**
   * A Qwen2 language model.
   *
   * @param prefix of its tensor names
   * @param head whether {@code lm_head} is stored
   */
  private record Language(
      String prefix,
      int layers,
      long hidden,
      long intermediate,
      int heads,
      int keyValueHeads,
      long vocabulary,
      boolean head) {

    void addTo(List<Entry> tensors) {
      long keyValue = hidden / heads * keyValueHeads;
      add(tensors, prefix + "model.embed_tokens.weight", vocabulary, hidden);
      for (int layer = 0; layer < layers; layer++) {
        String name = prefix + "model.layers." + layer + ".";
        add(tensors, name + "input_layernorm.weight", hidden);
        add(tensors, name + "mlp.down_proj.weight", hidden, intermediate);
        add(tensors, name + "mlp.gate_proj.weight", intermediate, hidden);
        add(tensors, name + "mlp.up_proj.weight", intermediate, hidden);
        add(tensors, name + "post_attention_layernorm.weight", hidden);
        add(tensors, name + "self_attn.k_proj.bias", keyValue);
        add(tensors, name + "self_attn.k_proj.weight", keyValue, hidden);
        add(tensors, name + "self_attn.o_proj.weight", hidden, hidden);
        add(tensors, name + "self_attn.q_proj.bias", hidden);
        add(tensors, name + "self_attn.q_proj.weight", hidden, hidden);
        add(tensors, name + "self_attn.v_proj.bias", keyValue);
        add(tensors, name + "self_attn.v_proj.weight", keyValue, hidden);
      }
      add(tensors, prefix + "model.norm.weight", hidden);
      if (head) {
        add(tensors, prefix + "lm_head.weight", vocabulary, hidden);
      }
    }
  }

  /** What can be made. */
  enum Shape {
    /** Qwen2-0.5B: 494 million parameters. */
    QWEN2_0_5B(new Language("", 24, 896, 4864, 14, 2, 151936, false)),
    /** Qwen2.5-3B: 3.09 billion parameters. */
    QWEN2_3B(new Language("", 36, 2048, 11008, 16, 2, 151936, false)),
    /** Qwen2-7B: 7.62 billion parameters. */
    QWEN2_7B(new Language("", 28, 3584, 18944, 28, 4, 152064, true)),
    /** 7,994 tensors of a few entries each. */
    TINY_TENSORS(new Language("", 666, 8, 16, 1, 1, 64, false)),
    /** 99,998 tensors of a few entries each. */
    MANY_TENSORS(new Language("", 8333, 8, 16, 1, 1, 64, false)),
    /** 14 matrices of 128 × 128 to 512 × 128. */
    FEW_MATRICES(new Language("", 2, 128, 512, 1, 1, 64, false)),
    /** 1,001 such matrices. */
    THOUSAND_MATRICES(new Language("", 143, 128, 512, 1, 1, 64, false)),
    /** InternVL2.5-1B: 938 million parameters. */
    INTERNVL2_5_1B(new Language("language_model.", 24, 896, 4864, 14, 2, 151655, true)) {
      @Override
      void addVision(List<Entry> tensors) {
        add(tensors, "vision_model.embeddings.class_embedding", 1, 1, 1024);
        add(tensors, "vision_model.embeddings.patch_embedding.weight", 1024, 3, 14, 14);
        add(tensors, "vision_model.embeddings.patch_embedding.bias", 1024);
        add(tensors, "vision_model.embeddings.position_embedding", 1, 1025, 1024);
        for (int layer = 0; layer < 24; layer++) {
          String name = "vision_model.encoder.layers." + layer + ".";
          add(tensors, name + "attn.proj.bias", 1024);
          add(tensors, name + "attn.proj.weight", 1024, 1024);
          add(tensors, name + "attn.qkv.bias", 3072);
          add(tensors, name + "attn.qkv.weight", 3072, 1024);
          add(tensors, name + "ls1", 1024);
          add(tensors, name + "ls2", 1024);
          add(tensors, name + "mlp.fc1.bias", 4096);
          add(tensors, name + "mlp.fc1.weight", 4096, 1024);
          add(tensors, name + "mlp.fc2.bias", 1024);
          add(tensors, name + "mlp.fc2.weight", 1024, 4096);
          add(tensors, name + "norm1.bias", 1024);
          add(tensors, name + "norm1.weight", 1024);
          add(tensors, name + "norm2.bias", 1024);
          add(tensors, name + "norm2.weight", 1024);
        }
        add(tensors, "mlp1.0.bias", 4096);
        add(tensors, "mlp1.0.weight", 4096);
        add(tensors, "mlp1.1.bias", 896);
        add(tensors, "mlp1.1.weight", 896, 4096);
        add(tensors, "mlp1.3.bias", 896);
        add(tensors, "mlp1.3.weight", 896, 896);
      }
    },
    /** Qwen2-VL-7B: 8.3 billion parameters. */
    QWEN2_VL_7B(new Language("", 28, 3584, 18944, 28, 4, 152064, true)) {
      @Override
      void addVision(List<Entry> tensors) {
        add(tensors, "visual.patch_embed.proj.weight", 1280, 3, 2, 14, 14);
        for (int block = 0; block < 32; block++) {
          String name = "visual.blocks." + block + ".";
          add(tensors, name + "attn.proj.bias", 1280);
          add(tensors, name + "attn.proj.weight", 1280, 1280);
          add(tensors, name + "attn.qkv.bias", 3840);
          add(tensors, name + "attn.qkv.weight", 3840, 1280);
          add(tensors, name + "mlp.fc1.bias", 5120);
          add(tensors, name + "mlp.fc1.weight", 5120, 1280);
          add(tensors, name + "mlp.fc2.bias", 1280);
          add(tensors, name + "mlp.fc2.weight", 1280, 5120);
          add(tensors, name + "norm1.bias", 1280);
          add(tensors, name + "norm1.weight", 1280);
          add(tensors, name + "norm2.bias", 1280);
          add(tensors, name + "norm2.weight", 1280);
        }
        add(tensors, "visual.merger.ln_q.bias", 1280);
        add(tensors, "visual.merger.ln_q.weight", 1280);
        add(tensors, "visual.merger.mlp.0.bias", 5120);
        add(tensors, "visual.merger.mlp.0.weight", 5120, 5120);
        add(tensors, "visual.merger.mlp.2.bias", 3584);
        add(tensors, "visual.merger.mlp.2.weight", 3584, 5120);
      }
    };

    private final Language language;

    Shape(Language language) {
      this.language = language;
    }

    /** Tensors beside the language model; none unless a shape has a vision tower. */
    void addVision(List<Entry> tensors) {}

    List<Entry> tensors() {
      List<Entry> tensors = new ArrayList<>();
      language.addTo(tensors);
      addVision(tensors);
      return tensors;
    }

    List<Entry> adapterTensors(long rank) {
      List<Entry> tensors = new ArrayList<>();
      for (Entry tensor : tensors()) {
        if (tensor.name().startsWith(language.prefix() + "model.layers.")
            && tensor.name().endsWith("proj.weight")) {
          String module = tensor.name().substring(0, tensor.name().length() - ".weight".length());
          add(
              tensors,
              "base_model.model." + module + ".lora_A.weight",
              rank,
              tensor.shape().get(1));
          add(
              tensors,
              "base_model.model." + module + ".lora_B.weight",
              tensor.shape().get(0),
              rank);
        }
      }
      return tensors;
    }

    String config() {
      return """
          {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "num_hidden_layers": %d, "hidden_size": %d,
           "intermediate_size": %d, "num_attention_heads": %d, "num_key_value_heads": %d, "vocab_size": %d,
           "tie_word_embeddings": %b, "torch_dtype": "bfloat16", "hidden_act": "silu", "max_position_embeddings": 4096,
           "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "max_window_layers": %d, "use_sliding_window": false}
          """
          .formatted(
              language.layers(),
              language.hidden(),
              language.intermediate(),
              language.heads(),
              language.keyValueHeads(),
              language.vocabulary(),
              !language.head(),
              language.layers());
    }
  }

  private static void add(List<Entry> tensors, String name, long... shape) {
    List<Long> extents = new ArrayList<>();
    for (long extent : shape) {
      extents.add(extent);
    }
    tensors.add(new Entry(name, DType.BF16, extents));
  }

  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    Shape shape = Shape.valueOf(arguments[1]);
    int experts = Integer.parseInt(arguments[2]);
    boolean sparse = arguments.length > 3 && arguments[3].equals("sparse");
    if (sparse) {
      for (int t = 0; t <= experts; t++) {
        holes(folder.resolve(t == 0 ? "base" : "expert" + t), shape);
      }
      return;
    }
    write(folder.resolve("base"), "model.safetensors", shape.tensors(), 0, 0.02f, 0);
    Files.writeString(folder.resolve("base/config.json"), shape.config());
    for (int t = 1; t <= experts; t++) {
      if (arguments.length > 3) {
        long rank = Long.parseLong(arguments[3]);
        Path adapter = folder.resolve("adapter" + t);
        write(adapter, "adapter_model.safetensors", shape.adapterTensors(rank), t, 0, 0.01f);
        Files.writeString(
            adapter.resolve("adapter_config.json"),
            "{\"peft_type\": \"LORA\", \"r\": %d, \"lora_alpha\": %d, \"bias\": \"none\"}"
                .formatted(rank, 2 * rank));
      } else {
        Path expert = folder.resolve("expert" + t);
        write(expert, "model.safetensors", shape.tensors(), t, 0.02f, 0.002f);
        Files.writeString(expert.resolve("config.json"), shape.config());
      }
    }
  }

  /** A checkpoint of zeros that is a header and a hole. */
  private static void holes(Path folder, Shape shape) throws IOException {
    Path path = folder.resolve("model.safetensors");
    if (Files.exists(path)) {
      return;
    }
    Files.createDirectories(folder);
    SafetensorsWriter.create(path, SafetensorsLayout.of(shape.tensors())).close();
    Files.writeString(folder.resolve("config.json"), shape.config());
  }

  /** Entries are {@code common} · normal, the same in every file, plus {@code own} · normal. */
  private static void write(
      Path folder, String file, List<Entry> tensors, int seed, float common, float own)
      throws IOException {
    Path path = folder.resolve(file);
    if (Files.exists(path)) {
      return;
    }
    Files.createDirectories(folder);
    SafetensorsLayout layout = SafetensorsLayout.of(tensors);
    ByteBuffer bytes = ByteBuffer.allocateDirect(2 * BLOCK).order(ByteOrder.LITTLE_ENDIAN);
    float[] table = normals(1 << 16);
    try (SafetensorsWriter writer = SafetensorsWriter.create(path, layout)) {
      for (Entry tensor : tensors) {
        long size = tensor.shape().stream().reduce(1L, Math::multiplyExact);
        SplittableRandom shared = new SplittableRandom(tensor.name().hashCode());
        SplittableRandom change = new SplittableRandom(31L * tensor.name().hashCode() + seed);
        for (long at = 0; at < size; at += BLOCK) {
          int length = (int) Math.min(BLOCK, size - at);
          bytes.clear();
          for (int i = 0; i < length; i++) {
            float value =
                common * table[shared.nextInt() & 0xffff] + own * table[change.nextInt() & 0xffff];
            bytes.putShort((short) ((Float.floatToRawIntBits(value) + 0x8000) >>> 16));
          }
          bytes.flip();
          writer.write(tensor.name(), 2 * at, bytes);
        }
      }
    }
  }

  private static float[] normals(int count) {
    Random random = new Random(1);
    float[] table = new float[count];
    for (int i = 0; i < count; i++) {
      table[i] = (float) random.nextGaussian();
    }
    return table;
  }
}
