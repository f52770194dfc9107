package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.base.Progress;
import org.optmerge.merge.TinyCheckpoint;
import org.optmerge.merge.Verifier;
import org.optmerge.method.MergeMethods;
import org.optmerge.report.Project;

class QuickstartCommandTest {
  private static final Path MODELS =
      Project.file("core/src/test/resources/golden/mergekit/inputs/qwen2");

  @TempDir private Path folder;

  private CommandRun quickstart(Object... options) {
    return quickstart(MODELS, options);
  }

  private static CommandRun quickstart(Path models, Object... options) {
    List<Object> arguments = new ArrayList<>(List.of("quickstart"));
    for (String model : List.of("base", "ft1", "ft2", "ft3")) {
      arguments.add(models.resolve(model));
    }
    arguments.addAll(List.of(options));
    return CommandRun.of(arguments.toArray());
  }

  /** A base and three experts of one 4 × 3 matrix and one vector: quick for every method. */
  private Path tinyModels() throws IOException {
    Random random = new Random(11);
    for (String model : List.of("base", "ft1", "ft2", "ft3")) {
      new TinyCheckpoint()
          .f32("model.layers.0.mlp.up_proj.weight", List.of(4, 3), numbers(random, 12))
          .f32("model.norm.weight", List.of(3), numbers(random, 3))
          .writeTo(folder.resolve(model), "{}");
    }
    return folder;
  }

  private static float[] numbers(Random random, int count) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    return numbers;
  }

  @Tag("slow")
  @Test
  void every_method_merges_the_same_models_and_leaves_its_recipe() throws IOException {
    Path out = folder.resolve("out");

    CommandRun run = quickstart(tinyModels(), "--out", out, "--json", "--quiet");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.json().get("left_out")).isEmpty();
    List<String> merged = new ArrayList<>();
    for (JsonNode method : run.json().get("methods")) {
      String name = method.get("method").asText();
      merged.add(name);
      assertThat(method.get("merged").asInt() + method.get("copied").asInt()).isEqualTo(2);
      assertThat(method.get("cosines")).hasSize(3);
      assertThat(out.resolve("recipes").resolve(name + ".yaml")).isNotEmptyFile();
      assertThat(Verifier.verify(out.resolve(name), 1, Progress.NONE).problems()).isEmpty();
    }
    assertThat(merged).isEqualTo(MergeMethods.names());
    assertThat(ImageIO.read(out.resolve("methods.png").toFile()).getHeight()).isGreaterThan(900);
    assertThat(ImageIO.read(out.resolve("experts.png").toFile()).getHeight()).isEqualTo(840);
    assertThat(Files.readString(out.resolve("methods.md"))).contains("| weight-average | 3 |");
  }

  @Test
  void a_recipe_it_leaves_gives_the_same_checkpoint_again() throws IOException {
    Path out = folder.resolve("out");
    assertThat(quickstart("--out", out, "--methods", "linear").code()).isZero();

    Path again = folder.resolve("again");
    CommandRun run = CommandRun.of("merge", out.resolve("recipes/linear.yaml"), "--out", again);

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(again.resolve("model.safetensors"))
        .hasSameBinaryContentAs(out.resolve("linear/model.safetensors"));
  }

  @Test
  void it_prints_a_row_for_each_method_chosen_and_says_what_was_written() {
    Path out = folder.resolve("out");

    CommandRun run = quickstart("--out", out, "--methods", "ties-tensor,slerp");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out())
        .containsPattern("(?m)^ties-tensor +3 +39 +0\\.\\d{4} ")
        .containsPattern("(?m)^slerp +1 +39 +0\\.\\d{4} ")
        .doesNotContain("weight-average")
        .contains("Written to " + out + ":")
        .contains("methods.png");
  }

  @Test
  void a_method_that_is_not_there_is_a_wrong_request() {
    CommandRun run = quickstart("--out", folder.resolve("out"), "--methods", "tie");

    assertThat(run.code()).isEqualTo(Main.WRONG_REQUEST);
    assertThat(run.err()).contains("no merge method 'tie'");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  private CommandRun miniature(Object... options) {
    List<Object> arguments =
        new ArrayList<>(
            List.of(
                "quickstart",
                "--out",
                folder.resolve("mini"),
                "--methods",
                "weight-average",
                "--test-size",
                3,
                "--validation-size",
                3));
    arguments.addAll(List.of(options));
    return CommandRun.of(arguments.toArray());
  }

  @Tag("slow")
  @Test
  void without_models_it_merges_the_shipped_experts_and_writes_the_best_merge() throws IOException {
    Path out = folder.resolve("mini");

    CommandRun run = miniature("--json");

    assertThat(run.code()).as(run.err()).isZero();
    JsonNode rows = run.json().get("rows");
    assertThat(rows).hasSize(8);
    JsonNode average = rows.get(7);
    assertThat(average.get("label").asText()).isEqualTo("Weight Average");
    assertThat(average.get("interval").get(0).asDouble())
        .isLessThanOrEqualTo(average.get("mean").asDouble());
    JsonNode curve = average.get("validation");
    double best = curve.get(average.get("scaling").asText()).asDouble();
    curve.forEach(value -> assertThat(value.asDouble()).isLessThanOrEqualTo(best));
    assertThat(run.json().get("best").asText()).isEqualTo("Weight Average");
    assertThat(Verifier.verify(out.resolve("best"), 1, Progress.NONE).problems()).isEmpty();
    assertThat(Files.readString(out.resolve("recipes/weight-average.yaml")))
        .contains("parameters: {scaling: %s}".formatted(average.get("scaling").asText()));
    for (String figure : List.of("means", "accuracies", "scalings")) {
      assertThat(ImageIO.read(out.resolve(figure + ".png").toFile())).as(figure).isNotNull();
    }
    assertThat(Files.readString(out.resolve("table.md")))
        .contains("| Mixture training |", "λ chosen by 3 questions of each task, judged by 3");
    List<JsonNode> progress =
        run.events().stream().filter(event -> event.has("seconds_left")).toList();
    assertThat(progress).isNotEmpty().allMatch(event -> event.get("rows").asInt() == 8);

    // What is known is not computed again.
    CommandRun again = miniature();
    assertThat(again.code()).as(again.err()).isZero();
    assertThat(again.err()).isEmpty();
    assertThat(again.out())
        .contains("Best merge: Weight Average", "--validation-size 250 --test-size 1000");
  }

  @Test
  void on_the_shipped_experts_a_wrong_request_is_said_in_one_line() {
    String said = "no method 'slerp' on the shipped experts; there are weight-average, ";
    assertWrong(miniature("--methods", "slerp"), said);
    assertWrong(
        CommandRun.of("quickstart", "--test-size", 0), "--test-size must be at least 1, is 0");
    assertWrong(
        CommandRun.of("quickstart", "--validation-size", -2),
        "--validation-size must be at least 1, is -2");
    assertWrong(miniature("--models", "nowhere"), "'nowhere' is no folder of models");
    assertWrong(
        CommandRun.of("quickstart", MODELS.resolve("base")),
        "missing required parameter: 'EXPERT'");
    assertWrong(
        quickstart("--out", folder.resolve("out"), "--test-size", 5),
        "--test-size belongs to the shipped experts");
  }

  private static void assertWrong(CommandRun run, String said) {
    assertThat(run.code()).isEqualTo(Main.WRONG_REQUEST);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains(said);
  }
}
