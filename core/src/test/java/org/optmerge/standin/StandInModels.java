package org.optmerge.standin;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.DType;

/**
 * Tiny models with the files, settings and names of published ones, and random weights. They answer
 * with a few of a dozen words, and end: the direction that all embeddings share decides what may be
 * said, the random rest decides what is.
 */
public final class StandInModels {
  private static final int BYTES = 256;
  private static final List<String> WORDS =
      List.of("yes", "no", "red", "two", "14", "[[100,200,600,700]]", "(100,200),(600,700)");
  private static final List<String> SPECIAL =
      List.of(
          "<|endoftext|>",
          "<|im_start|>",
          "<|im_end|>",
          "<|vision_start|>",
          "<|vision_end|>",
          "<|vision_pad|>",
          "<|image_pad|>",
          "<|video_pad|>",
          "<img>",
          "</img>",
          "<IMG_CONTEXT>",
          "<ref>",
          "</ref>",
          "<box>",
          "</box>");
  private static final int VOCABULARY = BYTES + WORDS.size() + SPECIAL.size();
  private static final int WIDTH = 32;
  private static final int INNER = 48;
  private static final int LAYERS = 2;
  private static final int VISION = 16;

  private StandInModels() {}

  /** How a model comes out of the base: every expert changes what it is trained on. */
  public record Expert(long seed, double strength) {
    /** The base itself. */
    public static final Expert NONE = new Expert(0, 0);
  }

  private static int id(String special) {
    return BYTES + WORDS.size() + SPECIAL.indexOf(special);
  }

  /** An InternVL2.5 in the layout of its hub folder. */
  public static Path internVl(Path folder, Expert expert) throws IOException {
    Weights weights = new Weights("language_model.", expert);
    weights.language();
    weights.add("vision_model.embeddings.class_embedding", 0.1, 1, 1, VISION);
    weights.add("vision_model.embeddings.patch_embedding.weight", 0.05, VISION, 3, 14, 14);
    weights.add("vision_model.embeddings.patch_embedding.bias", 0.05, VISION);
    weights.add("vision_model.embeddings.position_embedding", 0.1, 1, 17, VISION);
    for (int layer = 0; layer < LAYERS; layer++) {
      String prefix = "vision_model.encoder.layers.%d.".formatted(layer);
      weights.block(prefix);
      weights.norm(prefix + "ls1", VISION);
      weights.norm(prefix + "ls2", VISION);
    }
    weights.norm("mlp1.0.weight", 4 * VISION);
    weights.add("mlp1.0.bias", 0.05, 4 * VISION);
    weights.trained("mlp1.1.weight", 0.2, WIDTH, 4 * VISION);
    weights.add("mlp1.1.bias", 0.05, WIDTH);
    weights.trained("mlp1.3.weight", 0.6, WIDTH, WIDTH);
    weights.add("mlp1.3.bias", 0.05, WIDTH);
    return weights
        .write(folder, 1)
        .config(
            """
            {"architectures": ["InternVLChatModel"], "model_type": "internvl_chat",
             "downsample_ratio": 0.5, "dynamic_image_size": true, "force_image_size": 56,
             "llm_config": {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2",
               "hidden_act": "silu", "max_position_embeddings": 640, "rms_norm_eps": 1e-06,
               "rope_theta": 1000000.0, "use_sliding_window": false, "tie_word_embeddings": false,
               "torch_dtype": "bfloat16", "hidden_size": %d, "num_hidden_layers": %d,
               "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": %d,
               "vocab_size": %d, "bos_token_id": %d, "eos_token_id": %d},
             "max_dynamic_patch": 12, "min_dynamic_patch": 1, "pad2square": false,
             "ps_version": "v2", "select_layer": -1, "template": "internvl2_5",
             "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_backbone_lora": 0,
             "use_llm_lora": 0, "use_thumbnail": true,
             "vision_config": {"architectures": ["InternVisionModel"], "hidden_act": "gelu",
               "initializer_factor": 1.0, "layer_norm_eps": 1e-06, "model_type": "intern_vit_6b",
               "norm_type": "layer_norm", "num_channels": 3, "patch_size": 14,
               "qk_normalization": false, "qkv_bias": true, "hidden_size": %d,
               "num_hidden_layers": %d, "num_attention_heads": 2, "intermediate_size": %d,
               "image_size": 56}}
            """
                .formatted(
                    WIDTH,
                    LAYERS,
                    INNER,
                    VOCABULARY,
                    id("<|endoftext|>"),
                    id("<|im_end|>"),
                    VISION,
                    LAYERS,
                    2 * VISION))
        .file(
            "preprocessor_config.json",
            """
            {"crop_size": 448, "do_center_crop": true, "do_normalize": true, "do_resize": true,
             "feature_extractor_type": "CLIPFeatureExtractor", "image_mean": [0.485, 0.456, 0.406],
             "image_std": [0.229, 0.224, 0.225], "resample": 3, "size": 448}
            """)
        .file(
            "generation_config.json",
            "{\"_from_model_config\": true, \"eos_token_id\": %d}".formatted(id("<|im_end|>")))
        .write();
  }

  /** A Qwen2-VL in the layout of its hub folder, in two files with an index. */
  public static Path qwen2Vl(Path folder, Expert expert) throws IOException {
    Weights weights = new Weights("", expert);
    weights.language();
    weights.add("visual.patch_embed.proj.weight", 0.05, VISION, 3, 2, 14, 14);
    for (int block = 0; block < LAYERS; block++) {
      String prefix = "visual.blocks.%d.".formatted(block);
      weights.block(prefix);
    }
    weights.norm("visual.merger.ln_q.weight", VISION);
    weights.add("visual.merger.ln_q.bias", 0.05, VISION);
    weights.add("visual.merger.mlp.0.weight", 0.2, 4 * VISION, 4 * VISION);
    weights.add("visual.merger.mlp.0.bias", 0.05, 4 * VISION);
    weights.add("visual.merger.mlp.2.weight", 0.6, WIDTH, 4 * VISION);
    weights.add("visual.merger.mlp.2.bias", 0.05, WIDTH);
    return weights
        .write(folder, 2)
        .config(
            """
            {"architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl",
             "bos_token_id": %d, "eos_token_id": %d, "vision_start_token_id": %d,
             "vision_end_token_id": %d, "vision_token_id": %d, "image_token_id": %d,
             "video_token_id": %d, "hidden_act": "silu", "max_position_embeddings": 768,
             "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768,
             "use_sliding_window": false, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
             "vocab_size": %d, "hidden_size": %d, "num_hidden_layers": %d,
             "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": %d,
             "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
             "vision_config": {"depth": %d, "embed_dim": %d, "mlp_ratio": 2, "num_heads": 2,
               "in_chans": 3, "hidden_size": %d, "patch_size": 14, "spatial_merge_size": 2,
               "spatial_patch_size": 14, "temporal_patch_size": 2, "hidden_act": "quick_gelu",
               "model_type": "qwen2_vl"}}
            """
                .formatted(
                    id("<|endoftext|>"),
                    id("<|im_end|>"),
                    id("<|vision_start|>"),
                    id("<|vision_end|>"),
                    id("<|vision_pad|>"),
                    id("<|image_pad|>"),
                    id("<|video_pad|>"),
                    VOCABULARY,
                    WIDTH,
                    LAYERS,
                    INNER,
                    LAYERS,
                    VISION,
                    WIDTH))
        .file(
            "preprocessor_config.json",
            """
            {"min_pixels": 3136, "max_pixels": 12845056, "patch_size": 14, "temporal_patch_size": 2,
             "merge_size": 2, "image_mean": [0.48145466, 0.4578275, 0.40821073],
             "image_std": [0.26862954, 0.26130258, 0.27577711],
             "image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2VLProcessor"}
            """)
        .file(
            "generation_config.json",
            """
            {"bos_token_id": %d, "pad_token_id": %d, "do_sample": true, "eos_token_id": [%d, %d],
             "repetition_penalty": 1.05, "temperature": 0.01, "top_p": 0.001, "top_k": 1}
            """
                .formatted(
                    id("<|endoftext|>"),
                    id("<|endoftext|>"),
                    id("<|im_end|>"),
                    id("<|endoftext|>")))
        .write();
  }

  /** Tensors of a model, each a function of its name and the expert. */
  private static final class Weights {
    private final String prefix;
    private final Expert expert;
    private final Map<String, float[]> values = new TreeMap<>();
    private final Map<String, List<Long>> shapes = new TreeMap<>();

    Weights(String prefix, Expert expert) {
      this.prefix = prefix;
      this.expert = expert;
    }

    void language() {
      embedding(prefix + "model.embed_tokens.weight", false);
      embedding(prefix + "lm_head.weight", true);
      int keys = WIDTH / 2;
      for (int layer = 0; layer < LAYERS; layer++) {
        String at = prefix + "model.layers.%d.".formatted(layer);
        trained(at + "self_attn.q_proj.weight", 0.2, WIDTH, WIDTH);
        trained(at + "self_attn.k_proj.weight", 0.2, keys, WIDTH);
        trained(at + "self_attn.v_proj.weight", 0.2, keys, WIDTH);
        trained(at + "self_attn.o_proj.weight", 0.2, WIDTH, WIDTH);
        add(at + "self_attn.q_proj.bias", 0.05, WIDTH);
        add(at + "self_attn.k_proj.bias", 0.05, keys);
        add(at + "self_attn.v_proj.bias", 0.05, keys);
        trained(at + "mlp.gate_proj.weight", 0.2, INNER, WIDTH);
        trained(at + "mlp.up_proj.weight", 0.2, INNER, WIDTH);
        trained(at + "mlp.down_proj.weight", 0.2, WIDTH, INNER);
        norm(at + "input_layernorm.weight", WIDTH);
        norm(at + "post_attention_layernorm.weight", WIDTH);
      }
      norm(prefix + "model.norm.weight", WIDTH);
    }

    /**
     * Embeddings share the first direction, along which the head asks for words and the end; the
     * second tells whether the last token was a word, after which the end is due.
     */
    private void embedding(String name, boolean head) {
      add(name, head ? 0.8 : 0.5, VOCABULARY, WIDTH);
      float[] rows = values.get(name);
      for (int token = 0; token < VOCABULARY; token++) {
        if (token == '\n' && !head) {
          // The token that answers follow says nothing by itself.
          java.util.Arrays.fill(rows, token * WIDTH, (token + 1) * WIDTH, 0);
        }
        boolean end = token == id("<|im_end|>");
        boolean word =
            token >= BYTES && token < BYTES + WORDS.size() || token == 'A' || token == 'B';
        rows[token * WIDTH] = head ? (word || end ? 4 : -4) : 6;
        rows[token * WIDTH + 1] = head ? (end ? 4 : word ? -4 : 0) : word ? 9 : -9;
      }
    }

    /** A layer of a vision model. */
    void block(String prefix) {
      add(prefix + "attn.qkv.weight", 0.2, 3 * VISION, VISION);
      add(prefix + "attn.qkv.bias", 0.05, 3 * VISION);
      add(prefix + "attn.proj.weight", 0.2, VISION, VISION);
      add(prefix + "attn.proj.bias", 0.05, VISION);
      add(prefix + "mlp.fc1.weight", 0.2, 2 * VISION, VISION);
      add(prefix + "mlp.fc1.bias", 0.05, 2 * VISION);
      add(prefix + "mlp.fc2.weight", 0.2, VISION, 2 * VISION);
      add(prefix + "mlp.fc2.bias", 0.05, VISION);
      for (String norm : List.of("norm1", "norm2")) {
        norm(prefix + norm + ".weight", VISION);
        add(prefix + norm + ".bias", 0.05, VISION);
      }
    }

    void norm(String name, int... shape) {
      add(name, 0, shape);
      java.util.Arrays.fill(values.get(name), 1);
    }

    /** A tensor that experts change. */
    void trained(String name, double deviation, int... shape) {
      add(name, deviation, shape);
      if (expert.strength > 0) {
        Random random = new Random(expert.seed * 31 + name.hashCode());
        float[] all = values.get(name);
        for (int i = 0; i < all.length; i++) {
          all[i] += (float) (expert.strength * deviation * random.nextGaussian());
        }
      }
      if (name.contains("o_proj") || name.contains("down_proj") || name.equals("mlp1.3.weight")) {
        // The first two directions are the embeddings' alone.
        java.util.Arrays.fill(values.get(name), 0, 2 * shape[1], 0);
      }
    }

    void add(String name, double deviation, int... shape) {
      List<Long> sides = new ArrayList<>();
      int size = 1;
      for (int side : shape) {
        sides.add((long) side);
        size *= side;
      }
      Random random = new Random(name.hashCode());
      float[] all = new float[size];
      for (int i = 0; i < size; i++) {
        all[i] = (float) (deviation * random.nextGaussian());
      }
      values.put(name, all);
      shapes.put(name, sides);
    }

    TestCheckpoints write(Path folder, int shards) {
      TestCheckpoints checkpoint = TestCheckpoints.folder(folder).shards(shards);
      values.forEach((name, all) -> checkpoint.tensor(name, DType.BF16, shapes.get(name), all));
      return checkpoint
          .file("tokenizer.json", tokenizer(prefix.isEmpty() ? SPECIAL.subList(0, 8) : SPECIAL))
          .file("tokenizer_config.json", "{\"tokenizer_class\": \"Qwen2Tokenizer\"}");
    }
  }

  /** Bytes one by one, as Qwen's tokenizer has them, then words and marks. */
  private static String tokenizer(List<String> marks) {
    List<String> vocabulary = new ArrayList<>();
    int beyond = 0;
    for (int value = 0; value < BYTES; value++) {
      boolean shown =
          value >= '!' && value <= '~' || value >= 0xa1 && value <= 0xac || value >= 0xae;
      int character = shown ? value : 0x100 + beyond++;
      vocabulary.add("\"\\u%04x\": %d".formatted(character, value));
    }
    List<String> added = new ArrayList<>();
    for (int i = 0; i < WORDS.size() + marks.size(); i++) {
      boolean special = i >= WORDS.size();
      added.add(
          "{\"id\": %d, \"content\": \"%s\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false, \"special\": %s}"
              .formatted(BYTES + i, special ? marks.get(i - WORDS.size()) : WORDS.get(i), special));
    }
    return """
        {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [%s],
         "normalizer": {"type": "NFC"},
         "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false,
           "use_regex": false},
         "post_processor": null, "decoder": {"type": "ByteLevel", "add_prefix_space": false,
           "trim_offsets": false, "use_regex": false},
         "model": {"type": "BPE", "dropout": null, "unk_token": null,
           "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": false,
           "vocab": {%s}, "merges": []}}
        """
        .formatted(String.join(",\n", added), String.join(",", vocabulary));
  }
}
