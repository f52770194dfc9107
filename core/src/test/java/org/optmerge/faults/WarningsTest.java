package org.optmerge.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.DType;
import org.optmerge.cli.CommandRun;

/** What changes the result is a warning, which {@code --quiet} does not silence, or a refusal. */
@Tag("faults")
class WarningsTest {
  @TempDir private Path dir;

  private CommandRun merge(String recipe, Object... more) {
    Object[] all = new Object[5 + more.length];
    Path file = new TinyModels(dir).recipe(recipe);
    System.arraycopy(
        new Object[] {"merge", file, "--out", dir.resolve("out"), "--quiet"}, 0, all, 0, 5);
    System.arraycopy(more, 0, all, 5, more.length);
    return CommandRun.of(all);
  }

  private TestCheckpoints model(String name, int tensors) {
    TestCheckpoints folder = TestCheckpoints.folder(dir.resolve(name)).config(TinyModels.CONFIG);
    for (int i = 0; i < tensors; i++) {
      folder.random(TinyModels.tensor(i), DType.BF16, List.of(8L, 6L), name.hashCode() + i);
    }
    return folder;
  }

  @ParameterizedTest
  @ValueSource(strings = {"one two", "two one", "one two two", "two one two"})
  void a_tensor_that_one_expert_lacks_is_refused_in_any_order(String order) {
    model("one", 2).write();
    model("two", 3).write();
    StringBuilder models = new StringBuilder();
    for (String name : order.split(" ")) {
      models.append("  - {model: %s, parameters: {weight: 0.5}}\n".formatted(name));
    }

    CommandRun run = merge("merge_method: linear\nmodels:\n" + models);

    assertThat(run.code()).as(run.err()).isEqualTo(2);
    assertThat(run.err()).contains(TinyModels.tensor(2));
    assertThat(dir.resolve("out")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"extra: report", "extra: copy"})
  void it_is_merged_where_the_recipe_says_so(String policy) {
    model("one", 2).write();
    model("two", 3).write();

    CommandRun run = merge(TinyModels.LINEAR + policy + "\n");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.err().contains("warning: ")).isEqualTo(policy.endsWith("report"));
  }

  private static byte[] integer(int value) {
    return new byte[] {(byte) value, 0, 0, 0, 0, 0, 0, 0};
  }

  private interface Change {
    void of(WarningsTest test) throws IOException;
  }

  static Stream<Arguments> changes() {
    return Stream.of(
        Arguments.of(
            "an expert's tensor is left out",
            (Change) test -> test.model("two", 7).write(),
            "does not have"),
        Arguments.of(
            "a type is taken for another of as many bits",
            (Change)
                test -> {
                  Path file = test.dir.resolve("two/model.safetensors");
                  byte[] bytes = Files.readAllBytes(file);
                  String text =
                      new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1)
                          .replace("\"dtype\":\"BF16\"", "\"dtype\":\"F16\" ");
                  Files.write(file, text.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
                },
            "has F16 where the base has BF16"),
        Arguments.of(
            "config.json is garbage",
            (Change) test -> Files.writeString(test.dir.resolve("base/config.json"), "{"),
            "config.json"),
        Arguments.of(
            "an expert is of another architecture",
            (Change)
                test ->
                    Files.writeString(
                        test.dir.resolve("two/config.json"),
                        TinyModels.CONFIG.replace("Llama", "Other")),
            "OtherForCausalLM"),
        Arguments.of(
            "whole numbers differ",
            (Change)
                test -> {
                  for (String name : List.of("base", "one", "two")) {
                    test.model(name, 6)
                        .bytes("ids", DType.I64, List.of(1L), integer(name.equals("two") ? 2 : 1))
                        .write();
                  }
                },
            "is not averaged"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("changes")
  void what_changes_the_result_is_said_though_notes_are_not_wanted(
      String what, Change change, String said) throws IOException {
    for (String name : List.of("base", "one", "two")) {
      model(name, 6).write();
    }
    change.of(this);

    CommandRun run = merge(TinyModels.TIES);

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.err().lines()).anyMatch(it -> it.startsWith("warning: ") && it.contains(said));
  }

  @Test
  void notes_that_change_nothing_stay_notes() {
    for (String name : List.of("base", "one", "two")) {
      model(name, 6).write();
    }

    assertThat(merge(TinyModels.TIES).err()).isEmpty();
  }
}
