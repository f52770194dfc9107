package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
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
}
