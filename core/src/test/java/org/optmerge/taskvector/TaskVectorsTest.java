package org.optmerge.taskvector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.merge.TinyCheckpoint;

class TaskVectorsTest {
  @TempDir private Path folder;

  private Checkpoint model(String name, List<Integer> shape, float... values) throws IOException {
    return Checkpoint.open(
        new TinyCheckpoint().f32("w", shape, values).writeTo(folder.resolve(name), "{}"));
  }

  @Test
  void a_parameter_is_read_from_checkpoints_and_subtracted() throws IOException {
    try (NDManager manager = NDManager.newBaseManager();
        Checkpoint base = model("base", List.of(1, 2), 1, 2);
        Checkpoint one = model("one", List.of(1, 2), 2, 2);
        Checkpoint two = model("two", List.of(1, 2), 0, 5)) {
      TaskVectors tau = TaskVectors.read("w", base, List.of(one, two), manager);

      assertThat(tau.count()).isEqualTo(2);
      assertThat(tau.stack().getShape()).isEqualTo(new Shape(2, 1, 2));
      assertThat(tau.stack().toFloatArray()).containsExactly(1, 0, -1, 3);
    }
  }

  @Test
  void what_is_missing_or_of_another_shape_is_named() throws IOException {
    try (NDManager manager = NDManager.newBaseManager();
        Checkpoint base = model("base", List.of(1, 2), 1, 2);
        Checkpoint other = model("other", List.of(2, 1), 2, 2)) {
      assertThatThrownBy(() -> TaskVectors.read("v", base, List.of(other), manager))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "parameter 'v': not in %s, which has 1 others".formatted(folder.resolve("base")));
      assertThatThrownBy(() -> TaskVectors.read("w", base, List.of(other), manager))
          .hasMessage("parameter 'w': expert 1 has shape (2, 1), base has (1, 2)");
    }
  }
}
