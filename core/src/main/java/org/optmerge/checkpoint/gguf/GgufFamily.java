package org.optmerge.checkpoint.gguf;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The families of language models whose GGUF names and metadata have a plain counterpart in Hugging
 * Face's layout.
 */
enum GgufFamily {
  LLAMA("llama", "llama", "LlamaForCausalLM", true),
  QWEN2("qwen2", "qwen2", "Qwen2ForCausalLM", false),
  QWEN3("qwen3", "qwen3", "Qwen3ForCausalLM", false),
  QWEN2_VL("qwen2vl", "qwen2_vl", "Qwen2VLForConditionalGeneration", false);

  /** GGUF's word by Hugging Face's, outside of layers. */
  private static final Map<String, String> TOP =
      Map.of(
          "token_embd", "model.embed_tokens",
          "output_norm", "model.norm",
          "output", "lm_head");

  /** GGUF's word by Hugging Face's, in a layer. */
  private static final Map<String, String> IN_LAYER =
      Map.ofEntries(
          Map.entry("attn_norm", "input_layernorm"),
          Map.entry("attn_q", "self_attn.q_proj"),
          Map.entry("attn_k", "self_attn.k_proj"),
          Map.entry("attn_v", "self_attn.v_proj"),
          Map.entry("attn_q_norm", "self_attn.q_norm"),
          Map.entry("attn_k_norm", "self_attn.k_norm"),
          Map.entry("attn_output", "self_attn.o_proj"),
          Map.entry("ffn_norm", "post_attention_layernorm"),
          Map.entry("ffn_gate", "mlp.gate_proj"),
          Map.entry("ffn_up", "mlp.up_proj"),
          Map.entry("ffn_down", "mlp.down_proj"));

  private static final Pattern NAME =
      Pattern.compile("(?:blk\\.(?<layer>\\d{1,9})\\.)?(?<word>[a-z_]+)\\.(?<kind>weight|bias)");

  private static final Pattern HUGGING_FACE =
      Pattern.compile(
          "(?:model\\.layers\\.(?<layer>\\d{1,9})\\.)?(?<word>[a-z_.]+)\\.(?<kind>weight|bias)");

  private final String architecture;
  private final String modelType;
  private final String huggingFace;
  private final boolean pairedRows;

  GgufFamily(String architecture, String modelType, String huggingFace, boolean pairedRows) {
    this.architecture = architecture;
    this.modelType = modelType;
    this.huggingFace = huggingFace;
    this.pairedRows = pairedRows;
  }

  /** {@code general.architecture}, which begins the keys of metadata too. */
  String architecture() {
    return architecture;
  }

  /** {@code model_type} of config.json. */
  String modelType() {
    return modelType;
  }

  /** {@code architectures} of config.json. */
  String huggingFace() {
    return huggingFace;
  }

  /** True if rows of queries and keys are stored pair by pair. */
  boolean pairedRows() {
    return pairedRows;
  }

  static Optional<GgufFamily> of(String architecture) {
    return Arrays.stream(values()).filter(it -> it.architecture.equals(architecture)).findFirst();
  }

  static Optional<GgufFamily> ofModelType(String modelType) {
    return modelType.equals("qwen2_5_vl")
        ? Optional.of(QWEN2_VL)
        : Arrays.stream(values()).filter(it -> it.modelType.equals(modelType)).findFirst();
  }

  /** The architectures, for messages. */
  static String names() {
    return Arrays.stream(values()).map(it -> it.architecture).collect(Collectors.joining(", "));
  }

  /** Hugging Face's name of a tensor; empty if it has no plain one. */
  static Optional<String> fromGguf(String name) {
    Matcher parts = NAME.matcher(name);
    if (!parts.matches()) {
      return Optional.empty();
    }
    String layer = parts.group("layer");
    String word = (layer == null ? TOP : IN_LAYER).get(parts.group("word"));
    return Optional.ofNullable(word)
        .map(
            it ->
                (layer == null ? it : "model.layers.%s.%s".formatted(layer, it))
                    + "."
                    + parts.group("kind"));
  }

  /** GGUF's name of a tensor; empty if it has no plain one. */
  static Optional<String> toGguf(String name) {
    Matcher parts = HUGGING_FACE.matcher(name);
    if (!parts.matches()) {
      return Optional.empty();
    }
    String layer = parts.group("layer");
    String word = (layer == null ? FROM_TOP : FROM_LAYER).get(parts.group("word"));
    return Optional.ofNullable(word)
        .map(it -> (layer == null ? it : "blk." + layer + "." + it) + "." + parts.group("kind"));
  }

  private static final Map<String, String> FROM_TOP = reversed(TOP);
  private static final Map<String, String> FROM_LAYER = reversed(IN_LAYER);

  private static Map<String, String> reversed(Map<String, String> words) {
    Map<String, String> reversed = new LinkedHashMap<>();
    words.forEach((gguf, huggingFace) -> reversed.put(huggingFace, gguf));
    return reversed;
  }

  /** Rows of a head of queries or keys, if a tensor of this family is stored pair by pair. */
  Optional<Long> headRows(String gguf, long rows, GgufMetadata metadata) {
    if (!pairedRows || !gguf.matches("blk\\.\\d+\\.attn_[qk]\\.(weight|bias)")) {
      return Optional.empty();
    }
    int heads = metadata.size(architecture + ".attention.head_count");
    long keys = metadata.whole(architecture + ".attention.head_count_kv").orElse((long) heads);
    long count = gguf.contains("attn_q") ? heads : keys;
    return count > 0 && rows % (2 * count) == 0 ? Optional.of(rows / count) : Optional.empty();
  }

  /** Words of the vision part of Qwen2-VL and Qwen2.5-VL. */
  static final class Vision {
    private static final Map<String, String> IN_BLOCK =
        Map.of(
            "attn_out", "attn.proj",
            "ln1", "norm1",
            "ln2", "norm2");

    private static final Map<String, String> MLP =
        Map.of("ffn_up", "mlp.fc1", "ffn_down", "mlp.fc2");

    private static final Map<String, String> GATED =
        Map.of(
            "ffn_gate", "mlp.gate_proj",
            "ffn_up", "mlp.up_proj",
            "ffn_down", "mlp.down_proj");

    private static final Map<String, String> BESIDE =
        Map.of(
            "v.post_ln", "visual.merger.ln_q",
            "mm.0", "visual.merger.mlp.0",
            "mm.2", "visual.merger.mlp.2");

    static final String PATCHES = "visual.patch_embed.proj.weight";
    static final List<String> PATCH_FRAMES =
        List.of("v.patch_embd.weight", "v.patch_embd.weight.1");
    static final List<String> ATTENTION = List.of("attn_q", "attn_k", "attn_v");

    private static final Pattern BLOCK =
        Pattern.compile(
            "v\\.blk\\.(?<block>\\d{1,9})\\.(?<word>[a-z0-9_]+)\\.(?<kind>weight|bias)");

    private static final Pattern ANY = Pattern.compile("(?<word>.+)\\.(?<kind>weight|bias)");

    private Vision() {}

    /** The block, word and kind of a tensor of a block. */
    static Matcher block(String gguf) {
      return BLOCK.matcher(gguf);
    }

    /** Hugging Face's name; empty if it has no plain one of its own. */
    static Optional<String> fromGguf(String gguf, boolean gated) {
      Matcher block = BLOCK.matcher(gguf);
      if (block.matches()) {
        String word = block.group("word");
        String plain = IN_BLOCK.getOrDefault(word, (gated ? GATED : MLP).get(word));
        return Optional.ofNullable(plain)
            .map(
                it ->
                    "visual.blocks.%s.%s.%s"
                        .formatted(block.group("block"), it, block.group("kind")));
      }
      Matcher parts = ANY.matcher(gguf);
      return parts.matches()
          ? Optional.ofNullable(BESIDE.get(parts.group("word")))
              .map(it -> it + "." + parts.group("kind"))
          : Optional.empty();
    }

    /** GGUF's name; empty if it has no plain one of its own. */
    static Optional<String> toGguf(String name) {
      Matcher parts = ANY.matcher(name);
      if (!parts.matches()) {
        return Optional.empty();
      }
      String word = parts.group("word");
      Matcher block = HUGGING_FACE_BLOCK.matcher(word);
      String found = block.matches() ? FROM_BLOCK.get(block.group("word")) : FROM_BESIDE.get(word);
      return Optional.ofNullable(found)
          .map(it -> block.matches() ? "v.blk.%s.%s".formatted(block.group("block"), it) : it)
          .map(it -> it + "." + parts.group("kind"));
    }

    private static final Pattern HUGGING_FACE_BLOCK =
        Pattern.compile("visual\\.blocks\\.(?<block>\\d{1,9})\\.(?<word>.+)");
    private static final Map<String, String> FROM_BESIDE = reversed(BESIDE);
    private static final Map<String, String> FROM_BLOCK = fromBlock();

    private static Map<String, String> fromBlock() {
      Map<String, String> words = reversed(IN_BLOCK);
      words.putAll(reversed(MLP));
      words.putAll(reversed(GATED));
      return words;
    }
  }
}
