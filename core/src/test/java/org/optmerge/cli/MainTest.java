package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.merge.recipe.ParameterPreset;
import org.optmerge.method.MergeMethods;

class MainTest {
  static Set<String> commands() {
    return Main.names();
  }

  @Test
  void help_names_every_command() {
    CommandRun run = CommandRun.of("--help");

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains(Main.names()).contains("Exit codes");
    assertThat(run.err()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void help_of_a_command_describes_it_and_the_options_of_all(String command) {
    CommandRun run = CommandRun.of(command, "--help");

    assertThat(run.code()).isZero();
    assertThat(run.out()).startsWith("Usage: optmerge " + command);
    assertThat(run.out()).contains("--quiet", "--json", "--stacktrace", "--help");
    assertThat(CommandRun.of("help", command).out()).isEqualTo(run.out());
  }

  @Test
  void no_command_is_a_wrong_command_line() {
    CommandRun run = CommandRun.of();

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).startsWith("optmerge: missing required subcommand").hasLineCount(1);
    assertThat(run.out()).isEmpty();
  }

  @Test
  void a_misspelt_command_gets_a_suggestion() {
    CommandRun run = CommandRun.of("inspekt", "x");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).startsWith("optmerge: ").contains("'inspekt'", "inspect").hasLineCount(1);
  }

  @Test
  void a_misspelt_option_gets_a_suggestion() {
    CommandRun run = CommandRun.of("diff", "a", "b", "--laiers");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err())
        .startsWith("optmerge: unknown option: '--laiers'; did you mean --layers?")
        .endsWith("(see optmerge diff --help)" + System.lineSeparator())
        .hasLineCount(1);
  }

  @Test
  void a_wrong_value_says_what_was_expected() {
    CommandRun run = CommandRun.of("diff", "a", "b", "--top", "many");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).startsWith("optmerge: ").contains("--top", "'many'").hasLineCount(1);
  }

  @Test
  void a_failure_is_one_line_and_a_stack_trace_only_if_asked_for() {
    CommandRun run = CommandRun.of("inspect", "no/such/folder");
    CommandRun traced = CommandRun.of("inspect", "no/such/folder", "--stacktrace");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).startsWith("optmerge: ").contains("no/such/folder").hasLineCount(1);
    assertThat(traced.code()).isEqualTo(1);
    assertThat(traced.err()).startsWith(run.err()).contains("\tat org.optmerge");
  }

  @Test
  void options_of_all_commands_stand_before_or_after_the_command() {
    assertThat(CommandRun.of("--json", "version").json())
        .isEqualTo(CommandRun.of("version", "--json").json());
  }

  @Test
  void errors_are_json_if_asked_for() {
    CommandRun run = CommandRun.of("--json", "inspect", "no/such/folder");

    assertThat(run.events()).hasSize(1);
    assertThat(run.events().get(0).path("event").asText()).isEqualTo("error");
    assertThat(run.events().get(0).path("message").asText()).contains("no/such/folder");
    assertThat(run.events().get(0).path("exit_code").asInt()).isEqualTo(1);
  }

  @Test
  void colours_are_for_terminals_only() {
    Terminal colourful = new Terminal(true, true, true);
    Terminal plain = new Terminal(true, true, false);

    assertThat(CommandRun.on(colourful, "inspect", "nowhere").err()).contains("\u001b[31m");
    assertThat(CommandRun.on(plain, "inspect", "nowhere").err()).doesNotContain("\u001b");
    assertThat(CommandRun.of("inspect", "nowhere").err()).doesNotContain("\u001b");
    assertThat(CommandRun.on(colourful, "--help").out()).contains("\u001b");
    assertThat(CommandRun.of("--help").out()).doesNotContain("\u001b");
  }

  @Test
  void no_color_is_honoured_unless_empty() {
    assertThat(Terminal.wantsColor(Map.of("NO_COLOR", "1"))).isFalse();
    assertThat(Terminal.wantsColor(Map.of("NO_COLOR", ""))).isTrue();
    assertThat(Terminal.wantsColor(Map.of("TERM", "dumb"))).isFalse();
    assertThat(Terminal.wantsColor(Map.of("TERM", "xterm"))).isTrue();
  }

  static Stream<Arguments> failures() {
    return Stream.of(
        Arguments.of(
            new CheckpointException("x.safetensors: empty file"), "x.safetensors: empty file"),
        Arguments.of(new NoSuchFileException("a/b"), "'a/b' does not exist"),
        Arguments.of(
            new UncheckedIOException(new AccessDeniedException("a/b")),
            "no permission to read or write 'a/b'"),
        Arguments.of(
            new FileSystemException("a/b", null, "No space left on device"),
            "'a/b': No space left on device (make room on that disk)"),
        Arguments.of(
            new IOException("No space left on device"),
            "reading or writing failed: No space left on device (make room on that disk)"),
        Arguments.of(
            new OutOfMemoryError("Java heap space"),
            "out of memory (Java heap space); give the JVM more, for example"
                + " OPTMERGE_JAVA_OPTS=-Xmx8g, or the command less where it has --memory, --threads"
                + " or --count"),
        Arguments.of(
            new UncheckedIOException("x: cannot be read", new IOException("Input/output error")),
            "x: cannot be read: Input/output error"),
        Arguments.of(
            new StackOverflowError(),
            "what was read is nested too deeply; is it damaged? (OPTMERGE_JAVA_OPTS=-Xss16m allows"
                + " more)"),
        Arguments.of(
            new InternalError("a fault occurred in a recent unsafe memory access operation"),
            "a file that is read through memory became shorter, or its disk failed (a fault occurred"
                + " in a recent unsafe memory access operation)"),
        Arguments.of(
            new ExceptionInInitializerError(
                new IllegalStateException(new IOException("No space left on device"))),
            "the native libraries cannot be loaded: No space left on device; they are unpacked into"
                + " ~/.djl.ai, or the folder that DJL_CACHE_DIR names: it needs 500 MB of room, and"
                + " may be deleted to be made again"),
        Arguments.of(
            new IllegalStateException("odd"),
            "unexpected IllegalStateException: odd; this is a defect, --stacktrace shows where"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void every_failure_has_a_sentence(Throwable thrown, String message) {
    assertThat(Main.message(thrown)).isEqualTo(message);
  }

  @Test
  void prints_versions() {
    CommandRun run = CommandRun.of("version");

    assertThat(run.code()).isZero();
    assertThat(run.out()).startsWith("optmerge ").contains(System.getProperty("java.version"));
    assertThat(CommandRun.of("--version").out()).isEqualTo(run.out());
    assertThat(CommandRun.of("version", "--json").json().path("java").asText())
        .startsWith(System.getProperty("java.version"));
  }

  @Test
  void the_completion_script_knows_commands_options_methods_and_presets() {
    CommandRun run = CommandRun.of("completion");

    assertThat(run.code()).isZero();
    assertThat(run.out()).startsWith("#!").contains("complete").contains(Main.names());
    assertThat(run.out()).contains("--layers", "--stacktrace");
    assertThat(run.out()).contains(MergeMethods.names()).contains(ParameterPreset.labels());
  }
}
