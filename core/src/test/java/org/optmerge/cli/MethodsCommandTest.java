package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;
import org.optmerge.method.MergeMethods;
import org.optmerge.report.Project;

class MethodsCommandTest {
  @Test
  void lists_every_method() {
    CommandRun run = CommandRun.of("methods");

    assertThat(run.code()).isZero();
    assertThat(run.out().lines()).hasSize(1 + MergeMethods.ALL.size());
    assertThat(run.out()).contains(MergeMethods.names());
  }

  @Test
  void shows_the_parameters_of_one() {
    CommandRun run = CommandRun.of("methods", "ties_tensor"); // - and _ are the same here

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .startsWith("ties-tensor: ")
        .contains("Yadav et al., TIES-Merging, NeurIPS 2023, https://arxiv.org/abs/2306.01708")
        .containsPattern("base_model +required: task vectors are taken from it")
        .containsPattern("scaling +0\\.3 unless given")
        .containsPattern("mask_rate +0\\.8 +a number +share of the entries to drop")
        .containsPattern("merge_function +mean +one of \\[mean, sum, max]");
  }

  @Test
  void shows_what_tells_a_method_from_another_of_nearly_its_name() {
    assertThat(CommandRun.of("methods", "mergekit:dare_ties").out())
        .startsWith("dare_ties: ")
        .containsPattern("full name +mergekit:dare_ties")
        .containsPattern("formula +Δ = ")
        .containsPattern("when to use +as dare_linear")
        .containsPattern("not obeyed: order +what is dropped depends on an expert's position")
        .containsPattern("not to be confused with +official:dare-ties of the paper's code");
  }

  /** If not: {@code optmerge methods --markdown > core/METHODS.md}. */
  @Test
  void the_table_of_methods_is_current() throws IOException {
    assertThat(CommandRun.of("methods", "--markdown").out())
        .isEqualTo(Files.readString(Project.file("core/METHODS.md")));
  }

  @Test
  void prints_json() {
    CommandRun run = CommandRun.of("methods", "--json");

    JsonNode methods = run.json().path("methods");
    assertThat(methods).hasSize(MergeMethods.ALL.size());
    JsonNode ties = CommandRun.of("methods", "ties-tensor", "--json").json().at("/methods/0");
    assertThat(ties.path("name").asText()).isEqualTo("ties-tensor");
    assertThat(ties.path("paper_url").asText()).isEqualTo("https://arxiv.org/abs/2306.01708");
    assertThat(ties.path("origin").asText()).isEqualTo("official");
    assertThat(ties.at("/parameters/0/name").asText()).isEqualTo("mask_rate");
    assertThat(ties.at("/parameters/0/default").asDouble()).isEqualTo(0.8);
    assertThat(ties.at("/parameters/1/choices/2").asText()).isEqualTo("max");
  }

  @Test
  void an_unknown_method_is_a_wrong_command_line_with_a_suggestion() {
    CommandRun run = CommandRun.of("methods", "task_aritmetic");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err())
        .startsWith("optmerge: no merge method 'task_aritmetic'; did you mean 'task_arithmetic'?")
        .hasLineCount(1);
  }
}
