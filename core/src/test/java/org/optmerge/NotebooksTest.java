package org.optmerge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import jdk.jshell.JShell;
import jdk.jshell.Snippet;
import jdk.jshell.SnippetEvent;
import jdk.jshell.SourceCodeAnalysis.CompletionInfo;
import jdk.jshell.execution.DirectExecutionControl;
import jdk.jshell.spi.ExecutionControl;
import jdk.jshell.spi.ExecutionControlProvider;
import jdk.jshell.spi.ExecutionEnv;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.report.Project;

/**
 * Every notebook runs from top to bottom as JShell sees it, and is clean enough to be read and
 * compared in a browser. The same notebooks run on the real kernel in {@code environment/test}.
 */
class NotebooksTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path NOTEBOOKS = Project.file("notebooks");
  private static final long LARGEST = 300_000;

  /** What the kernel offers besides Java; here it shows nothing. */
  private static final String KERNEL =
      """
      String display(Object object, String... types) { return "id"; }
      void updateDisplay(String id, Object object, String... types) {}
      Object render(Object object, String... types) { return object; }
      """;

  /** Would tie a notebook to one kernel, or to a network. */
  private static final Pattern KERNEL_ONLY =
      Pattern.compile(
          "(?m)^\\s*%|org\\.dflib\\.jjava|io\\.github\\.spencerpark|getKernelInstance\\(");

  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");

  private record Cell(int number, boolean code, String source, JsonNode json) {}

  @TestFactory
  Stream<DynamicTest> runs_from_top_to_bottom() throws IOException {
    return each(NotebooksTest::run);
  }

  @TestFactory
  Stream<DynamicTest> holds_nothing_of_the_run_that_made_it() throws IOException {
    return each(
        notebook -> {
          JsonNode json = JSON.readTree(notebook.toFile());
          assertThat(fields(json.get("metadata")))
              .containsExactlyInAnyOrder("kernelspec", "language_info");
          assertThat(json.at("/metadata/kernelspec/name").asText()).isEqualTo("java");
          assertThat(json.at("/metadata/language_info/version").isMissingNode()).isTrue();
          for (Cell cell : cells(notebook)) {
            String where = "cell " + cell.number();
            assertThat(cell.json().get("id").asText())
                .as(where)
                .isEqualTo(String.format(Locale.ROOT, "cell-%02d", cell.number()));
            assertThat(cell.json().get("metadata")).as(where).isEmpty();
            if (cell.code()) {
              assertThat(cell.json().get("execution_count").isNull()).as(where).isTrue();
              for (JsonNode output : cell.json().get("outputs")) {
                assertThat(output.get("output_type").asText()).as(where).isNotEqualTo("error");
                assertThat(output.path("execution_count").isNumber()).as(where).isFalse();
                assertThat(output.path("name").asText()).as(where).isNotEqualTo("stderr");
              }
            }
          }
        });
  }

  @TestFactory
  Stream<DynamicTest> is_small_and_has_its_outputs() throws IOException {
    return each(
        notebook -> {
          assertThat(Files.size(notebook)).isLessThan(LARGEST);
          assertThat(cells(notebook).stream().filter(Cell::code))
              .anyMatch(cell -> !cell.json().get("outputs").isEmpty());
          assertThat(Files.readString(notebook))
              .as("texts with an object's hash change at every run")
              .doesNotContainPattern("[a-zA-Z]+@[0-9a-f]{6,8}\\\\?[n\"]");
        });
  }

  @TestFactory
  Stream<DynamicTest> begins_with_its_question_and_the_common_imports() throws IOException {
    String common = cells(NOTEBOOKS.resolve("_template.ipynb")).get(1).source();
    return each(
        notebook -> {
          List<Cell> cells = cells(notebook);
          assertThat(cells.get(0).source().lines().findFirst().orElse(""))
              .matches("# (\\d\\d|NN) · .+\\?");
          assertThat(cells.get(1).source()).isEqualTo(common);
          assertThat(cells.get(cells.size() - 1).code()).isFalse();
          assertThat(cells.stream().filter(Cell::code).map(Cell::source))
              .as("a claim that is checked")
              .anyMatch(source -> source.contains("Claim.holds("));
        });
  }

  @TestFactory
  Stream<DynamicTest> knows_no_kernel_and_links_to_what_is_there() throws IOException {
    return each(
        notebook -> {
          for (Cell cell : cells(notebook)) {
            if (cell.code()) {
              assertThat(cell.source())
                  .as("cell " + cell.number())
                  .doesNotContainPattern(KERNEL_ONLY)
                  .as("a line of cell %d that a page would cut", cell.number())
                  .doesNotContainPattern("(?m)^.{101,}$");
              continue;
            }
            Matcher link = LINK.matcher(cell.source());
            while (link.find()) {
              if (!link.group(1).matches("(https?:|#).*")) {
                assertThat(NOTEBOOKS.resolve(link.group(1).replaceFirst("#.*", "")).normalize())
                    .as("link in cell " + cell.number())
                    .exists();
              }
            }
          }
        });
  }

  @Test
  void every_notebook_has_a_row_in_the_list() throws IOException {
    String list = Files.readString(NOTEBOOKS.resolve("README.md"));
    for (Path notebook : notebooks()) {
      assertThat(list).contains("(" + notebook.getFileName() + ")");
    }
  }

  @Test
  void a_cell_that_fails_is_named_with_its_line(@TempDir Path folder) throws IOException {
    Path notebook = folder.resolve("broken.ipynb");
    Files.writeString(
        notebook,
        """
        {"cells": [
          {"cell_type": "markdown", "source": ["# Broken?"]},
          {"cell_type": "code", "source": ["int x = 1;\\n", "x.foo()"], "outputs": []}
        ]}
        """);
    assertThatThrownBy(() -> run(notebook))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("broken.ipynb, cell 2: x.foo()");
  }

  @Test
  void a_cell_that_throws_or_does_not_end_is_named(@TempDir Path folder) throws IOException {
    Path thrower = folder.resolve("thrower.ipynb");
    Files.writeString(
        thrower,
        """
        {"cells": [{"cell_type": "code", "outputs": [],
          "source": "int half(int n) { if (n % 2 == 1) throw new IllegalStateException(\\"odd\\"); return n / 2; }\\nhalf(3)"}]}
        """);
    assertThatThrownBy(() -> run(thrower))
        .hasMessageContaining("thrower.ipynb, cell 1: half(3)")
        .hasMessageContaining("odd");
    Path unfinished = folder.resolve("unfinished.ipynb");
    Files.writeString(
        unfinished,
        """
        {"cells": [{"cell_type": "code", "outputs": [], "source": "int f() {"}]}
        """);
    assertThatThrownBy(() -> run(unfinished))
        .hasMessageContaining("unfinished.ipynb, cell 1: int f() {");
  }

  private static Stream<DynamicTest> each(ThrowingCheck check) throws IOException {
    return notebooks().stream()
        .map(
            notebook ->
                DynamicTest.dynamicTest(
                    notebook.getFileName().toString(), () -> check.accept(notebook)));
  }

  @FunctionalInterface
  private interface ThrowingCheck {
    void accept(Path notebook) throws Exception;
  }

  private static List<Path> notebooks() throws IOException {
    try (Stream<Path> files = Files.list(NOTEBOOKS)) {
      return files.filter(file -> file.toString().endsWith(".ipynb")).sorted().toList();
    }
  }

  private static List<Cell> cells(Path notebook) throws IOException {
    List<Cell> cells = new ArrayList<>();
    for (JsonNode cell : JSON.readTree(notebook.toFile()).get("cells")) {
      StringBuilder source = new StringBuilder();
      if (cell.get("source").isTextual()) {
        source.append(cell.get("source").asText());
      } else {
        cell.get("source").forEach(line -> source.append(line.asText()));
      }
      boolean code = cell.get("cell_type").asText().equals("code");
      cells.add(new Cell(cells.size() + 1, code, source.toString(), cell));
    }
    return cells;
  }

  private static Set<String> fields(JsonNode object) {
    Set<String> names = new TreeSet<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** Evaluates the cells; System.out of a cell is the test's, as the engine is in this process. */
  private static void run(Path notebook) throws IOException {
    PrintStream silent = new PrintStream(OutputStream.nullOutputStream(), true);
    PrintStream out = System.out;
    System.setOut(silent);
    try (JShell shell =
        JShell.builder().executionEngine(new InThisProcess(), Map.of()).out(silent).build()) {
      for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
        shell.addToClasspath(entry);
      }
      evaluate(shell, KERNEL, notebook + ", kernel");
      for (Cell cell : cells(notebook)) {
        if (cell.code()) {
          evaluate(
              shell, cell.source(), "%s, cell %d".formatted(notebook.getFileName(), cell.number()));
        }
      }
    } finally {
      System.setOut(out);
    }
  }

  /**
   * Runs the cells in this process, so that the tensor engine's natives are loaded once. JShell's
   * own provider of this kind starts a thread with a class that Java 25 does not find.
   */
  private static final class InThisProcess implements ExecutionControlProvider {
    @Override
    public String name() {
      return "in this process";
    }

    @Override
    public ExecutionControl generate(ExecutionEnv environment, Map<String, String> parameters) {
      return new DirectExecutionControl();
    }
  }

  private static void evaluate(JShell shell, String source, String where) {
    String rest = source;
    while (!rest.isBlank()) {
      CompletionInfo completion = shell.sourceCodeAnalysis().analyzeCompletion(rest);
      if (!completion.completeness().isComplete()) {
        fail("%s: %s%n%nis not complete", where, rest.strip());
      }
      for (SnippetEvent event : shell.eval(completion.source())) {
        if (event.exception() != null || event.status() == Snippet.Status.REJECTED) {
          List<String> messages =
              shell.diagnostics(event.snippet()).map(found -> found.getMessage(null)).toList();
          AssertionError error =
              new AssertionError(
                  "%s: %s%n%n%s%n%s"
                      .formatted(where, completion.source().strip(), messages, event.exception()));
          if (event.exception() != null) {
            error.initCause(event.exception());
          }
          throw error;
        }
      }
      rest = completion.remaining();
    }
  }
}
