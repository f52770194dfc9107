package org.optmerge.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.analysis.TaskVectorSpectra.Matrix;
import org.optmerge.analysis.TaskVectorSpectra.Total;
import org.optmerge.analysis.TaskVectorStatistics.Omission;
import org.optmerge.base.Progress;
import org.optmerge.merge.TinyCheckpoint;

class TaskVectorSpectraTest {
  @TempDir private Path folder;
  private Path base;
  private Map<String, Path> experts;
  private Path merged;

  /**
   * In the first matrix τ_a = (2 0; 0 0), τ_b = (0 0; 0 4), τ_m = (2 0; 0 2); in the second τ_a =
   * (3 0; 0 3), τ_b = τ_m = 0.
   */
  @BeforeEach
  void writeModels() throws IOException {
    base = write("base", new float[] {1, 1, 1, 1}, new float[4]);
    experts = new LinkedHashMap<>();
    experts.put("a", write("a", new float[] {3, 1, 1, 1}, new float[] {3, 0, 0, 3}));
    experts.put("b", write("b", new float[] {1, 1, 1, 5}, new float[4]));
    merged = write("merged", new float[] {3, 1, 1, 3}, new float[4]);
  }

  private Path write(String name, float[] first, float[] second) throws IOException {
    return new TinyCheckpoint()
        .f32("layers.0.w", List.of(2, 2), first)
        .f32("layers.1.w", List.of(2, 2), second)
        .f32("norm", List.of(2), 1, name.length())
        .writeTo(folder.resolve(name), "{}");
  }

  private TaskVectorSpectra spectra(@Nullable Path merge) {
    return TaskVectorSpectra.of(base, experts, merge, name -> true, Progress.NONE);
  }

  @Test
  void means_are_over_the_matrices_that_an_expert_changed() {
    TaskVectorSpectra spectra = spectra(null);

    assertThat(spectra.matrices().stream().map(Matrix::name))
        .containsExactly("layers.0.w", "layers.1.w");
    // one direction, then two equal ones: (1 + 2)/2, of 2 possible; b changed the first only
    assertThat(spectra.effectiveRank(0)).isEqualTo(1.5, within(1e-12));
    assertThat(spectra.effectiveRankShare(0)).isEqualTo(0.75, within(1e-12));
    assertThat(spectra.effectiveRank(1)).isEqualTo(1, within(1e-12));
    // rows (1, 0) and (0, 1)
    assertThat(spectra.overlap(0, 1)).isZero();
    assertThat(spectra.overlap(0, 0)).isEqualTo(1, within(1e-12));
    assertThat(spectra.total()).isEmpty();
    assertThat(spectra.omissions()).isEmpty();
  }

  @Test
  void a_merge_stands_beside_the_mean_and_the_sum() {
    TaskVectorSpectra spectra = spectra(merged);

    // first: (τ_m − τ_a)τ_aᵀ = 0; (τ_m − τ_b)τ_bᵀ = (0 0; 0 −8), 64/16 = 4
    // mean (1 0; 0 2): (−2)²/4 = 1 and (−8)²/16 = 4; sum: 0. ‖τ_m − mean‖² = 1, ‖mean‖² = 5
    TaskVectorSpectra.Comparison first = spectra.matrices().get(0).merge().orElseThrow();
    assertThat(first.merged().interference()).containsExactly(0.0, 4.0);
    assertThat(first.mean().interference()).containsExactly(1.0, 4.0);
    assertThat(first.sum().interference()).containsExactly(0.0, 0.0);
    assertThat(first.distance()).isEqualTo(1, within(1e-12));
    // second: 2 · 9²/18 = 9; mean (1.5 0; 0 1.5): 2 · 4.5²/18 = 2.25, ‖τ_m − mean‖² = ‖mean‖² = 4.5
    Total total = spectra.total().orElseThrow();
    assertThat(total.interference()).isEqualTo(13, within(1e-12));
    assertThat(total.interferenceOfMean()).isEqualTo(7.25, within(1e-12));
    assertThat(total.interferenceOfSum()).isZero();
    assertThat(total.distanceFromMean()).isEqualTo(Math.sqrt(5.5 / 9.5), within(1e-12));
  }

  @Test
  void an_adapter_stays_factors_and_gives_the_same() throws IOException {
    // 2/1 · B A = 2 · (1; 0)(1, 0) = (2 0; 0 0)
    Path adapter = folder.resolve("adapter");
    new TinyCheckpoint()
        .f32("base_model.model.layers.0.lora_A.weight", List.of(1, 2), 1, 0)
        .f32("base_model.model.layers.0.lora_B.weight", List.of(2, 1), 1, 0)
        .writeFile(adapter.resolve("adapter_model.safetensors"));
    Files.writeString(
        adapter.resolve("adapter_config.json"),
        "{\"peft_type\": \"LORA\", \"r\": 1, \"lora_alpha\": 2, \"target_modules\": [\"0\"]}");
    Path origin = linear("origin", 1, 1, 1, 1);
    Path other = linear("other", 1, 1, 1, 5);
    Path merge = linear("merge", 3, 1, 1, 3);

    Map<String, Path> models = new LinkedHashMap<>();
    models.put("a", adapter);
    models.put("b", other);
    TaskVectorSpectra spectra =
        TaskVectorSpectra.of(origin, models, merge, name -> true, Progress.NONE);

    assertThat(spectra.effectiveRank(0)).isEqualTo(1, within(1e-12));
    assertThat(spectra.total().orElseThrow().interference()).isEqualTo(4, within(1e-12));
    assertThat(spectra.total().orElseThrow().interferenceOfMean()).isEqualTo(5, within(1e-12));
  }

  private Path linear(String name, float... weight) throws IOException {
    return new TinyCheckpoint()
        .f32("layers.0.weight", List.of(2, 2), weight)
        .writeTo(folder.resolve(name), "{}");
  }

  @Test
  void what_cannot_be_decomposed_is_said_and_what_nobody_changed_left_out() throws IOException {
    experts.put("b", write("odd", new float[] {1, 1, 1, Float.NaN}, new float[4]));
    Path small = linear("small", 1, 1, 1, 1);

    TaskVectorSpectra spectra = spectra(small);

    assertThat(spectra.omissions())
        .containsExactly(
            new Omission("b", "layers.0.w", "NaN or infinite in it or in the base"),
            new Omission("merged", "layers.1.w", "missing"));
    assertThat(spectra.matrices()).hasSize(1);
    assertThat(spectra.total()).isEmpty();
    assertThat(
            TaskVectorSpectra.of(base, Map.of("same", base), null, name -> true, Progress.NONE)
                .matrices())
        .isEmpty();
  }

  @Test
  void only_selected_matrices_are_decomposed_until_interrupted() {
    assertThat(
            TaskVectorSpectra.of(base, experts, null, name -> name.endsWith("1.w"), Progress.NONE)
                .matrices())
        .hasSize(1);

    Progress interrupting =
        new Progress() {
          @Override
          public void finishedPart(String name) {
            Thread.currentThread().interrupt();
          }
        };
    assertThatThrownBy(() -> TaskVectorSpectra.of(base, experts, null, name -> true, interrupting))
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();

    Thread.currentThread().interrupt(); // before anything is read
    assertThatThrownBy(() -> spectra(null)).isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
  }
}
