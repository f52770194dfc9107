package org.optmerge.checkpoint.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;

/** Models in Hugging Face's layout to GGUF. */
class GgufExportTest {
  private static final Path RECORDED = Path.of("src/test/resources/golden/gguf");
  private static final String LLAMA_CONFIG =
      """
      {"model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
       "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128, "vocab_size": 6,
       "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "tie_word_embeddings": false, "bos_token_id": 4, "eos_token_id": [5, 4],
       "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                        "original_max_position_embeddings": 8192}}
      """;
  private static final String TOKENIZER =
      """
      {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "\u0120": 3}, "merges": [["a", "b"]]},
       "added_tokens": [{"id": 4, "content": "<s>", "special": true}],
       "pre_tokenizer": {"type": "ByteLevel", "use_regex": true},
       "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]}}
      """;

  @TempDir Path dir;

  private TestCheckpoints llama() {
    return TestCheckpoints.folder(dir.resolve("model"))
        .random("model.embed_tokens.weight", DType.F32, List.of(6L, 32L), 1)
        .random("model.layers.0.self_attn.q_proj.weight", DType.F32, List.of(32L, 32L), 2)
        .random("model.layers.0.self_attn.k_proj.weight", DType.F32, List.of(16L, 32L), 3)
        .random("model.layers.0.mlp.down_proj.weight", DType.F32, List.of(32L, 64L), 4)
        .random(
            "model.layers.0.mlp.odd.weight".replace("odd", "gate_proj"),
            DType.F32,
            List.of(64L, 32L),
            5)
        .random("model.layers.0.input_layernorm.weight", DType.F32, List.of(32L), 6)
        .random("model.norm.weight", DType.F32, List.of(32L), 7)
        .random("lm_head.weight", DType.F32, List.of(6L, 32L), 8)
        .config(LLAMA_CONFIG)
        .file("tokenizer.json", TOKENIZER)
        .file("tokenizer_config.json", "{\"bos_token\": \"<s>\", \"chat_template\": \"{{ x }}\"}");
  }

  private static GgufExport.Options options(GgufExport.Type type) {
    return new GgufExport.Options(type, null, true, false);
  }

  private GgufExport.Result export(Path folder, GgufExport.Type type) {
    return GgufExport.run(folder, dir.resolve("out.gguf"), options(type), Progress.NONE);
  }

  @ParameterizedTest
  @EnumSource(GgufExport.Type.class)
  void a_model_that_was_written_is_read_again(GgufExport.Type type) {
    Path folder = llama().write();

    GgufExport.Result result = export(folder, type);

    assertThat(result.type()).isEqualTo(type);
    double tolerance =
        Map.of("F32", 0.0, "F16", 0x1p-10, "BF16", 0x1p-8, "Q8_0", 0.02).get(type.name());
    try (Checkpoint own = Checkpoint.open(folder);
        Checkpoint again = Checkpoint.open(result.files().get(0))) {
      assertThat(again.tensors().stream().map(TensorInfo::name))
          .containsExactlyInAnyOrderElementsOf(
              own.tensors().stream().map(TensorInfo::name).toList());
      for (TensorInfo tensor : own.tensors()) {
        float[] expected = TestCheckpoints.values(own, tensor.name());
        float[] values = TestCheckpoints.values(again, tensor.name());
        float largest = 0;
        for (float value : expected) {
          largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < values.length; i++) {
          assertThat((double) values[i])
              .as("%s %d", tensor.name(), i)
              .isCloseTo(expected[i], within(tolerance * largest + 1e-12));
        }
      }
      JsonNode config = again.config().orElseThrow();
      for (String key :
          List.of(
              "hidden_size",
              "intermediate_size",
              "num_hidden_layers",
              "num_attention_heads",
              "num_key_value_heads",
              "max_position_embeddings",
              "vocab_size",
              "rms_norm_eps",
              "rope_theta",
              "tie_word_embeddings",
              "model_type",
              "bos_token_id")) {
        assertThat(config.path(key)).as(key).isEqualTo(own.config().orElseThrow().path(key));
      }
      assertThat(config.path("eos_token_id").asInt()).isEqualTo(5);
      assertThat(config.path("rope_scaling").path("factor").asDouble()).isEqualTo(8);
      assertThat(again.derivedFiles()).containsKeys("tokenizer.json", "tokenizer_config.json");
    }
  }

  /** Rows of a rotary pair are half a head apart in the model and side by side in the file. */
  @Test
  void queries_and_keys_of_a_llama_are_paired() throws IOException {
    Path folder = llama().write();
    export(folder, GgufExport.Type.F32);
    try (Checkpoint own = Checkpoint.open(folder);
        FileChannel channel = FileChannel.open(dir.resolve("out.gguf"))) {
      GgufHeader header = GgufHeader.read(dir.resolve("out.gguf"), channel);
      float[] model = TestCheckpoints.values(own, "model.layers.0.self_attn.q_proj.weight");
      GgufTensor q = GgufContents.find(header, "blk.0.attn_q.weight");
      assertThat(q).isNotNull();
      ByteBuffer bytes = ByteBuffer.allocate((int) q.bytes()).order(ByteOrder.LITTLE_ENDIAN);
      channel.read(bytes, q.offset());
      for (int head = 0; head < 4; head++) {
        for (int j = 0; j < 4; j++) {
          for (int s = 0; s < 2; s++) {
            for (int column = 0; column < 32; column++) {
              assertThat(bytes.getFloat(((head * 8 + 2 * j + s) * 32 + column) * 4))
                  .isEqualTo(model[(head * 8 + j + s * 4) * 32 + column]);
            }
          }
        }
      }
    }
  }

  @Test
  void metadata_are_those_that_llama_cpp_asks_for() throws IOException {
    export(llama().write(), GgufExport.Type.Q8_0);
    try (FileChannel channel = FileChannel.open(dir.resolve("out.gguf"))) {
      GgufHeader header = GgufHeader.read(dir.resolve("out.gguf"), channel);
      Map<String, Object> values = new TreeMap<>(header.metadata().values());
      assertThat(values)
          .containsEntry("general.architecture", "llama")
          .containsEntry("general.file_type", 7L)
          .containsEntry("general.quantization_version", 2L)
          .containsEntry("llama.block_count", 1L)
          .containsEntry("llama.rope.dimension_count", 8L)
          .containsEntry("llama.vocab_size", 6L)
          .containsEntry("tokenizer.ggml.model", "gpt2")
          .containsEntry("tokenizer.ggml.pre", "gpt-2")
          .containsEntry(
              "tokenizer.ggml.tokens", List.of("a", "b", "ab", "\u0120", "<s>", "[PAD5]"))
          .containsEntry("tokenizer.ggml.token_type", List.of(1L, 1L, 1L, 1L, 3L, 5L))
          .containsEntry("tokenizer.ggml.merges", List.of("a b"))
          .containsEntry("tokenizer.ggml.bos_token_id", 4L)
          .containsEntry("tokenizer.ggml.add_bos_token", true)
          .containsEntry("tokenizer.chat_template", "{{ x }}");
      // Vectors stay float32.
      assertThat(header.tensors())
          .allMatch(it -> it.type() == (it.shape().size() == 1 ? GgmlType.F32 : GgmlType.Q8_0));
      assertThat(GgufContents.find(header, "rope_freqs.weight")).isNotNull();
    }
  }

  @Test
  void eight_bits_are_packed_as_the_python_package_packs_them() throws IOException {
    byte[] recorded = Files.readAllBytes(RECORDED.resolve("q8_0.bin"));
    float[] values = new float[16 * 64];
    ByteBuffer.wrap(recorded).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    ByteBuffer packed = ByteBuffer.allocate(16 * 2 * 34).order(ByteOrder.LITTLE_ENDIAN);

    assertThat(EightBits.pack(values, values.length, packed)).isNegative();

    assertThat(packed.array())
        .isEqualTo(Arrays.copyOfRange(recorded, values.length * 4, recorded.length));
  }

  @Test
  void a_vision_part_goes_into_a_file_of_its_own() {
    Path folder =
        TestCheckpoints.folder(dir.resolve("model"))
            .random("model.language_model.embed_tokens.weight", DType.BF16, List.of(6L, 32L), 1)
            .random(
                "model.language_model.layers.0.self_attn.q_proj.weight",
                DType.BF16,
                List.of(32L, 32L),
                2)
            .random(
                "model.language_model.layers.0.self_attn.q_proj.bias", DType.BF16, List.of(32L), 2)
            .random(
                "model.visual.patch_embed.proj.weight", DType.BF16, List.of(4L, 3L, 2L, 2L, 2L), 3)
            .random("model.visual.blocks.0.attn.qkv.weight", DType.BF16, List.of(12L, 4L), 4)
            .random("model.visual.blocks.0.attn.qkv.bias", DType.BF16, List.of(12L), 5)
            .random("model.visual.blocks.0.attn.proj.weight", DType.BF16, List.of(4L, 4L), 5)
            .random("model.visual.blocks.0.mlp.fc1.weight", DType.BF16, List.of(16L, 4L), 6)
            .random("model.visual.blocks.0.norm1.weight", DType.BF16, List.of(4L), 6)
            .random("model.visual.merger.ln_q.weight", DType.BF16, List.of(4L), 7)
            .random("model.visual.merger.mlp.2.weight", DType.BF16, List.of(32L, 16L), 8)
            .config(
                """
                {"model_type": "qwen2_vl", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
                 "num_attention_heads": 4, "max_position_embeddings": 128, "vocab_size": 6, "tie_word_embeddings": true,
                 "rope_scaling": {"type": "mrope", "mrope_section": [2, 1, 1]},
                 "vision_config": {"depth": 1, "embed_dim": 4, "num_heads": 2, "patch_size": 2}}
                """)
            .file("tokenizer.json", TOKENIZER)
            .write();

    GgufExport.Result result =
        GgufExport.run(folder, dir.resolve("gguf/q.gguf"), options(null), Progress.NONE);

    assertThat(result.type()).isEqualTo(GgufExport.Type.BF16);
    assertThat(result.files()).hasSize(2);
    assertThat(result.files().get(1)).hasFileName("mmproj-q.gguf");
    try (Checkpoint own = Checkpoint.open(folder);
        Checkpoint again = Checkpoint.open(dir.resolve("gguf"))) {
      for (TensorInfo tensor : own.tensors()) {
        String published =
            tensor
                .name()
                .replace("model.language_model.", "model.")
                .replace("model.visual.", "visual.");
        assertThat(TestCheckpoints.values(again, published))
            .as(published)
            .isEqualTo(TestCheckpoints.values(own, tensor.name()));
        assertThat(again.find(published).orElseThrow().shape()).isEqualTo(tensor.shape());
      }
      JsonNode config = again.config().orElseThrow();
      assertThat(config.path("model_type").asText()).isEqualTo("qwen2_vl");
      assertThat(config.path("rope_scaling").path("mrope_section").toString()).isEqualTo("[2,1,1]");
      assertThat(config.path("vision_config").path("embed_dim").asInt()).isEqualTo(4);
    }
  }

  private interface Change {
    TestCheckpoints of(TestCheckpoints model);
  }

  private static String config(String from, String to) {
    assertThat(LLAMA_CONFIG).contains(from);
    return LLAMA_CONFIG.replace(from, to);
  }

  static Stream<Arguments> refusals() {
    return Stream.of(
        refusal(
            "family",
            m -> m.config("{\"model_type\": \"gemma\"}"),
            "model_type 'gemma'; known are llama"),
        refusal(
            "tensor",
            m -> m.random("model.layers.0.extra.weight", DType.F32, List.of(2L, 2L), 1),
            "'model.layers.0.extra.weight' has no name in llama.cpp's 'llama'"),
        refusal(
            "layers",
            m -> m.config(config("\"num_hidden_layers\": 1", "\"num_hidden_layers\": 2")),
            "counts 2 layers, the weights have 1"),
        refusal(
            "rows",
            m -> m.config(config("\"vocab_size\": 6", "\"vocab_size\": 7")),
            "6 rows, config.json's vocab_size is 7"),
        refusal(
            "tied head that differs",
            m ->
                m.config(config("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true")),
            "differs from the embedding"),
        refusal("scaling", m -> m.config(config("\"llama3\"", "\"longrope\"")), "'longrope'"),
        refusal(
            "heads",
            m -> m.config(config("\"num_attention_heads\": 4", "\"num_attention_heads\": 3")),
            "3 heads"),
        refusal(
            "words",
            m ->
                m.file(
                    "tokenizer.json",
                    TOKENIZER.replace("\"use_regex\": true", "\"use_regex\": false")),
            "give it with --pre"),
        refusal(
            "too many tokens",
            m -> m.file("tokenizer.json", TOKENIZER.replace("\"id\": 4", "\"id\": 40")),
            "token number 40"),
        refusal(
            "tokenizer",
            m -> m.file("tokenizer.json", "{}"),
            "neither tokenizer.json nor tokenizer.model"),
        refusal(
            "packed",
            m -> m.tensor("model.layers.0.mlp.up_proj.weight", DType.F8_E4M3, List.of(2L), 1, 2),
            "without a scale"),
        refusal(
            "range",
            m -> m.tensor("model.layers.0.mlp.up_proj.weight", DType.F32, List.of(1L, 2L), 1, 1e6f),
            "1000000.0 does not fit F16; 'bf16' has the range"));
  }

  private static Arguments refusal(String name, Change change, String reason) {
    return Arguments.of(name, change, reason);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refusals")
  void what_cannot_be_written_whole_is_refused(String name, Change change, String reason) {
    Path folder = change.of(llama()).write();
    assertThatThrownBy(() -> export(folder, GgufExport.Type.F16))
        .as(name)
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(reason);
    assertThat(dir.resolve("out.gguf")).doesNotExist();
  }

  @Test
  void a_file_that_is_there_is_replaced_only_if_asked() throws IOException {
    Path folder = llama().write();
    Files.writeString(dir.resolve("out.gguf"), "mine");
    assertThatThrownBy(() -> export(folder, GgufExport.Type.F16)).hasMessageContaining("--force");
    assertThat(dir.resolve("out.gguf")).hasContent("mine");
    GgufExport.run(
        folder,
        dir.resolve("out.gguf"),
        new GgufExport.Options(GgufExport.Type.F16, null, true, true),
        Progress.NONE);
    try (Checkpoint again = Checkpoint.open(dir.resolve("out.gguf"))) {
      assertThat(again.tensors()).isNotEmpty();
    }
  }

  @Test
  void a_gguf_file_is_packed_again() {
    export(llama().write(), GgufExport.Type.F32);
    GgufExport.run(
        dir.resolve("out.gguf"),
        dir.resolve("small.gguf"),
        options(GgufExport.Type.Q8_0),
        Progress.NONE);
    try (Checkpoint again = Checkpoint.open(dir.resolve("small.gguf"))) {
      assertThat(again.notes()).anyMatch(note -> note.contains("Q8_0"));
      assertThat(new ObjectMapper().convertValue(again.derivedFiles().keySet(), List.class))
          .contains("tokenizer.json");
    }
  }
}
