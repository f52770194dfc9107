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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.merge.Progress;
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
    assertThat(ImageIO.read(out.resolve("methods.png").toFile()).getHeight()).isEqualTo(960);
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
}
