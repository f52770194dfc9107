package org.optmerge.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.base.Progress;
import org.optmerge.cli.CommandRun;
import org.optmerge.evaluation.AnswerSheet;
import org.optmerge.merge.MergeOptions;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.Merger;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.recipe.RecipeParser;

/** Damage in our own small files is passed over where it can be, and else named with its cure. */
@Tag("faults")
class DamagedStateTest {
  private static final String NULS = "\u0000".repeat(4096);

  @TempDir private Path dir;
  private Path recipe;
  private Path out;
  private Path journal;

  @BeforeEach
  void write_models() {
    TinyModels models = TinyModels.in(dir);
    recipe = models.recipe(TinyModels.LINEAR);
    out = dir.resolve("out");
    journal = dir.resolve(".out.optmerge/journal.jsonl");
  }

  private Map<String, String> whole() throws IOException {
    Path whole = dir.resolve("whole");
    CommandRun run = CommandRun.of("merge", recipe, "--out", whole, "--quiet");
    assertThat(run.code()).as(run.err()).isZero();
    return TinyModels.contents(whole);
  }

  /** Ends a merge when four of its six tensors are done. */
  private void stop() {
    int[] done = new int[1];
    Progress stopping =
        new Progress() {
          @Override
          public void finishedPart(String name) {
            if (++done[0] == 4) {
              throw new IllegalStateException("killed");
            }
          }
        };
    try (MergePlan plan = Planner.plan(RecipeParser.parse(recipe))) {
      assertThatThrownBy(() -> Merger.run(plan, out, MergeOptions.DEFAULT.withThreads(1), stopping))
          .hasMessage("killed");
    }
  }

  static Stream<Arguments> damagedLines() {
    return Stream.of(
        Arguments.of("zeros of a power cut", NULS),
        Arguments.of("a blank line", ""),
        Arguments.of("a list", "[]"),
        Arguments.of("null", "null"),
        Arguments.of("a number", "1e999"),
        Arguments.of("half a line", "{\"name\":\"model.layers.0"),
        Arguments.of("no UTF-8", "\u00ff\u00fe"),
        Arguments.of(
            "blocks of 0 bytes",
            "{\"name\":\"model.layers.0.mlp.up_proj.weight\",\"checksum\":1,\"blockBytes\":0,\"norm\":1.0,\"nonFinite\":0}"),
        Arguments.of(
            "blocks of negative length",
            "{\"name\":\"model.layers.0.mlp.up_proj.weight\",\"checksum\":1,\"blockBytes\":-1,\"norm\":1.0,\"nonFinite\":0}"),
        Arguments.of("nesting", "[".repeat(100_000)),
        Arguments.of("a name of a tensor that is none", "{\"name\":null}\t0"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("damagedLines")
  void a_damaged_line_of_the_journal_is_passed_over(String what, String line) throws IOException {
    Map<String, String> whole = whole();
    stop();
    List<String> lines = new ArrayList<>(Files.readAllLines(journal));
    assertThat(lines).hasSize(5);
    lines.set(2, line);
    Files.writeString(journal, String.join("\n", lines) + "\n", StandardCharsets.ISO_8859_1);

    CommandRun run = CommandRun.of("merge", recipe, "--out", out, "--resume");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).contains("(3 of them by the earlier run)");
    assertThat(TinyModels.contents(out)).isEqualTo(whole);
  }

  @Test
  void any_bit_of_a_line_that_turned_makes_its_tensor_anew() throws IOException {
    Map<String, String> whole = whole();
    stop();
    byte[] bytes = Files.readAllBytes(journal);
    int second = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("\"norm\":");
    bytes[second + 9] ^= 1; // a digit of a number that no checksum of the weights covers
    Files.write(journal, bytes);

    CommandRun run = CommandRun.of("merge", recipe, "--out", out, "--resume");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).contains("(3 of them by the earlier run)");
    assertThat(TinyModels.contents(out)).isEqualTo(whole);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\0\0\0\0\0\0\0\0", "", "[]", "null", "{\"plan\":\"x\"}"})
  void a_journal_that_does_not_say_what_it_is_of_names_the_cure(String first) throws IOException {
    stop();
    List<String> lines = new ArrayList<>(Files.readAllLines(journal));
    lines.set(0, first);
    Files.write(journal, lines);

    CommandRun run = CommandRun.of("merge", recipe, "--out", out, "--quiet", "--resume");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("journal", "is damaged", "--force").hasLineCount(1);
    assertThat(CommandRun.of("merge", recipe, "--out", out, "--quiet", "--force").code()).isZero();
  }

  @Test
  void weights_of_an_unfinished_merge_that_are_damaged_are_made_again() throws IOException {
    Map<String, String> whole = whole();
    Path weights = dir.resolve(".out.optmerge/checkpoint/model.safetensors");
    for (String damage : List.of("header", "length", "data", "gone")) {
      stop();
      byte[] bytes = Files.readAllBytes(weights);
      switch (damage) {
        case "header" -> bytes[20] ^= 1;
        case "length" -> bytes = java.util.Arrays.copyOf(bytes, bytes.length / 2);
        default -> java.util.Arrays.fill(bytes, bytes.length - 900, bytes.length, (byte) 0);
      }
      Files.write(weights, bytes);
      if (damage.equals("gone")) {
        Files.delete(weights);
      }

      CommandRun run = CommandRun.of("merge", recipe, "--out", out, "--quiet", "--resume");

      assertThat(run.code()).as(damage + run.err()).isZero();
      assertThat(TinyModels.contents(out)).as(damage).isEqualTo(whole);
      org.optmerge.base.Trees.delete(out);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\0\0\0\0\0\0\0\0",
        "",
        "[]",
        "null",
        "{\"outputs\": 3}",
        "{\"outputs\": [{\"file\": \"a\\u0000b\", \"bytes\": 1}]}",
        "{\"outputs\": [null, {\"file\": null}, {\"file\": \"../../x\"}]}"
      })
  void a_damaged_optmerge_json_is_named_by_every_command_that_reads_it(String content)
      throws IOException {
    whole();
    Path folder = dir.resolve("whole");
    Files.writeString(folder.resolve("optmerge.json"), content);

    CommandRun verify = CommandRun.of("verify", folder, "--quiet");
    CommandRun resume = CommandRun.of("merge", recipe, "--out", folder, "--resume", "--quiet");

    assertThat(verify.code()).isEqualTo(1);
    assertThat(resume.code()).isEqualTo(1);
    for (CommandRun run : List.of(verify, resume)) {
      assertThat(run.err()).startsWith("optmerge: ").doesNotContain("Exception", "defect");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"\0\0\0\0\0\0\0\0", "", "null", "[]", "{\"a\": null}", "{\"a\": 3}", "{"})
  void rows_of_a_study_that_are_damaged_are_named_with_the_cure(String content) throws IOException {
    Path rows = Files.writeString(dir.resolve("rows.json"), content);

    assertThatThrownBy(() -> AnswerSheet.read(rows))
        .isInstanceOf(org.optmerge.base.OptMergeException.class)
        .hasMessageContaining("rows.json")
        .hasMessageContaining("delete the file to begin anew");
  }
}
