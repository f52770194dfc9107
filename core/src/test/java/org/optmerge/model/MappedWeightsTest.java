package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.DType;
import org.optmerge.model.vision.QwenPreprocessing;
import org.optmerge.model.vision.QwenPreprocessing.Grid;

/** Models whose weights stay in their files answer as those that have a copy of them. */
class MappedWeightsTest {
  private static final String WEIGHTS = "model.safetensors";
  private static final String EMBEDDING = "model.embed_tokens.weight";

  @TempDir Path dir;

  enum Family {
    INTERNVL,
    QWEN,
    OMNI;

    DecoderModel<?> open(Path folder, Precision precision) {
      return switch (this) {
        case INTERNVL -> InternVL.open(folder, precision);
        case QWEN -> QwenVL.open(folder, precision);
        case OMNI -> OmniModel.open(folder, precision);
      };
    }

    String embedding() {
      return (this == QWEN ? "" : "language_model.") + EMBEDDING;
    }
  }

  private Path folder(Family family, DType dtype) throws IOException {
    Path folder = dir.resolve("model");
    switch (family) {
      case INTERNVL -> {
        try (InternVL model = Models.small(1)) {
          model.save(folder, dtype);
        }
      }
      case OMNI -> {
        try (OmniModel model = Models.omni(1)) {
          model.save(folder, dtype);
        }
      }
      default -> {
        try (QwenVL model = QwenVL.open(Models.qwen(dir.resolve("source")))) {
          model.save(folder, dtype);
        }
      }
    }
    return folder;
  }

  /** Scores of text, with a picture before it where the family's features are simple to give. */
  private static float[] scores(DecoderModel<?> model) {
    try (NDManager step = model.manager().newSubManager()) {
      float[] seen = new float[0];
      if (model instanceof QwenVL qwen) {
        Grid grid = new Grid(1, 4, 8);
        Shape shape = new Shape(grid.patches(), QwenPreprocessing.PATCH_VALUES);
        float[] pixels = TestCheckpoints.gaussians(shape.size(), 3, 1);
        seen = qwen.visualFeatures(step, step.create(pixels, shape), List.of(grid)).toFloatArray();
      } else if (model instanceof InternVL internVL) {
        // Twice as wide as the model's own pictures, so that positions are interpolated.
        Shape shape = new Shape(1, 3, 12, 24);
        float[] pixels = TestCheckpoints.gaussians(shape.size(), 3, 1);
        seen =
            internVL
                .connect(step, internVL.visualFeatures(step, step.create(pixels, shape)))
                .toFloatArray();
      }
      float[] scores =
          model
              .logits(
                  step,
                  step.create(new long[] {14, 15, 16, 17, 18, 19}, new Shape(2, 3)),
                  step.create(new long[] {1, 1, 1, 1, 1, 1}, new Shape(2, 3)),
                  null)
              .toFloatArray();
      float[] both = Arrays.copyOf(scores, scores.length + seen.length);
      System.arraycopy(seen, 0, both, scores.length, seen.length);
      return both;
    }
  }

  private static long[][] generated(DecoderModel<?> model) {
    try (NDManager step = model.manager().newSubManager()) {
      return model.generate(
          step.create(new long[] {0, 15, 16, 17, 18, 19}, new Shape(2, 3)),
          step.create(new long[] {0, 1, 1, 1, 1, 1}, new Shape(2, 3)),
          null,
          new GreedyDecoding(6, -1, 0));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "INTERNVL, BF16",
    "INTERNVL, F16",
    "INTERNVL, F32",
    "QWEN, BF16",
    "QWEN, F16",
    "QWEN, F32",
    "OMNI, BF16",
    "OMNI, F16",
    "OMNI, F32"
  })
  void weights_in_the_file_count_as_those_in_memory(Family family, DType dtype) throws IOException {
    Path folder = folder(family, dtype);
    try (DecoderModel<?> widened = family.open(folder, Precision.FLOAT32);
        DecoderModel<?> mapped = family.open(folder, Precision.FLOAT32_MAPPED);
        DecoderModel<?> rounded = family.open(folder, Precision.BFLOAT16)) {
      float[] expected = scores(widened);
      double largest = 0;
      for (float score : expected) {
        largest = Math.max(largest, Math.abs(score));
      }

      assertThat(scores(mapped)).containsExactly(expected, within(1e-5f));
      // Eight bits of mantissa, some layers deep: at most 1.2 % were seen.
      assertThat(scores(rounded)).containsExactly(expected, within((float) (0.03 * largest)));
      assertThat(scores(rounded)).isNotEqualTo(expected);
      assertThat(generated(mapped)).isDeepEqualTo(generated(widened));
      assertThat(generated(rounded)).hasDimensions(2, 6);
      assertThat(mapped.values(family.embedding())).isEqualTo(widened.values(family.embedding()));
      assertThat(mapped.names()).isEqualTo(widened.parameters().keySet());
    }
  }

  private static LoraSettings lora() {
    return new LoraSettings(2, 4, Pattern.compile(LoraSettings.LANGUAGE_MODEL), 1);
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"BFLOAT16", "FLOAT32_MAPPED"})
  void weights_that_are_no_arrays_are_refused_as_such(Precision precision) throws IOException {
    try (DecoderModel<?> model =
        Family.INTERNVL.open(folder(Family.INTERNVL, DType.BF16), precision)) {
      assertThat(model.precision()).isEqualTo(precision);
      assertThatThrownBy(model::parameters)
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("arrays in precision float32 only")
          .hasMessageContaining("this model is in " + precision.key());
      assertThatThrownBy(() -> model.addLora(lora()))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("adapters are trained in float32");
      assertThatThrownBy(() -> model.values("none"))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("no parameter 'none'");
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"FLOAT32", "BFLOAT16", "FLOAT32_MAPPED", "INT8"})
  void weights_are_put_in_place_and_back(Precision precision) throws IOException {
    Path folder = folder(Family.QWEN, DType.BF16);
    try (DecoderModel<?> model = Family.QWEN.open(folder, precision)) {
      float[] before = model.values(EMBEDDING);
      float[] scores = scores(model);
      float[] other = before.clone();
      for (int i = 0; i < other.length; i++) {
        other[i] = 0.5f + i % 4;
      }
      MultimodalModel.Kept kept = model.keep(List.of(EMBEDDING));
      model.load(EMBEDDING, other);
      model.load(EMBEDDING, other);

      assertThat(model.values(EMBEDDING)).isEqualTo(other);
      assertThat(scores(model)).isNotEqualTo(scores);
      kept.close();
      assertThat(model.values(EMBEDDING)).isEqualTo(before);
      assertThat(scores(model)).isEqualTo(scores);
    }
  }

  @ParameterizedTest
  @EnumSource
  void matrices_of_eight_bits_are_near_those_stored(Family family) throws IOException {
    Path folder = folder(family, DType.BF16);
    String matrix = family.embedding().replace("embed_tokens", "layers.0.mlp.up_proj");
    try (DecoderModel<?> exact = family.open(folder, Precision.FLOAT32);
        DecoderModel<?> rounded = family.open(folder, Precision.INT8)) {
      float[] expected = scores(exact);
      double largest = 0;
      for (float score : expected) {
        largest = Math.max(largest, Math.abs(score));
      }
      // At most 2 % were seen.
      assertThat(scores(rounded)).containsExactly(expected, within((float) (0.05 * largest)));
      assertThat(generated(rounded)).hasDimensions(2, 6);
      assertThat(rounded.values(family.embedding())).isEqualTo(exact.values(family.embedding()));
      assertEightBits(exact.values(matrix), rounded.values(matrix), 20);
      // What is loaded is rounded too.
      float[] other = TestCheckpoints.gaussians(exact.values(matrix).length, 5, 1);
      MultimodalModel.Kept kept = rounded.keep(List.of(matrix));
      float[] before = rounded.values(matrix);
      rounded.load(matrix, other);
      assertEightBits(other, rounded.values(matrix), 20);
      kept.close();
      assertThat(rounded.values(matrix)).isEqualTo(before);
    }
  }

  /** No value is farther away than half a step of its row. */
  private static void assertEightBits(float[] expected, float[] actual, int rows) {
    int columns = expected.length / rows;
    for (int row = 0; row < rows; row++) {
      float largest = 0;
      for (int i = row * columns; i < (row + 1) * columns; i++) {
        largest = Math.max(largest, Math.abs(expected[i]));
      }
      for (int i = row * columns; i < (row + 1) * columns; i++) {
        // The scale and a loaded value are rounded to bfloat16 as well.
        assertThat(actual[i]).isCloseTo(expected[i], within(largest * (0.5f / 127 + 1f / 128)));
      }
    }
  }

  @Test
  void an_adapter_is_applied_and_rounded() throws IOException {
    Path folder = folder(Family.QWEN, DType.BF16);
    String weight = "model.layers.0.mlp.up_proj";
    Path adapter =
        TestCheckpoints.adapter(dir.resolve("adapter"), 2, 4)
            .config(Models.LORA_CONFIG.formatted(""))
            .random("base_model.model." + weight + ".lora_A.weight", DType.F32, List.of(2L, 16L), 1)
            .random("base_model.model." + weight + ".lora_B.weight", DType.F32, List.of(20L, 2L), 2)
            .write();
    try (DecoderModel<?> exact = Family.QWEN.open(folder, Precision.FLOAT32);
        DecoderModel<?> rounded = Family.QWEN.open(folder, Precision.BFLOAT16)) {
      exact.apply(adapter);
      rounded.apply(adapter);

      float[] expected = exact.values(weight + ".weight");
      float[] actual = rounded.values(weight + ".weight");
      for (int i = 0; i < expected.length; i++) {
        assertThat(actual[i]).isCloseTo(expected[i], within(Math.abs(expected[i]) / 256));
      }
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void a_closed_model_lets_go_of_its_file() throws IOException {
    Path folder = folder(Family.QWEN, DType.BF16);
    Path maps = Path.of("/proc/self/maps");
    String file = folder.toRealPath().resolve(WEIGHTS).toString();
    try (DecoderModel<?> model = Family.QWEN.open(folder, Precision.BFLOAT16)) {
      scores(model);
      assertThat(Files.readString(maps)).contains(file);
    }
    assertThat(Files.readString(maps)).doesNotContain(file);
    try (DecoderModel<?> model = Family.QWEN.open(folder, Precision.FLOAT32)) {
      scores(model);
      assertThat(Files.readString(maps)).doesNotContain(file);
    }
  }

  @Test
  void a_file_that_another_takes_the_place_of_stays_in_use() throws IOException {
    Path folder = folder(Family.QWEN, DType.BF16);
    Path file = folder.resolve(WEIGHTS);
    try (DecoderModel<?> model = Family.QWEN.open(folder, Precision.BFLOAT16)) {
      float[] before = scores(model);
      Path other = Files.write(dir.resolve("other"), new byte[(int) Files.size(file)]);
      Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);

      assertThat(scores(model)).isEqualTo(before);
      Files.delete(file);
      assertThat(scores(model)).isEqualTo(before);
    }
  }

  @Test
  void a_file_that_is_written_to_is_refused() throws IOException {
    Path folder = folder(Family.QWEN, DType.BF16);
    Path file = folder.resolve(WEIGHTS);
    try (DecoderModel<?> model = Family.QWEN.open(folder, Precision.BFLOAT16)) {
      scores(model);
      Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000_000_000L));

      assertThatThrownBy(() -> scores(model))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining(file.toString())
          .hasMessageContaining("was changed while a model has its weights in it");
    }
  }

  @Test
  void a_file_that_is_cut_short_is_named() throws IOException {
    Path folder = folder(Family.QWEN, DType.BF16);
    Path file = folder.resolve(WEIGHTS);
    byte[] all = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(all, all.length - 2));

    assertThatThrownBy(() -> Family.QWEN.open(folder, Precision.BFLOAT16))
        .hasMessageContaining(WEIGHTS);
  }

  @Test
  void tensors_at_odd_bytes_are_read_but_not_mapped() throws IOException {
    Path folder = folder(Family.QWEN, DType.BF16);
    float[] expected;
    try (DecoderModel<?> model = Family.QWEN.open(folder, Precision.FLOAT32)) {
      expected = scores(model);
    }
    shift(folder.resolve(WEIGHTS));

    try (DecoderModel<?> model = Family.QWEN.open(folder, Precision.FLOAT32)) {
      assertThat(scores(model)).isEqualTo(expected);
    }
    assertThatThrownBy(() -> Family.QWEN.open(folder, Precision.BFLOAT16))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("cannot be mapped, as precision bfloat16 does")
        .hasMessageContaining("tensor '")
        .hasMessageContaining("use float32");
  }

  /** Makes the header of a file a byte longer. */
  private static void shift(Path file) throws IOException {
    byte[] all = Files.readAllBytes(file);
    ByteBuffer bytes = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
    int header = Math.toIntExact(bytes.getLong(0));
    byte[] shifted = new byte[all.length + 1];
    System.arraycopy(all, 0, shifted, 0, 8 + header);
    shifted[8 + header] = ' ';
    System.arraycopy(all, 8 + header, shifted, 9 + header, all.length - 8 - header);
    ByteBuffer.wrap(shifted).order(ByteOrder.LITTLE_ENDIAN).putLong(0, header + 1);
    Files.write(file, shifted);
  }
}
