package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.merge.TinyCheckpoint;

class InspectCommandTest {
  @TempDir private Path folder;

  @BeforeEach
  void writeModel() throws IOException {
    new TinyCheckpoint()
        .bf16("embed.weight", List.of(3, 2), 1, 2, 3, 4, 5, 6)
        .f32("layers.0.w", List.of(2), 1, 2)
        .f32("layers.1.w", List.of(2), 1, 2)
        .writeTo(folder, "{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"]}");
  }

  @Test
  void prints_what_is_in_a_folder() {
    CommandRun run = CommandRun.of("inspect", folder);

    assertThat(run.code()).isZero();
    assertThat(run.err()).isEmpty();
    assertThat(run.out().lines())
        .contains(
            "family       llama (LlamaForCausalLM)",
            "tensors      3, 10 entries, 28 B",
            "types        F32 4, BF16 6",
            "weights      model.safetensors (3 tensors, 28 B)",
            "other files  config.json",
            "embed.weight     BF16  3 x 2      1  12 B",
            "layers.{0..1}.w  F32   2          2  16 B");
  }

  @Test
  void lists_every_tensor_if_asked_for() {
    CommandRun run = CommandRun.of("inspect", folder, "--tensors");

    assertThat(run.code()).isZero();
    assertThat(run.out().lines()).contains("layers.1.w    F32   2       8 B  model.safetensors");
  }

  @Test
  void prints_json() {
    JsonNode json = CommandRun.of("inspect", folder, "--json").json();

    assertThat(json.path("model_type").asText()).isEqualTo("llama");
    assertThat(json.path("tensor_count").asInt()).isEqualTo(3);
    assertThat(json.path("parameters").asInt()).isEqualTo(10);
    assertThat(json.path("dtypes").path("BF16").asInt()).isEqualTo(6);
    assertThat(json.path("tensors").path(0).path("shape").toString()).isEqualTo("[3,2]");
    assertThat(json.path("tensors").path(2).path("name").asText()).isEqualTo("layers.1.w");
  }

  @Test
  void a_malformed_file_is_a_failure_that_names_it() throws IOException {
    Files.write(folder.resolve("model.safetensors"), new byte[5]);

    CommandRun run = CommandRun.of("inspect", folder);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).startsWith("optmerge: ").contains("model.safetensors").hasLineCount(1);
  }

  @Test
  void titles_are_bold_on_a_terminal() {
    assertThat(CommandRun.on(new Terminal(true, true, true), "inspect", folder).out())
        .contains("\u001b[1mtensor");
  }
}
