package org.optmerge.checkpoint.gguf;

import com.code_intelligence.jazzer.junit.DictionaryFile;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.fuzz.Sandbox;

/** A GGUF file with any bytes in it: its header, its tensors, and the files that come of it. */
class GgufFuzzTest {
  private static final Sandbox BOX = Sandbox.open();

  static Stream<byte[]> files() throws IOException {
    TinyGguf words =
        TinyGguf.llama()
            .text("tokenizer.ggml.model", "llama")
            .texts("tokenizer.ggml.tokens", List.of("<unk>", "<s>", "</s>", "▁a"))
            .floats("tokenizer.ggml.scores", 0, 0, 0, -1)
            .ints("tokenizer.ggml.token_type", 2, 3, 3, 1)
            .u32("tokenizer.ggml.bos_token_id", 1)
            .flag("tokenizer.ggml.add_bos_token", true)
            .f32("token_embd.weight", List.of(4, 8), new float[32]);
    TinyGguf bytes =
        TinyGguf.llama()
            .text("tokenizer.ggml.model", "gpt2")
            .text("tokenizer.ggml.pre", "qwen2")
            .texts("tokenizer.ggml.tokens", List.of("a", "b", "ab", "<|im_end|>"))
            .texts("tokenizer.ggml.merges", List.of("a b"))
            .ints("tokenizer.ggml.token_type", 1, 1, 1, 3)
            .text("tokenizer.chat_template", "{{ messages }}")
            .f32("token_embd.weight", List.of(4, 8), new float[32])
            .f32("blk.0.attn_q.weight", List.of(8, 8), new float[64])
            .f32("blk.0.attn_k.weight", List.of(4, 8), new float[32])
            .f32("rope_freqs.weight", List.of(2), 1, 2)
            .tensor("blk.0.ffn_up.weight", 8, List.of(1, 32), new byte[34])
            .tensor("blk.0.ffn_down.weight", 2, List.of(1, 32), new byte[18]);
    byte[] types = Files.readAllBytes(Path.of("src/test/resources/golden/gguf/types.gguf"));
    return Stream.of(words.bytes(), bytes.bytes(), types);
  }

  @DictionaryFile(resourcePath = "/org/optmerge/fuzz/gguf.dict")
  @MethodSource("files")
  @FuzzTest
  void gguf(byte[] data) throws Exception {
    Path file = BOX.file("model.gguf", data);
    BOX.holds(
        data,
        () -> {
          try (Checkpoint checkpoint = Checkpoint.open(file)) {
            checkpoint.config();
            checkpoint.derivedFiles();
            checkpoint.notes();
            for (TensorInfo tensor : checkpoint.tensors()) {
              checkpoint.read(tensor, 0, (int) Math.min(300, tensor.size()), new float[300]);
            }
          }
        });
  }
}
