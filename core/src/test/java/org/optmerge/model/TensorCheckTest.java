package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;

/** Folders whose tensors are not those that their configuration asks for. */
class TensorCheckTest {
  private static final String NORM = "language_model.model.norm.weight";
  private static final String BIAS = "mlp1.3.bias";

  @TempDir Path temporary;

  private static Arguments folder(
      String what, List<String> without, Consumer<TestCheckpoints> with, String... messages) {
    return Arguments.of(what, without, with, List.of(messages));
  }

  static Stream<Arguments> folders() {
    return Stream.of(
        folder(
            "one is missing",
            List.of(NORM),
            folder -> {},
            "1 tensors that config.json asks for are not there: '" + NORM + "'"),
        folder(
            "one is extra",
            List.of(),
            folder -> folder.random("visual.more.weight", DType.F32, List.of(2L), 1),
            "1 tensors have no place in the model that config.json describes:"
                + " 'visual.more.weight'"),
        folder(
            "one has another shape",
            List.of(NORM),
            folder -> folder.random(NORM, DType.F32, List.of(13L), 1),
            "tensor '" + NORM + "' has shape [13], config.json makes it (12)"),
        folder(
            "one is transposed",
            List.of("mlp1.1.weight"),
            folder -> folder.random("mlp1.1.weight", DType.F32, List.of(32L, 12L), 1),
            "tensor 'mlp1.1.weight' has shape [32, 12], config.json makes it (12, 32)"),
        folder(
            "one holds whole numbers",
            List.of(BIAS),
            folder -> folder.bytes(BIAS, DType.I8, List.of(12L), new byte[12]),
            "tensor 'mlp1.3.bias' is of type I8, which holds no weights"),
        folder(
            "all of it at once",
            List.of(NORM, BIAS, "mlp1.1.bias"),
            folder ->
                folder
                    .random(BIAS, DType.F32, List.of(1L, 12L), 1)
                    .random("mlp1.2.bias", DType.F32, List.of(12L), 1),
            "2 tensors that config.json asks for are not there: '" + NORM + "', 'mlp1.1.bias'",
            "1 tensors have no place in the model that config.json describes: 'mlp1.2.bias'",
            "tensor 'mlp1.3.bias' has shape [1, 12], config.json makes it (12)"),
        folder(
            "factors beside a weight do not fit it",
            List.of(),
            folder ->
                folder
                    .random(lora("A"), DType.F32, List.of(2L, 11L), 1)
                    .random(lora("B"), DType.F32, List.of(12L, 2L), 1),
            "have shapes [2, 11] and [12, 2], for a matrix (16, 12)"));
  }

  private static String lora(String factor) {
    return "language_model.base_model.model.model.layers.0.self_attn.q_proj.lora_%s.default.weight"
        .formatted(factor);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("folders")
  void is_refused_with_the_names(
      String what, List<String> without, Consumer<TestCheckpoints> with, List<String> messages)
      throws IOException {
    Path good = temporary.resolve("good");
    try (InternVL model = Models.small(1)) {
      model.save(good, DType.F32);
    }
    Path folder = temporary.resolve("changed");
    TestCheckpoints changed = TestCheckpoints.folder(folder);
    try (Checkpoint checkpoint = Checkpoint.open(good)) {
      for (TensorInfo tensor : checkpoint.tensors()) {
        if (!without.contains(tensor.name())) {
          changed.random(tensor.name(), tensor.dtype(), tensor.shape(), 1);
        }
      }
    }
    with.accept(changed);
    changed.write();
    for (String file : List.of("config.json", "tokenizer.json")) {
      Files.copy(good.resolve(file), folder.resolve(file));
    }

    assertThatThrownBy(() -> InternVL.open(folder))
        .isInstanceOf(ModelException.class)
        .satisfies(
            refusal ->
                assertThat(refusal.getMessage()).contains(folder.toString()).contains(messages));
  }
}
