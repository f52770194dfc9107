package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.merge.TinyCheckpoint;

class DiffCommandTest {
  @TempDir private Path folder;
  private Path base;
  private Path vqa;
  private Path chart;

  @BeforeEach
  void writeModels() throws IOException {
    // norms of the base 4 and 3, 5 in all; τ of vqa (4, 0 | 3), of chart (0, 0 | -6)
    base = write("base", new float[] {4, 0}, 3);
    vqa = write("vqa", new float[] {8, 0}, 6);
    chart = write("chart", new float[] {4, 0}, -3);
  }

  private Path write(String name, float[] first, float second) throws IOException {
    return new TinyCheckpoint()
        .f32("layers.0.w", List.of(1, 2), first)
        .f32("layers.1.w", List.of(1), second)
        .writeTo(folder.resolve(name), "{}");
  }

  @Test
  void prints_norms_cosines_and_conflicts() {
    CommandRun run = CommandRun.of("diff", base, vqa, chart, "--layers");

    // cosine: (0 - 18) / (5 * 6) = -0.6; the one entry that both changed is contested
    assertThat(run.code()).isZero();
    assertThat(run.err()).isEmpty();
    assertThat(run.out().lines())
        .contains(
            "expert    norm  of base  unchanged  tensors changed  largest  at",
            "vqa     5.0000  100.0 %     33.3 %           2 of 2   4.0000  layers.0.w[0, 0]",
            "chart   6.0000  120.0 %     66.7 %           1 of 2   6.0000  layers.1.w[0]",
            "vqa      1.0000  -0.6000",
            "sign conflict: 100.0 % of the entries that two or more experts changed",
            "layers.0       4.0000  0.0000",
            "layers.1       3.0000  6.0000",
            "layers.1.w           100.0 %  200.0 %        100.0 %",
            "layers.0.w           100.0 %    0.0 %              -");
  }

  @Test
  void prints_json() {
    JsonNode json = CommandRun.of("diff", base, vqa, chart, "--json").json();

    assertThat(json.path("experts").toString()).isEqualTo("[\"vqa\",\"chart\"]");
    JsonNode total = json.path("total");
    assertThat(total.path("experts").path(0).path("norm").asDouble()).isEqualTo(5);
    assertThat(total.path("experts").path(1).path("changed_tensors").asInt()).isEqualTo(1);
    assertThat(total.path("cosines").path(0).path(1).asDouble()).isEqualTo(-0.6);
    assertThat(total.path("sign_conflict").asDouble()).isEqualTo(1);
    JsonNode first = json.path("tensors").path(0);
    assertThat(first.path("experts").path(0).path("largest_at").toString())
        .isEqualTo("{\"tensor\":\"layers.0.w\",\"position\":[0,0]}");
    assertThat(first.path("experts").path(1).path("largest_at").isNull()).isTrue();
    assertThat(first.path("cosines").path(0).path(1).isNull()).isTrue(); // chart changed nothing
    assertThat(json.path("norms_by_layer").path("layers.1").toString()).isEqualTo("[3.0,6.0]");
  }

  @Test
  void one_expert_has_nobody_to_agree_with() {
    CommandRun run = CommandRun.of("diff", base, vqa, "--top", 0);

    assertThat(run.code()).isZero();
    assertThat(run.out()).doesNotContain("cosine", "sign conflict").hasLineCount(2);
  }

  @Test
  void compares_selected_tensors_only() {
    CommandRun run =
        CommandRun.of("diff", base, vqa, "--json", "--include", "layers\\..*", "--exclude", ".*1");

    assertThat(run.json().path("tensors")).hasSize(1);
    assertThat(run.json().path("total").path("experts").path(0).path("norm").asDouble())
        .isEqualTo(4);
  }

  @Test
  void compares_what_a_preset_merges() throws IOException {
    Path model =
        new TinyCheckpoint()
            .f32("vision_model.x", List.of(1), 1)
            .f32("mlp1.x", List.of(1), 1)
            .writeTo(folder.resolve("vlm"), "{}");

    JsonNode tensors =
        CommandRun.of("diff", model, model, "--json", "--preset", "internvl2.5")
            .json()
            .path("tensors");
    assertThat(tensors).hasSize(1);
    assertThat(tensors.at("/0/name").asText()).isEqualTo("mlp1.x");

    CommandRun misspelt = CommandRun.of("diff", model, model, "--preset", "internvl2");
    assertThat(misspelt.code()).isEqualTo(2);
    assertThat(misspelt.err()).contains("no preset 'internvl2'; did you mean 'internvl2.5'?");
  }

  @Test
  void an_expert_may_be_an_adapter() throws IOException {
    Path adapter = folder.resolve("adapter");
    // τ = 2/1 · B A = 2 · (3) (1, -2) = (6, -12)
    new TinyCheckpoint()
        .f32("base_model.model.layers.0.lora_A.weight", List.of(1, 2), 1, -2)
        .f32("base_model.model.layers.0.lora_B.weight", List.of(1, 1), 3)
        .writeFile(adapter.resolve("adapter_model.safetensors"));
    Files.writeString(
        adapter.resolve("adapter_config.json"),
        "{\"peft_type\": \"LORA\", \"r\": 1, \"lora_alpha\": 2, \"target_modules\": [\"0\"]}");
    Path linear =
        new TinyCheckpoint()
            .f32("layers.0.weight", List.of(1, 2), 1, 1)
            .f32("norm", List.of(1), 7)
            .writeTo(folder.resolve("linear"), "{}");

    JsonNode json = CommandRun.of("diff", linear, adapter, "--json").json();

    JsonNode expert = json.at("/total/experts/0");
    assertThat(expert.path("norm").asDouble()).isEqualTo(Math.sqrt(180), within(1e-12));
    assertThat(expert.path("largest").asDouble()).isEqualTo(12);
    assertThat(expert.path("changed_tensors").asInt()).isEqualTo(1);
    assertThat(json.path("not_compared")).isEmpty();

    CommandRun other = CommandRun.of("diff", base, adapter);
    assertThat(other.code()).isEqualTo(1);
    assertThat(other.err()).startsWith("optmerge: ").contains("layers.0.weight").hasLineCount(1);
  }

  @Test
  void draws_the_statistics() throws IOException {
    Path plots = folder.resolve("plots/of/models");

    CommandRun run = CommandRun.of("diff", base, vqa, chart, "--plots", plots, "--json");

    assertThat(run.code()).isZero();
    assertThat(run.json().path("plots")).hasSize(6);
    for (String name : List.of("magnitudes", "norm-per-layer", "cosines")) {
      assertThat(ImageIO.read(plots.resolve(name + ".png").toFile()).getWidth()).isPositive();
      assertThat(plots.resolve(name + ".svg")).content().contains("<svg");
    }
  }

  @Test
  void a_folder_that_cannot_be_written_is_known_before_the_work() {
    CommandRun run = CommandRun.of("diff", base, vqa, "--plots", base.resolve("config.json"));

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).startsWith("optmerge: ").contains("config.json").hasLineCount(1);
  }

  @Test
  void an_unchanged_model_has_no_distribution_to_draw() {
    CommandRun run = CommandRun.of("diff", base, base, "--plots", folder.resolve("plots"));

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("norm-per-layer.png").doesNotContain("magnitudes.png");
  }

  @Test
  void notes_what_was_not_compared_and_what_is_not_finite() throws IOException {
    Path odd =
        new TinyCheckpoint()
            .f32("layers.0.w", List.of(1, 2), 4, Float.NaN)
            .f32("extra", List.of(1), 1)
            .writeTo(folder.resolve("odd"), "{}");

    CommandRun run = CommandRun.of("diff", base, odd);

    assertThat(run.code()).isZero();
    assertThat(run.err().lines())
        .containsExactly(
            "note: odd: 1 tensor not compared, missing: layers.1.w",
            "note: odd: 1 tensor not compared, not in base: extra",
            "warning: odd: 1 entry is NaN or infinite in it or in the base, the first at"
                + " layers.0.w[0, 1]; they are left out above");
    assertThat(CommandRun.of("diff", base, odd, "--quiet").err())
        .startsWith("warning: ")
        .hasLineCount(1);
    assertThat(CommandRun.of("diff", base, odd, "--json").events())
        .allMatch(event -> event.has("event"))
        .anyMatch(event -> event.path("message").asText().contains("layers.0.w[0, 1]"));
  }

  /** As worked out by hand in {@code TaskVectorSpectraTest}. */
  @Test
  void spectra_show_ranks_overlaps_and_interference() throws IOException {
    Path origin = matrices("origin", new float[4], new float[4]);
    Path a = matrices("a", new float[] {2, 0, 0, 0}, new float[] {3, 0, 0, 3});
    Path b = matrices("b", new float[] {0, 0, 0, 4}, new float[4]);
    Path merged = matrices("merged", new float[] {2, 0, 0, 2}, new float[4]);

    CommandRun run = CommandRun.of("diff", origin, a, b, "--spectra", "--merged", merged);

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out().lines())
        .contains(
            "mean over 2 matrices  effective rank  of the largest",
            "a                             1.5000          75.0 %",
            "b                             1.0000          50.0 %",
            "a                 1.0000  0.0000",
            "merged                               13.00              76.1 %",
            "mean                                7.2500",
            "sum                                 0.0000")
        .containsSubsequence(
            "layers.1.w      2.0000  0.0000           0.0000        9.0000       2.2500"
                + "      0.0000    100.0 %",
            "layers.0.w      1.0000  1.0000           0.0000        4.0000       5.0000"
                + "      0.0000     44.7 %");

    JsonNode spectra =
        CommandRun.of("diff", origin, a, b, "--spectra", "--merged", merged, "--json")
            .json()
            .path("spectra");
    assertThat(spectra.at("/total/effective_ranks/0").asDouble()).isEqualTo(1.5, within(1e-9));
    assertThat(spectra.at("/total/overlaps/0/1").asDouble()).isZero();
    assertThat(spectra.at("/total/interference").asDouble()).isEqualTo(13, within(1e-9));
    assertThat(spectra.at("/tensors/0/merged/interference/1").asDouble())
        .isEqualTo(4, within(1e-9));
    assertThat(spectra.at("/tensors/0/mean/total_interference").asDouble())
        .isEqualTo(5, within(1e-9));
  }

  private Path matrices(String name, float[] first, float[] second) throws IOException {
    return new TinyCheckpoint()
        .f32("layers.0.w", List.of(2, 2), first)
        .f32("layers.1.w", List.of(2, 2), second)
        .f32("norm", List.of(2), 1, 1)
        .writeTo(folder.resolve(name), "{}");
  }

  @Test
  void spectra_need_no_merge_and_are_taken_only_when_asked_for() {
    CommandRun run = CommandRun.of("diff", base, vqa, chart, "--spectra");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).contains("mean over 1 matrix ").doesNotContain("interference");
    assertThat(CommandRun.of("diff", base, vqa, "--json").json().has("spectra")).isFalse();
    CommandRun alone = CommandRun.of("diff", base, vqa, "--merged", chart);
    assertThat(alone.code()).isEqualTo(2);
    assertThat(alone.err()).startsWith("optmerge: --merged is for --spectra; give both");
  }

  @Test
  void an_expert_is_required() {
    CommandRun run = CommandRun.of("diff", base);

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).startsWith("optmerge: missing required parameter: 'EXPERT'");
  }

  @Test
  void experts_of_the_same_name_are_told_apart() {
    assertThat(DiffCommand.names(List.of(Path.of("a/x"), Path.of("b/y"))))
        .containsExactly("x", "y");
    assertThat(DiffCommand.names(List.of(Path.of("a/x"), Path.of("b/x"))))
        .containsExactly("a/x", "b/x");
    assertThat(DiffCommand.names(List.of(Path.of("a/x"), Path.of("a/x"))))
        .containsExactly("a/x #1", "a/x #2");
  }
}
