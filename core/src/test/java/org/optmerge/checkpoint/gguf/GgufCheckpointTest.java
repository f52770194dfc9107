package org.optmerge.checkpoint.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.SideFile;
import org.optmerge.checkpoint.TensorInfo;

/** Names, order of rows, settings and files of GGUF models. */
class GgufCheckpointTest {
  private static final int HEAD = 4;

  @TempDir Path dir;

  private static float[] counting(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = i;
    }
    return values;
  }

  private static TinyGguf whole(TinyGguf file) {
    return file.f32("token_embd.weight", List.of(5, 8), counting(40))
        .f32("blk.0.attn_norm.weight", List.of(8), counting(8))
        .f32("blk.0.attn_q.weight", List.of(8, 8), counting(64))
        .f32("blk.0.attn_k.weight", List.of(4, 8), counting(32))
        .f32("blk.0.attn_v.weight", List.of(4, 8), counting(32))
        .f32("blk.0.attn_output.weight", List.of(8, 8), counting(64))
        .f32("blk.0.ffn_norm.weight", List.of(8), counting(8))
        .f32("blk.0.ffn_gate.weight", List.of(6, 8), counting(48))
        .f32("blk.0.ffn_up.weight", List.of(6, 8), counting(48))
        .f32("blk.0.ffn_down.weight", List.of(8, 6), counting(48))
        .f32("output_norm.weight", List.of(8), counting(8));
  }

  @Test
  void a_llama_has_hugging_faces_names_rows_and_settings() throws IOException {
    Path file = whole(TinyGguf.llama()).write(dir.resolve("llama.gguf"));

    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertThat(checkpoint.tensors().stream().map(TensorInfo::name))
          .containsExactly(
              "model.embed_tokens.weight",
              "model.layers.0.input_layernorm.weight",
              "model.layers.0.self_attn.q_proj.weight",
              "model.layers.0.self_attn.k_proj.weight",
              "model.layers.0.self_attn.v_proj.weight",
              "model.layers.0.self_attn.o_proj.weight",
              "model.layers.0.post_attention_layernorm.weight",
              "model.layers.0.mlp.gate_proj.weight",
              "model.layers.0.mlp.up_proj.weight",
              "model.layers.0.mlp.down_proj.weight",
              "model.norm.weight");
      assertUnpaired(
          TestCheckpoints.values(checkpoint, "model.layers.0.self_attn.q_proj.weight"), 2);
      assertUnpaired(
          TestCheckpoints.values(checkpoint, "model.layers.0.self_attn.k_proj.weight"), 1);
      assertThat(TestCheckpoints.values(checkpoint, "model.layers.0.self_attn.v_proj.weight"))
          .isEqualTo(counting(32));
      JsonNode config = checkpoint.config().orElseThrow();
      assertThat(config.path("architectures").path(0).asText()).isEqualTo("LlamaForCausalLM");
      assertThat(config.path("num_hidden_layers").asInt()).isEqualTo(1);
      assertThat(config.path("vocab_size").asInt()).isEqualTo(5);
      assertThat(config.path("num_key_value_heads").asInt()).isEqualTo(1);
      assertThat(config.path("rms_norm_eps").asDouble()).isEqualTo(1e-6);
      assertThat(config.path("rope_theta").asDouble()).isEqualTo(500000);
      assertThat(config.path("tie_word_embeddings").asBoolean()).isTrue();
      assertThat(config.path("torch_dtype").asText()).isEqualTo("float32");
      assertThat(checkpoint.tied()).containsEntry("lm_head.weight", "model.embed_tokens.weight");
      assertThat(checkpoint.notes()).singleElement().asString().contains("tokenizer", "copy that");
    }
  }

  /**
   * llama.cpp keeps the rows of a rotary pair side by side: its row 2 j + s of a head is row j + s
   * half heads of Hugging Face's.
   */
  private static void assertUnpaired(float[] rows, int heads) {
    for (int head = 0; head < heads; head++) {
      for (int j = 0; j < HEAD / 2; j++) {
        for (int s = 0; s < 2; s++) {
          int theirs = head * HEAD + 2 * j + s;
          int ours = head * HEAD + j + s * HEAD / 2;
          for (int column = 0; column < 8; column++) {
            assertThat(rows[ours * 8 + column]).isEqualTo(theirs * 8 + column);
          }
        }
      }
    }
  }

  @Test
  void a_part_of_permuted_rows_is_read_from_any_place() throws IOException {
    Path file = whole(TinyGguf.llama()).write(dir.resolve("llama.gguf"));
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      TensorInfo q = checkpoint.find("model.layers.0.self_attn.q_proj.weight").orElseThrow();
      float[] all = TestCheckpoints.values(checkpoint, q.name());
      for (int from = 0; from < 64; from++) {
        float[] part = new float[Math.min(19, 64 - from)];
        checkpoint.read(q, from, part.length, part);
        for (int i = 0; i < part.length; i++) {
          assertThat(part[i]).isEqualTo(all[from + i]);
        }
        ByteBuffer bytes = ByteBuffer.allocate(4 * part.length).order(ByteOrder.LITTLE_ENDIAN);
        checkpoint.readBytes(q, 4L * from, bytes);
        assertThat(bytes.flip().getFloat()).isEqualTo(all[from]);
      }
    }
  }

  @Test
  void qwen2_keeps_its_rows_and_biases() throws IOException {
    Path file =
        new TinyGguf()
            .text("general.architecture", "qwen2")
            .u32("qwen2.embedding_length", 8)
            .u32("qwen2.feed_forward_length", 6)
            .u32("qwen2.block_count", 1)
            .u32("qwen2.attention.head_count", 2)
            .f32("token_embd.weight", List.of(3, 8), counting(24))
            .f32("output.weight", List.of(3, 8), counting(24))
            .f32("blk.0.attn_q.weight", List.of(8, 8), counting(64))
            .f32("blk.0.attn_q.bias", List.of(8), counting(8))
            .write(dir.resolve("qwen2.gguf"));
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertThat(TestCheckpoints.values(checkpoint, "model.layers.0.self_attn.q_proj.weight"))
          .isEqualTo(counting(64));
      assertThat(checkpoint.find("model.layers.0.self_attn.q_proj.bias")).isPresent();
      assertThat(checkpoint.find("lm_head.weight")).isPresent();
      JsonNode config = checkpoint.config().orElseThrow();
      assertThat(config.path("model_type").asText()).isEqualTo("qwen2");
      assertThat(config.path("tie_word_embeddings").asBoolean(true)).isFalse();
    }
  }

  @Test
  void factors_of_rotary_frequencies_become_the_setting_they_were_computed_from()
      throws IOException {
    float[] factors = new Llama3Rope(8, 1, 4, 8192).factors(500000, 64);
    Path known =
        whole(TinyGguf.llama())
            .f32("rope_freqs.weight", List.of(32), factors)
            .write(dir.resolve("known.gguf"));
    factors[20] *= 1.5f;
    Path unknown =
        whole(TinyGguf.llama())
            .f32("rope_freqs.weight", List.of(32), factors)
            .write(dir.resolve("unknown.gguf"));

    try (Checkpoint checkpoint = Checkpoint.open(known)) {
      JsonNode scaling = checkpoint.config().orElseThrow().path("rope_scaling");
      assertThat(scaling.path("rope_type").asText()).isEqualTo("llama3");
      assertThat(scaling.path("factor").asDouble()).isEqualTo(8);
      assertThat(checkpoint.find("rope_freqs.weight")).isEmpty();
    }
    try (Checkpoint checkpoint = Checkpoint.open(unknown)) {
      assertThat(checkpoint.config().orElseThrow().has("rope_scaling")).isFalse();
      assertThat(checkpoint.notes()).anyMatch(note -> note.contains("rope_scaling"));
    }
  }

  private static TinyGguf vision(TinyGguf file) {
    return file.text("general.architecture", "clip")
        .text("clip.projector_type", "qwen2vl_merger")
        .u32("clip.vision.embedding_length", 4)
        .u32("clip.vision.block_count", 1)
        .u32("clip.vision.attention.head_count", 2)
        .u32("clip.vision.patch_size", 2)
        .f32("v.patch_embd.weight", List.of(4, 3, 2, 2), counting(48))
        .f32("v.patch_embd.weight.1", List.of(4, 3, 2, 2), counting(48))
        .f32("v.blk.0.attn_q.weight", List.of(4, 4), counting(16))
        .f32("v.blk.0.attn_k.weight", List.of(4, 4), counting(16))
        .f32("v.blk.0.attn_v.weight", List.of(4, 4), counting(16))
        .f32("v.blk.0.attn_q.bias", List.of(4), 0, 1, 2, 3)
        .f32("v.blk.0.attn_k.bias", List.of(4), 4, 5, 6, 7)
        .f32("v.blk.0.attn_v.bias", List.of(4), 8, 9, 10, 11)
        .f32("v.blk.0.ffn_up.weight", List.of(16, 4), counting(64))
        .f32("v.post_ln.weight", List.of(4), counting(4))
        .f32("mm.2.weight", List.of(8, 16), counting(128));
  }

  private static TinyGguf qwen2vl() {
    return new TinyGguf()
        .text("general.architecture", "qwen2vl")
        .u32("qwen2vl.embedding_length", 8)
        .u32("qwen2vl.feed_forward_length", 6)
        .u32("qwen2vl.block_count", 1)
        .u32("qwen2vl.attention.head_count", 2)
        .ints("qwen2vl.rope.dimension_sections", 1, 1, 0, 0)
        .f32("token_embd.weight", List.of(3, 8), counting(24));
  }

  @Test
  void a_folder_with_a_vision_part_is_one_model() throws IOException {
    qwen2vl().write(dir.resolve("model.gguf"));
    vision(new TinyGguf()).write(dir.resolve("mmproj-model.gguf"));

    try (Checkpoint checkpoint = Checkpoint.open(dir)) {
      assertThat(checkpoint.find("visual.blocks.0.attn.qkv.weight").orElseThrow().shape())
          .containsExactly(12L, 4L);
      float[] qkv = TestCheckpoints.values(checkpoint, "visual.blocks.0.attn.qkv.weight");
      for (int i = 0; i < 48; i++) {
        assertThat(qkv[i]).isEqualTo(i % 16);
      }
      assertThat(TestCheckpoints.values(checkpoint, "visual.blocks.0.attn.qkv.bias"))
          .isEqualTo(counting(12));
      TensorInfo patches = checkpoint.find("visual.patch_embed.proj.weight").orElseThrow();
      assertThat(patches.shape()).containsExactly(4L, 3L, 2L, 2L, 2L);
      float[] frames = TestCheckpoints.values(checkpoint, patches.name());
      for (int channel = 0; channel < 12; channel++) {
        for (int frame = 0; frame < 2; frame++) {
          for (int pixel = 0; pixel < 4; pixel++) {
            assertThat(frames[channel * 8 + frame * 4 + pixel]).isEqualTo(channel * 4 + pixel);
          }
        }
      }
      assertThat(checkpoint.find("visual.blocks.0.mlp.fc1.weight")).isPresent();
      assertThat(checkpoint.find("visual.merger.ln_q.weight")).isPresent();
      assertThat(checkpoint.find("visual.merger.mlp.2.weight")).isPresent();
      JsonNode config = checkpoint.config().orElseThrow();
      assertThat(config.path("model_type").asText()).isEqualTo("qwen2_vl");
      assertThat(config.path("vision_config").path("embed_dim").asInt()).isEqualTo(4);
      assertThat(config.path("vision_config").path("hidden_size").asInt()).isEqualTo(8);
      assertThat(config.path("rope_scaling").path("mrope_section").size()).isEqualTo(2);
    }
  }

  @Test
  void a_language_part_alone_says_where_the_other_is() throws IOException {
    Path file = qwen2vl().write(dir.resolve("model.gguf"));
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertThat(checkpoint.notes()).anyMatch(note -> note.contains("mmproj"));
    }
  }

  @Test
  void the_parts_of_a_divided_model_are_one() throws IOException {
    Path first =
        TinyGguf.llama()
            .put("split.count", 2, new byte[] {2, 0})
            .put("split.tensors.count", 5, new byte[] {2, 0, 0, 0})
            .f32("token_embd.weight", List.of(3, 8), counting(24))
            .write(dir.resolve("m-00001-of-00002.gguf"));
    assertThatThrownBy(() -> Checkpoint.open(first))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("part 2 of 2 is not there");
    new TinyGguf()
        .put("split.count", 2, new byte[] {2, 0})
        .f32("output_norm.weight", List.of(8), counting(8))
        .write(dir.resolve("m-00002-of-00002.gguf"));

    for (Path path : List.of(first, dir.resolve("m-00002-of-00002.gguf"), dir)) {
      try (Checkpoint checkpoint = Checkpoint.open(path)) {
        assertThat(checkpoint.tensors()).hasSize(2);
        assertThat(checkpoint.weightFiles()).hasSize(2);
      }
    }
  }

  @Test
  void several_models_in_a_folder_are_not_guessed_between() throws IOException {
    whole(TinyGguf.llama()).write(dir.resolve("a-Q8_0.gguf"));
    whole(TinyGguf.llama()).write(dir.resolve("b-Q4_0.gguf"));
    assertThatThrownBy(() -> Checkpoint.open(dir))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("several models in GGUF: a-Q8_0.gguf, b-Q4_0.gguf; give one");
  }

  @Test
  void beside_safetensors_a_gguf_file_is_not_read_but_named() throws IOException {
    TestCheckpoints.folder(dir).tensor("a", DType.F32, List.of(1L), 1).write();
    whole(TinyGguf.llama()).write(dir.resolve("a.gguf"));
    try (Checkpoint checkpoint = Checkpoint.open(dir)) {
      assertThat(checkpoint.tensors()).hasSize(1);
      assertThat(checkpoint.sideFiles())
          .extracting(SideFile::file)
          .containsExactly(Path.of("a.gguf"));
    }
  }

  @Test
  void a_config_beside_the_file_is_preferred_to_the_derived_one() throws IOException {
    whole(TinyGguf.llama()).write(dir.resolve("a.gguf"));
    Files.writeString(dir.resolve("config.json"), "{\"model_type\": \"llama\", \"own\": 1}");
    try (Checkpoint checkpoint = Checkpoint.open(dir)) {
      assertThat(checkpoint.config().orElseThrow().path("own").asInt()).isEqualTo(1);
      assertThat(checkpoint.otherFiles()).containsExactly(Path.of("config.json"));
      assertThat(checkpoint.derivedFiles()).doesNotContainKey("config.json");
    }
  }

  @Test
  void a_tensor_without_a_known_name_keeps_its_own_and_is_named() throws IOException {
    Path file =
        whole(TinyGguf.llama())
            .f32("blk.0.something_new.weight", List.of(8), counting(8))
            .write(dir.resolve("a.gguf"));
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertThat(checkpoint.find("blk.0.something_new.weight")).isPresent();
      assertThat(checkpoint.notes())
          .anyMatch(note -> note.contains("1 tensor has") && note.contains("something_new"));
    }
  }

  @Test
  void the_tokenizer_comes_along() throws IOException {
    Path file =
        whole(TinyGguf.llama())
            .text("tokenizer.ggml.model", "gpt2")
            .text("tokenizer.ggml.pre", "llama-bpe")
            .texts("tokenizer.ggml.tokens", List.of("a", "b", "ab", "<s>", "</s>"))
            .ints("tokenizer.ggml.token_type", 1, 1, 1, 3, 3)
            .texts("tokenizer.ggml.merges", List.of("a b"))
            .u32("tokenizer.ggml.bos_token_id", 3)
            .u32("tokenizer.ggml.eos_token_id", 4)
            .flag("tokenizer.ggml.add_bos_token", true)
            .text("tokenizer.chat_template", "{{ messages }}")
            .write(dir.resolve("a.gguf"));
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      JsonNode tokenizer = json(checkpoint, "tokenizer.json");
      assertThat(tokenizer.path("model").path("vocab").path("ab").asInt()).isEqualTo(2);
      assertThat(tokenizer.path("model").path("merges").path(0).asText()).isEqualTo("a b");
      assertThat(tokenizer.path("added_tokens").path(1).path("content").asText()).isEqualTo("</s>");
      assertThat(tokenizer.path("post_processor").path("type").asText())
          .isEqualTo("TemplateProcessing");
      JsonNode settings = json(checkpoint, "tokenizer_config.json");
      assertThat(settings.path("bos_token").asText()).isEqualTo("<s>");
      assertThat(settings.path("chat_template").asText()).isEqualTo("{{ messages }}");
      assertThat(checkpoint.notes()).isEmpty();
    }
  }

  @Test
  void a_sentencepiece_tokenizer_is_a_model_file_again() throws IOException {
    Path file =
        whole(TinyGguf.llama())
            .text("tokenizer.ggml.model", "llama")
            .texts("tokenizer.ggml.tokens", List.of("<unk>", "<s>", "</s>", "<0x0A>", "\u2581a"))
            .floats("tokenizer.ggml.scores", 0, 0, 0, 0, -1.5f)
            .ints("tokenizer.ggml.token_type", 2, 3, 3, 6, 1)
            .write(dir.resolve("a.gguf"));
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      List<SentencePieceModel.Piece> pieces =
          SentencePieceModel.parse(checkpoint.derivedFiles().get("tokenizer.model")).pieces();
      assertThat(pieces).hasSize(5);
      assertThat(pieces.get(4))
          .isEqualTo(new SentencePieceModel.Piece("\u2581a", -1.5f, TokenType.NORMAL));
      assertThat(pieces.get(3).type()).isEqualTo(TokenType.BYTE);
    }
  }

  private static JsonNode json(Checkpoint checkpoint, String name) throws IOException {
    return new ObjectMapper()
        .readTree(new String(checkpoint.derivedFiles().get(name), StandardCharsets.UTF_8));
  }
}
