package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.DType;
import org.optmerge.model.vision.ImagePreprocessing;
import org.optmerge.model.vision.Tiling;

/** Very small models for tests. */
final class Models {
  static final long IMAGE = 2;
  static final int VOCABULARY = 20;

  /** The output head of an InternVL with a Qwen2. */
  static final String HEAD = "language_model.lm_head.weight";

  private Models() {}

  static final InternVLConfig CONFIG =
      new InternVLConfig(
          new InternVLConfig.Vision(8, 2, 2, 16, 12, 3, 1e-6, false, true, false, 0.5),
          new InternVLConfig.Language(12, 2, 4, 2, 4, 16, VOCABULARY, 1e-6, 1e4, 64),
          -1,
          2,
          false,
          12,
          Tiling.SINGLE,
          false);

  static final ImagePreprocessing PREPROCESSING =
      new ImagePreprocessing(12, Tiling.SINGLE, List.of(.5, .5, .5), List.of(.5, .5, .5));

  /** Words {@code w0} to {@code w19}, the third of them {@code <IMG_CONTEXT>}. */
  static String tokenizerJson() {
    String vocabulary =
        IntStream.range(0, VOCABULARY)
            .mapToObj(i -> "\"%s\":%d".formatted(i == IMAGE ? InternVL.IMAGE_CONTEXT : "w" + i, i))
            .collect(Collectors.joining(","));
    return """
    {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
     "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
     "post_processor": null, "decoder": null,
     "model": {"type": "WordLevel", "vocab": {%s}, "unk_token": "w0"}}
    """
        .formatted(vocabulary);
  }

  /** An adapter of rank 2 with scale 2; what it saves whole is to be filled in. */
  static final String LORA_CONFIG =
      "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 4, \"bias\": \"none\","
          + " \"modules_to_save\": [%s]}";

  /** A vocabulary of words, split at white space. */
  static Tokenizer words(String... words) {
    return Tokenizer.of(wordsJson(words));
  }

  static String wordsJson(String... words) {
    String vocabulary =
        IntStream.range(0, words.length)
            .mapToObj(i -> "\"%s\":%d".formatted(words[i], i))
            .collect(Collectors.joining(","));
    String added =
        IntStream.range(0, words.length)
            .filter(i -> words[i].startsWith("<"))
            .mapToObj(
                i ->
                    "{\"id\": %d, \"content\": \"%s\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false, \"special\": true}"
                        .formatted(i, words[i]))
            .collect(Collectors.joining(","));
    return """
    {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [%s],
     "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
     "post_processor": null, "decoder": null,
     "model": {"type": "WordLevel", "vocab": {%s}, "unk_token": "<unk>"}}
    """
        .formatted(added, vocabulary);
  }

  /** Pictures, sounds of up to 12 frames, and films of 2. */
  static OmniModel omni(long seed) {
    OmniConfig config = new OmniConfig(CONFIG.language(), true, new TreeMap<>());
    List<String> names = List.of("vision", "audio", "video");
    List<String> tokens = List.of("<image>", "<audio>", "<video>");
    int[] channels = {3, 1, 2};
    for (int i = 0; i < names.size(); i++) {
      config =
          config.with(
              names.get(i),
              new OmniConfig.Modality(
                  tokens.get(i), channels[i], CONFIG.vision(), 2, OmniConfig.Connector.LINEAR));
    }
    return OmniModel.initialise(
        config,
        words(
            "<pad>",
            "<user>",
            "<assistant>",
            "<end>",
            "<unk>",
            "<img>",
            "<image>",
            "</img>",
            "<aud>",
            "<audio>",
            "</aud>",
            "<vid>",
            "<video>",
            "</vid>",
            "what",
            "where",
            "is",
            "it",
            "red",
            "left"),
        seed);
  }

  /** A Qwen2.5-VL with random weights, whose vocabulary has the words of its template. */
  static Path qwen(Path folder) throws IOException {
    String config =
        """
        {"architectures": ["Qwen2_5_VLForConditionalGeneration"],
         "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
         "intermediate_size": 20, "vocab_size": 24, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
         "hidden_act": "silu", "max_position_embeddings": 200, "tie_word_embeddings": false,
         "image_token_id": 5, "video_token_id": 6,
         "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]},
         "vision_config": {
           "depth": 2, "hidden_size": 8, "num_heads": 1, "intermediate_size": 12, "hidden_act": "silu",
           "out_hidden_size": 16, "patch_size": 14, "window_size": 56, "fullatt_block_indexes": [],
           "tokens_per_second": 2}}
        """;
    String tokenizer =
        wordsJson(
            "<|im_start|>",
            "<|im_end|>",
            "<|endoftext|>",
            "<|vision_start|>",
            "<|vision_end|>",
            "<|image_pad|>",
            "<|video_pad|>",
            "system",
            "user",
            "assistant",
            "You",
            "are",
            "a",
            "helpful",
            "assistant.",
            "what",
            "is",
            "it",
            "red",
            "left",
            "<unk>");
    SortedMap<String, NDArray> tensors = new TreeMap<>();
    try (NDManager manager = NDManager.newBaseManager(null, "PyTorch")) {
      QwenVLConfig.of(new ObjectMapper().readTree(config))
          .parameters()
          .forEach(
              (name, shape) ->
                  tensors.put(
                      name,
                      manager.create(
                          TestCheckpoints.gaussians(shape.size(), name.hashCode(), 0.4), shape)));
      ModelFolder.write(
          folder,
          staging -> {
            Files.writeString(staging.resolve("config.json"), config);
            Files.writeString(staging.resolve("tokenizer.json"), tokenizer);
            ModelFolder.writeTensors(staging.resolve("model.safetensors"), tensors, DType.F32);
          });
    }
    return folder;
  }

  static InternVL small(long seed) {
    return small(CONFIG, seed);
  }

  static InternVL small(InternVLConfig config, long seed) {
    return InternVL.initialise(config, Tokenizer.of(tokenizerJson()), PREPROCESSING, seed);
  }
}
