package org.optmerge.model;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.code_intelligence.jazzer.junit.DictionaryFile;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.fuzz.Sandbox;

/** The small files of a model's folder, and its tokenizers, with any bytes in them. */
class ModelFilesFuzzTest {
  private static final String DICTIONARY = "/org/optmerge/fuzz/model.dict";
  private static final Path RECORDED = Path.of("src/test/resources/recorded-models");
  private static final Sandbox BOX = Sandbox.open();

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static Stream<byte[]> texts(String... texts) {
    return Stream.of(texts).map(text -> text.getBytes(UTF_8));
  }

  static Stream<byte[]> configs() {
    return Stream.concat(
        Stream.of("internvl-internlm2", "llava-hf", "llava-original", "qwen2_5_vl")
            .map(name -> bytes(RECORDED.resolve(name).resolve("config.json"))),
        Stream.of(bytes(Path.of("../data-manifests/mini/base/config.json"))));
  }

  /** Whatever family it says: what each makes of it. */
  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("configs")
  @FuzzTest
  void config(byte[] data) throws Exception {
    BOX.file("config/config.json", data);
    Path folder = BOX.folder().resolve("config");
    BOX.holds(data, () -> Architecture.of(folder));
    BOX.holds(data, () -> InternVLConfig.read(folder));
    BOX.holds(data, () -> QwenVLConfig.read(folder));
    BOX.holds(data, () -> LlavaConfig.read(folder));
    BOX.holds(data, () -> OmniConfig.read(folder));
  }

  static Stream<byte[]> generationConfigs() {
    return texts(
        "{\"eos_token_id\":[1,2],\"do_sample\":true,\"temperature\":0.7,\"top_k\":5,\"top_p\":0.9,\"repetition_penalty\":1.1,\"max_new_tokens\":9}",
        "{\"eos_token_id\":3,\"bos_token_id\":1,\"num_beams\":1}");
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("generationConfigs")
  @FuzzTest
  void generationConfig(byte[] data) throws Exception {
    BOX.file("generation/generation_config.json", data);
    BOX.holds(data, () -> GenerationConfig.read(BOX.folder().resolve("generation")));
  }

  static Stream<byte[]> preprocessorConfigs() {
    return texts(
        "{\"image_mean\":[0.48,0.45,0.40],\"image_std\":[0.26,0.26,0.27],\"min_pixels\":3136,\"max_pixels\":12845056,\"patch_size\":14,\"temporal_patch_size\":2,\"merge_size\":2,\"do_resize\":true,\"do_normalize\":true,\"do_rescale\":true}",
        "{\"size\":{\"shortest_edge\":336},\"crop_size\":{\"height\":336,\"width\":336},\"do_center_crop\":true,\"resample\":3,\"rescale_factor\":0.00392}",
        "{\"crop_size\":224,\"size\":224,\"image_mean\":[0.5,0.5,0.5]}");
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("preprocessorConfigs")
  @FuzzTest
  void preprocessorConfig(byte[] data) throws Exception {
    Path folder = BOX.file("pictures/preprocessor_config.json", data).getParent();
    BOX.holds(data, () -> PreprocessorConfig.read(folder, Models.CONFIG));
    BOX.holds(data, () -> PreprocessorConfig.readQwen(folder));
    BOX.holds(data, () -> PreprocessorConfig.readClip(folder, 336, true));
  }

  static Stream<byte[]> templates() {
    return texts(
        "{\"chat_template\":\"{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}\"}",
        "{\"chat_template\":[{\"name\":\"default\",\"template\":\"{{ messages }}\"}]}", "{}");
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("templates")
  @FuzzTest
  void chatTemplate(byte[] data) throws Exception {
    BOX.file("chat/chat_template.json", data);
    BOX.file("chat/tokenizer_config.json", data);
    Path folder = BOX.file("chat/chat_template.jinja", data).getParent();
    BOX.holds(data, () -> ChatFiles.read(folder));
    BOX.holds(
        data,
        () -> {
          Files.deleteIfExists(folder.resolve("chat_template.jinja"));
          ChatFiles.read(folder);
        });
  }

  private static void encodes(Tokenizer tokenizer) {
    try (tokenizer) {
      long[] ids = tokenizer.encode("a ab <|im_end|> ü 12\n");
      tokenizer.decode(ids, true);
      tokenizer.size();
    }
  }

  static Stream<byte[]> tokenizers() {
    return texts(
        Models.tokenizerJson(),
        """
        {"version":"1.0","truncation":null,"padding":null,
         "added_tokens":[{"id":3,"content":"<s>","special":true,"lstrip":false,"rstrip":false,"single_word":false,"normalized":false}],
         "normalizer":{"type":"NFC"},
         "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\\\s+"},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]},
         "post_processor":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false,"use_regex":true},
         "decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
         "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":"","end_of_word_suffix":"","fuse_unk":false,"byte_fallback":false,"ignore_merges":false,"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}
        """,
        """
        {"version":"1.0","added_tokens":[],"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},
         "model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0.0],["▁a",-1.5],["b",-2.0]]}}
        """);
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("tokenizers")
  @FuzzTest
  void tokenizerJson(byte[] data) throws Exception {
    Path folder = BOX.file("words/tokenizer.json", data).getParent();
    BOX.holds(data, () -> encodes(Tokenizer.open(folder)));
  }

  static Stream<byte[]> pieces() {
    return Stream.of("llama", "internlm2", "unigram")
        .map(
            name -> bytes(RECORDED.resolve("tokenizers").resolve(name).resolve("tokenizer.model")));
  }

  /** SentencePiece's protocol buffers; what comes of them is built by the same library. */
  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("pieces")
  @FuzzTest
  void sentencePiece(byte[] data) throws Exception {
    BOX.holds(data, () -> SentencePieceModel.of(data));
  }

  static Stream<byte[]> vocabularies() {
    return texts("{\"a\":0,\"b\":1,\"ab\":2}\n%%%\n#version: 0.2\na b\n");
  }

  /** {@code vocab.json}, and behind a line of {@code %%%} {@code merges.txt}. */
  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("vocabularies")
  @FuzzTest
  void vocabularyAndMerges(byte[] data) throws Exception {
    List<String> parts = List.of(new String(data, UTF_8).split("\n%%%\n", 2));
    Path folder = BOX.file("merges/vocab.json", parts.get(0)).getParent();
    BOX.file("merges/merges.txt", parts.size() > 1 ? parts.get(1) : "");
    BOX.holds(data, () -> encodes(Tokenizer.open(folder)));
  }

  static Stream<byte[]> addedTokens() {
    return Stream.of("llama", "internlm2", "qwen2")
        .map(
            name ->
                bytes(
                    RECORDED.resolve("tokenizers").resolve(name).resolve("tokenizer_config.json")));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("addedTokens")
  @FuzzTest
  void tokenizerConfig(byte[] data) throws Exception {
    Path folder = BOX.file("added/tokenizer_config.json", data).getParent();
    BOX.file("added/added_tokens.json", data);
    BOX.file("added/special_tokens_map.json", data);
    BOX.holds(data, () -> AddedTokens.read(folder));
  }
}
