package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.DType;

/** An adapter does the same to every model. */
class ApplyTest {
  private static final String LAYER = "model.layers.0.mlp.up_proj";

  @TempDir Path dir;

  /** A family, with the names it has for a weight of the decoder. */
  enum Family {
    INTERNVL(name -> "language_model." + name, UnaryOperator.identity()),
    OMNI(name -> "language_model." + name, UnaryOperator.identity()),
    QWEN(UnaryOperator.identity(), name -> name.replaceFirst("^model\\.", "model.language_model."));

    private final UnaryOperator<String> own;
    private final UnaryOperator<String> other;

    Family(UnaryOperator<String> own, UnaryOperator<String> other) {
      this.own = own;
      this.other = other;
    }

    MultimodalModel open(Path dir) throws IOException {
      return switch (this) {
        case INTERNVL -> Models.small(1);
        case OMNI -> Models.omni(1);
        case QWEN -> QwenVL.open(Models.qwen(dir.resolve("qwen" + System.nanoTime())));
      };
    }
  }

  private static SortedMap<String, float[]> values(MultimodalModel model) {
    SortedMap<String, float[]> values = new TreeMap<>();
    model.parameters().forEach((name, array) -> values.put(name, array.toFloatArray()));
    return values;
  }

  private static List<Long> extents(MultimodalModel model, String name) {
    NDArray array = model.parameters().get(name);
    return Parameters.extents(array.getShape());
  }

  /** Changes one weight and replaces the final norm. */
  private Path adapter(MultimodalModel model, Family family, UnaryOperator<String> names)
      throws IOException {
    List<Long> shape = extents(model, family.own.apply(LAYER + ".weight"));
    List<Long> norm = extents(model, family.own.apply("model.norm.weight"));
    return TestCheckpoints.adapter(dir.resolve("adapter"), 2, 4)
        .config(Models.LORA_CONFIG.formatted("\"norm\""))
        .random(
            "base_model.model." + names.apply(LAYER) + ".lora_A.weight",
            DType.F32,
            List.of(2L, shape.get(1)),
            1)
        .random(
            "base_model.model." + names.apply(LAYER) + ".lora_B.weight",
            DType.F32,
            List.of(shape.get(0), 2L),
            2)
        .random("base_model.model." + names.apply("model.norm.weight"), DType.F32, norm, 3)
        .write();
  }

  private void assertApplied(Family family, UnaryOperator<String> names) throws IOException {
    try (MultimodalModel model = family.open(dir)) {
      SortedMap<String, float[]> before = values(model);
      Path adapter = adapter(model, family, names);
      model.apply(adapter);

      String changed = family.own.apply(LAYER + ".weight");
      String replaced = family.own.apply("model.norm.weight");
      Path file = adapter.resolve("adapter_model.safetensors");
      String prefix = "base_model.model." + names.apply(LAYER);
      float[] a = TestCheckpoints.values(file, prefix + ".lora_A.weight");
      float[] b = TestCheckpoints.values(file, prefix + ".lora_B.weight");
      float[] expected = before.get(changed);
      int columns = a.length / 2;
      for (int i = 0; i < expected.length; i++) {
        int row = i / columns;
        int column = i % columns;
        // α/r is 2.
        expected[i] += 2 * (b[2 * row] * a[column] + b[2 * row + 1] * a[columns + column]);
      }
      SortedMap<String, float[]> after = values(model);
      assertThat(after.remove(changed)).containsExactly(expected, within(1e-5f));
      assertThat(after.remove(replaced))
          .containsExactly(
              TestCheckpoints.values(file, "base_model.model." + names.apply("model.norm.weight")));
      after.forEach((name, array) -> assertThat(array).as(name).isEqualTo(before.get(name)));
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void changes_are_added_and_whole_tensors_replaced(Family family) throws IOException {
    assertApplied(family, family.own);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void other_names_of_the_decoder_are_understood(Family family) throws IOException {
    assertApplied(family, family.other);
  }

  private void assertRefused(Family family, TestCheckpoints adapter, String... message)
      throws IOException {
    try (MultimodalModel model = family.open(dir)) {
      SortedMap<String, float[]> before = values(model);
      Path folder = adapter.write();

      assertThatThrownBy(() -> model.apply(folder))
          .isInstanceOf(ModelException.class)
          .hasMessageContainingAll(message);
      values(model).forEach((name, array) -> assertThat(array).isEqualTo(before.get(name)));
    }
  }

  private TestCheckpoints onlyLora(Family family) throws IOException {
    try (MultimodalModel model = family.open(dir)) {
      List<Long> shape = extents(model, family.own.apply(LAYER + ".weight"));
      return TestCheckpoints.adapter(dir.resolve("adapter"), 2, 4)
          .config(Models.LORA_CONFIG.formatted("\"norm\", \"head\""))
          .randomLora(family.own.apply(LAYER), shape.get(0), 2, shape.get(1), 1);
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void a_replacement_that_has_no_place_is_refused_before_anything_changes(Family family)
      throws IOException {
    assertRefused(
        family,
        onlyLora(family).random("base_model.model.head.weight", DType.F32, List.of(2L), 1),
        "replaces 'head.weight', which the model does not have",
        "merge it into its base first");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void a_replacement_of_another_shape_is_refused_before_anything_changes(Family family)
      throws IOException {
    String norm = family.own.apply("model.norm.weight");
    assertRefused(
        family,
        onlyLora(family).random("base_model.model." + norm, DType.F32, List.of(3L), 1),
        "replaces '" + norm + "' by a tensor of shape [3]",
        "merge the adapter into its base first");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void one_parameter_under_two_names_is_refused(Family family) throws IOException {
    String norm = "base_model.model." + family.own.apply("model.norm.weight");
    String twin =
        "base_model.model."
            + (family == Family.QWEN ? "model.language_model.norm.weight" : "model.norm.weight");
    long width;
    try (MultimodalModel model = family.open(dir)) {
      width = extents(model, family.own.apply("model.norm.weight")).get(0);
    }
    assertRefused(
        family,
        onlyLora(family)
            .random(norm, DType.F32, List.of(width), 1)
            .random(twin, DType.F32, List.of(width), 2),
        "twice, under two names");
  }
}
