package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class PrecisionTest {
  private static final Path MODELS = Path.of("../data-manifests/mini");

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource
  void a_precision_is_found_by_its_name(Precision precision) {
    assertThat(Precision.named(precision.key())).isEqualTo(precision);
  }

  @Test
  void an_unknown_precision_is_named_with_the_known_ones() {
    assertThatThrownBy(() -> Precision.named("bfloat"))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("precision 'bfloat' is not known; known: auto, float32, bfloat16")
        .hasMessageContaining("did you mean 'bfloat16'?");
  }

  @Test
  void the_miniature_computes_in_float32_unless_told_otherwise() {
    try (MultimodalModel model = MultimodalModel.open(MODELS.resolve("base"))) {
      assertThat(model.precision()).isEqualTo(Precision.FLOAT32);
    }
  }

  @Test
  void a_family_of_one_precision_refuses_another() throws IOException {
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"tiny\"}");

    assertThatThrownBy(() -> MultimodalModel.open(folder, Precision.BFLOAT16))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("models of the family tiny cannot be opened in bfloat16");
  }

  @ParameterizedTest
  @CsvSource({
    // Gibibytes of weights, those in bfloat16, the processor, memory.
    "0.2, 0.2, true, 64, FLOAT32",
    "2, 2, true, 64, BFLOAT16",
    "2, 1.2, true, 64, BFLOAT16",
    "2, 0.5, true, 64, FLOAT32",
    "2, 2, false, 64, FLOAT32",
    "14, 14, false, 24, FLOAT32_MAPPED",
    "14, 14, true, 24, BFLOAT16",
    "14, 0, true, 24, FLOAT32_MAPPED"
  })
  void a_precision_follows_from_weights_and_machine(
      double weights, double bfloat16, boolean multiplies, double memory, Precision expected) {
    double gibibyte = 1L << 30;

    assertThat(
            Precision.auto(
                (long) (weights * gibibyte),
                (long) (bfloat16 * gibibyte),
                (long) (weights * gibibyte / 2),
                multiplies,
                (long) (memory * gibibyte)))
        .isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "flags : fpu sse2 avx512_vnni avx512_bf16, true",
    "flags : fpu sse2 avx2, false",
    "Features : fp asimd bf16 i8mm, true",
    "Features : fp asimd, false",
    "model name : avx512_bf16, false"
  })
  void a_processor_says_what_it_multiplies(String line, boolean expected) {
    assertThat(Processor.multipliesBfloat16(List.of("processor : 0", line))).isEqualTo(expected);
  }

  @Test
  void a_machine_has_memory() {
    assertThat(Processor.memory()).isGreaterThan(Runtime.getRuntime().totalMemory());
  }
}
