package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.model.media.ImageFiles;
import org.optmerge.model.media.Video;
import org.optmerge.model.media.VideoFiles;
import org.optmerge.standin.StandInData;
import org.optmerge.standin.StandInModels;

class AskCommandTest {
  private static final Path MODELS = Path.of("../data-manifests/mini");

  @TempDir private Path folder;

  private Path picture(String name, int width, int height) throws IOException {
    return Files.write(folder.resolve(name), ImageFiles.png(StandInData.picture(width, height, 7)));
  }

  @Test
  void an_answer_is_streamed_and_the_same_as_in_json() throws IOException {
    Path model = MODELS.resolve("instruct-mixture");
    Path picture = picture("a.png", 48, 48);
    CommandRun text =
        CommandRun.of("ask", model, "--image", picture, "how many objects are there ?");
    CommandRun json =
        CommandRun.of("ask", model, "--image", picture, "how many objects are there ?", "--json");

    assertThat(text.code()).as(text.err()).isZero();
    assertThat(text.out().strip()).isNotEmpty().isEqualTo(json.json().path("answer").asText());
    assertThat(text.out()).endsWith("\n");
    assertThat(json.json().path("precision").asText()).isEqualTo("float32");
  }

  @Test
  void several_pictures_and_a_film_are_seen_by_a_model_that_sees_them() throws IOException {
    Path model = StandInModels.qwen2Vl(folder.resolve("qwen"), StandInModels.Expert.NONE);
    Path film =
        Files.write(
            folder.resolve("film.gif"),
            VideoFiles.gif(
                new Video(List.of(StandInData.picture(56, 56, 1), StandInData.picture(56, 56, 2))),
                500));
    CommandRun run =
        CommandRun.of(
            "ask",
            model,
            "--image",
            picture("a.png", 60, 90),
            "--image",
            picture("b.png", 30, 30),
            "--video",
            film,
            "--frames",
            2,
            "--max-new-tokens",
            3,
            "--temperature",
            0.7,
            "--seed",
            5,
            "--json",
            "which ?");

    assertThat(run.code()).as(run.err()).isZero();
    JsonNode said = run.json();
    assertThat(said.path("max_new_tokens").asInt()).isEqualTo(3);
    assertThat(said.at("/sampling/temperature").asDouble()).isEqualTo(0.7);
    assertThat(said.at("/sampling/top_k").asInt()).isEqualTo(1);
    assertThat(said.at("/sampling/seed").asInt()).isEqualTo(5);
    assertThat(said.path("repetition_penalty").asDouble()).isEqualTo(1.05);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "ask;MODEL;' ';2;the question is empty",
        "ask;MODEL;--greedy --temperature 1 what;2;--greedy draws nothing",
        "ask;MODEL;--image none.png what;1;'none.png' is not there",
        "ask;MODEL;--image broken.png what;1;broken.png",
        "ask;MODEL;--audio none.wav what;1;none.wav",
        "ask;MODEL;--max-new-tokens 0 what;2;--max-new-tokens must be at least 1",
        "ask;MODEL;--precision half what;2;precision 'half' is not known",
        "ask;nowhere;what;1;nowhere"
      })
  void what_cannot_be_asked_is_refused_in_one_line(
      String command, String model, String rest, int code, String said) throws IOException {
    Files.writeString(folder.resolve("broken.png"), "no picture");
    List<Object> arguments = new java.util.ArrayList<>(List.of(command));
    arguments.add(model.replace("MODEL", MODELS.resolve("base").toString()));
    for (String word : rest.isBlank() ? List.of(rest) : List.of(rest.split(" "))) {
      arguments.add(word.equals("broken.png") ? folder.resolve(word) : word);
    }
    CommandRun run = CommandRun.of(arguments.toArray());

    assertThat(run.code()).as(run.err()).isEqualTo(code);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains(said).doesNotContain("defect");
  }
}
