package org.optmerge.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.TestCheckpoints;

class CheckpointTest {
  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void reads_what_was_written_whatever_the_number_of_shards(int shards) {
    Path folder =
        TestCheckpoints.folder(dir)
            .tensor("a.weight", DType.BF16, List.of(2L, 3L), 1, -2, 3, 0.5f, -0.25f, 6)
            .tensor("b.weight", DType.F32, List.of(2L), 1.5f, -7)
            .tensor("scalar", DType.F16, List.of(), 3)
            .config("{\"model_type\": \"llama\"}")
            .file("tokenizer/vocab.txt", "a")
            .metadata("origin", "here")
            .shards(shards)
            .write();

    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.weightFiles()).hasSize(shards);
      assertThat(checkpoint.tensors()).hasSize(3);
      assertThat(TestCheckpoints.values(checkpoint, "a.weight"))
          .containsExactly(1, -2, 3, 0.5f, -0.25f, 6);
      assertThat(TestCheckpoints.values(checkpoint, "b.weight")).containsExactly(1.5f, -7);
      assertThat(TestCheckpoints.values(checkpoint, "scalar")).containsExactly(3);
      assertThat(checkpoint.find("a.weight").orElseThrow().shape()).containsExactly(2L, 3L);
      assertThat(checkpoint.find("c.weight")).isEmpty();
      assertThat(checkpoint.config().orElseThrow().get("model_type").asText()).isEqualTo("llama");
      assertThat(checkpoint.otherFiles())
          .containsExactly(Path.of("config.json"), Path.of("tokenizer/vocab.txt"));
      assertThat(checkpoint.metadata(checkpoint.weightFiles().get(0)))
          .isEqualTo(Map.of("format", "pt", "origin", "here"));
    }
  }

  @Test
  void reads_a_part_of_a_tensor_as_values_and_as_bytes() {
    Path folder =
        TestCheckpoints.folder(dir).tensor("a", DType.F32, List.of(4L), 1, 2, 3, 4).write();

    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      TensorInfo a = checkpoint.find("a").orElseThrow();
      float[] values = {0, 0, -1};
      checkpoint.read(a, 1, 2, values);
      assertThat(values).containsExactly(2, 3, -1);
      ByteBuffer bytes = ByteBuffer.allocate(4);
      checkpoint.readBytes(a, 12, bytes);
      // 4.0f is 0x40800000, stored little-endian.
      assertThat(bytes.array()).containsExactly(0, 0, 0x80, 0x40);
    }
  }

  @Test
  void refuses_to_read_beyond_a_tensor() {
    Path folder = TestCheckpoints.folder(dir).tensor("a", DType.F32, List.of(2L), 1, 2).write();

    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      TensorInfo a = checkpoint.find("a").orElseThrow();
      assertThatThrownBy(() -> checkpoint.read(a, 1, 2, new float[2]))
          .isInstanceOf(IndexOutOfBoundsException.class)
          .hasMessage("tensor 'a': 2 from 1 on of 2");
      assertThatThrownBy(() -> checkpoint.read(a, 0, 2, new float[1]))
          .hasMessage("tensor 'a': 2 elements do not fit an array of 1");
      assertThatThrownBy(() -> checkpoint.readBytes(a, -1, ByteBuffer.allocate(1)))
          .hasMessage("tensor 'a': 1 from -1 on of 8");
    }
  }
}
