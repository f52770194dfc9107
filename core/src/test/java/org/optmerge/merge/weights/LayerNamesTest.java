package org.optmerge.merge.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LayerNamesTest {
  private static LayerNames of(String... names) {
    return new LayerNames(List.of(names));
  }

  @Test
  void every_stack_has_its_own_count() {
    LayerNames layers =
        of(
            "vision_model.encoder.layers.0.norm1.weight",
            "vision_model.encoder.layers.1.norm1.weight",
            "vision_model.encoder.layers.2.norm1.weight",
            "language_model.model.layers.0.mlp.up_proj.weight",
            "language_model.model.layers.1.mlp.up_proj.weight",
            "language_model.lm_head.weight");

    assertThat(layers.counts())
        .containsEntry("vision_model.encoder.layers", 3)
        .containsEntry("language_model.model.layers", 2)
        .hasSize(2);
    assertThat(layers.fraction("vision_model.encoder.layers.1.norm1.weight")).isEqualTo(0.5);
    assertThat(layers.fraction("language_model.model.layers.1.mlp.up_proj.weight")).isEqualTo(1);
    assertThat(layers.fraction("language_model.lm_head.weight")).isZero();
  }

  @Test
  void experts_and_the_parts_of_a_projector_are_no_layers() {
    List<String> names = new ArrayList<>();
    for (int layer = 0; layer < 2; layer++) {
      for (int expert = 0; expert < 4; expert++) {
        names.add("model.layers.%d.mlp.experts.%d.up_proj.weight".formatted(layer, expert));
      }
    }
    names.addAll(List.of("mlp1.0.weight", "mlp1.1.weight", "mlp1.3.weight"));
    LayerNames layers = new LayerNames(names);

    assertThat(layers.counts()).containsOnlyKeys("model.layers").containsValue(2);
    assertThat(layers.place("model.layers.1.mlp.experts.3.up_proj.weight"))
        .contains(new LayerNames.Place("model.layers", 1, "mlp.experts.3.up_proj.weight"));
    assertThat(layers.place("mlp1.1.weight")).isEmpty();
  }

  @Test
  void layers_with_unknown_words_are_found_by_their_repetition() {
    assertThat(of("tower.stage.0.w", "tower.stage.1.w", "tower.stage.1.extra").counts())
        .containsEntry("tower.stage", 2);
    // No suffix is in both, so these are the parts of something, not its layers.
    assertThat(of("head.0.weight", "head.1.bias").counts()).isEmpty();
  }

  @Test
  void a_number_behind_one_that_is_no_layer_is_looked_at() {
    LayerNames layers = of("towers.3.blocks.0.w", "towers.3.blocks.1.w");

    assertThat(layers.counts()).containsEntry("towers.3.blocks", 2).hasSize(1);
  }

  @Test
  void an_only_layer_counts_as_the_last() {
    assertThat(of("h.0.attn.weight").fraction("h.0.attn.weight")).isEqualTo(1);
    assertThat(of("0.weight").fraction("0.weight")).isZero();
    assertThat(of("transformer.h.0.attn.weight").fraction("transformer.h.0.attn.weight"))
        .isEqualTo(1);
  }
}
