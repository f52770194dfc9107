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
import java.io.UncheckedIOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
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
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.report.Project;

/**
 * Every notebook is clean enough to be read and compared in a browser. All of them run on the real
 * kernel in {@code environment/test}; {@code environment/test --notebook 07} runs one of them here,
 * as JShell sees it.
 */
class NotebooksTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path NOTEBOOKS = Project.file("notebooks");
  private static final long LARGEST = 300_000;

  /** It has every figure of the paper. */
  private static final Map<String, Long> LARGER = Map.of("14_paper_figures.ipynb", 1_000_000L);

  /** What the kernel offers besides Java; here it shows nothing. */
  private static final String KERNEL =
      """
      String display(Object object, String... types) { return "id"; }
      void updateDisplay(String id, Object object, String... types) {}
      Object render(Object object, String... types) { return object; }
      """;

  /** What the kernel has imported before the first cell. */
  private static final String STARTUP =
      read(Project.file("environment/kernels/java/startup.jshell"));

  /** Would tie a notebook to one kernel, or to a network. */
  private static final Pattern KERNEL_ONLY =
      Pattern.compile(
          "(?m)^\\s*%|org\\.dflib\\.jjava|io\\.github\\.spencerpark|getKernelInstance\\(");

  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");

  /** A solution or another piece of Java in a text. */
  private static final Pattern FENCED = Pattern.compile("(?s)```java\n(.*?)```");

  /** A class in a text, with a member of it if one is named: {@code Plots}, {@code Plots.map}. */
  private static final Pattern CLASS =
      Pattern.compile("`([A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*)(?:\\.([A-Za-z_][A-Za-z0-9_]*))?");

  private static final Pattern PACKAGE = Pattern.compile("org\\.optmerge(?:\\.[a-z]+)+");

  /** Where classes are that notebooks name and that are not this project's. */
  private static final List<String> ELSEWHERE =
      List.of(
          "java.lang.",
          "java.util.",
          "java.util.function.",
          "java.nio.file.",
          "ai.djl.ndarray.",
          "org.knowm.xchart.",
          "tech.tablesaw.api.");

  /** Tests do the least that shows that the code runs. */
  private static final String SCALE = "optmerge.scale";

  /** The file names of the notebooks to run, with commas between them; all if it is not set. */
  private static final String CHOSEN = "optmerge.notebooks";

  private record Cell(int number, boolean code, String source, JsonNode json) {}

  @Tag("notebook")
  @TestFactory
  Stream<DynamicTest> runs_from_top_to_bottom() throws IOException {
    String chosen = System.getProperty(CHOSEN);
    if (chosen == null) {
      return each(NotebooksTest::run);
    }
    List<String> names = List.of(chosen.split(","));
    assertThat(notebooks()).map(Path::getFileName).map(Path::toString).containsAll(names);
    return names.stream()
        .map(name -> DynamicTest.dynamicTest(name, () -> run(NOTEBOOKS.resolve(name))));
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
          assertThat(Files.size(notebook))
              .isLessThan(LARGER.getOrDefault(notebook.getFileName().toString(), LARGEST));
          assertThat(cells(notebook).stream().filter(Cell::code))
              .anyMatch(cell -> !cell.json().get("outputs").isEmpty());
          assertThat(Files.readString(notebook))
              .as("texts with an object's hash change at every run")
              .doesNotContainPattern("[a-zA-Z]+@[0-9a-f]{6,8}\\\\?[n\"]");
        });
  }

  @TestFactory
  Stream<DynamicTest> begins_with_its_question_and_imports_little() throws IOException {
    List<String> common = STARTUP.lines().toList();
    return each(
        notebook -> {
          List<Cell> cells = cells(notebook);
          assertThat(cells.get(0).source().lines().findFirst().orElse(""))
              .matches("# (\\d\\d|NN) · .+\\?");
          assertThat(cells.get(cells.size() - 1).code()).isFalse();
          List<String> code = cells.stream().filter(Cell::code).map(Cell::source).toList();
          assertThat(code).as("a claim that is checked").anyMatch(s -> s.contains("Claim.holds("));
          assertThat(code.get(0)).as("the first cell does something").contains("(");
          assertThat(
                  code.stream().flatMap(String::lines).filter(line -> line.startsWith("import ")))
              .as("imports of its own, besides those of the kernel's start-up script")
              .hasSizeLessThanOrEqualTo(3)
              .doesNotContainAnyElementsOf(common);
        });
  }

  @TestFactory
  Stream<DynamicTest> begins_and_ends_with_the_way_to_its_neighbours() throws IOException {
    List<Path> order =
        notebooks().stream()
            .filter(notebook -> notebook.getFileName().toString().matches("\\d\\d_.*"))
            .toList();
    return each(
        notebook -> {
          StringBuilder way = new StringBuilder();
          int at = order.indexOf(notebook);
          if (at > 0) {
            way.append("← ").append(link(order.get(at - 1))).append(" · ");
          }
          way.append("[README](../README.md) · [all notebooks](README.md)");
          if (at >= 0 && at < order.size() - 1) {
            way.append(" · ").append(link(order.get(at + 1))).append(" →");
          }
          List<Cell> cells = cells(notebook);
          for (Cell cell : List.of(cells.get(0), cells.get(cells.size() - 1))) {
            assertThat(cell.source().lines().reduce((first, second) -> second))
                .as("environment/notebooks --links writes it; cell " + cell.number())
                .contains(way.toString());
          }
        });
  }

  private static String link(Path notebook) throws IOException {
    String title = cells(notebook).get(0).source().lines().findFirst().orElseThrow();
    return "[%s](%s)".formatted(title.replaceAll("^# |:.*", ""), notebook.getFileName());
  }

  @TestFactory
  Stream<DynamicTest> ends_with_two_exercises_whose_solutions_are_folded() throws IOException {
    return each(
        notebook -> {
          List<Cell> cells = cells(notebook);
          String last = cells.get(cells.size() - 1).source();
          assertThat(last).contains("Try it yourself", "Where the code lives");
          assertThat(last.split("<details>", -1)).as("one solution each").hasSize(3);
        });
  }

  @TestFactory
  Stream<DynamicTest> names_only_classes_that_exist() throws IOException {
    Map<String, List<Class<?>>> ours = ours();
    return each(
        notebook -> {
          for (Cell cell : cells(notebook)) {
            if (cell.code()) {
              continue;
            }
            String where = "cell " + cell.number() + ": ";
            String text = FENCED.matcher(cell.source()).replaceAll("");
            for (MatchResult packageName : PACKAGE.matcher(text).results().toList()) {
              assertThat(getClass().getResource("/" + packageName.group().replace('.', '/')))
                  .as(where + packageName.group())
                  .isNotNull();
            }
            for (MatchResult named : CLASS.matcher(text).results().toList()) {
              List<Class<?>> classes =
                  Optional.ofNullable(ours.get(named.group(1)))
                      .orElseGet(() -> elsewhere(named.group(1)));
              assertThat(classes).as(where + "is there a class " + named.group(1)).isNotEmpty();
              if (named.group(2) != null) {
                assertThat(classes.stream().flatMap(NotebooksTest::members))
                    .as(where + named.group())
                    .contains(named.group(2));
              }
            }
          }
        });
  }

  /** This project's public classes by their simple names. */
  private static Map<String, List<Class<?>>> ours() throws IOException {
    Map<String, List<Class<?>>> classes = new TreeMap<>();
    Path root;
    try {
      root = Path.of(Project.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.filter(path -> path.toString().endsWith(".class")).toList()) {
        String name = root.relativize(file).toString().replace(File.separatorChar, '.');
        Class<?> found = load(name.substring(0, name.length() - ".class".length())).orElseThrow();
        if (Modifier.isPublic(found.getModifiers())) {
          classes.computeIfAbsent(found.getSimpleName(), any -> new ArrayList<>()).add(found);
        }
      }
    }
    assertThat(classes).containsKey("MergeMethods");
    return classes;
  }

  private static List<Class<?>> elsewhere(String name) {
    List<Class<?>> found = new ArrayList<>();
    ELSEWHERE.forEach(place -> load(place + name).ifPresent(found::add));
    return found;
  }

  private static Optional<Class<?>> load(String name) {
    try {
      return Optional.of(Class.forName(name, false, NotebooksTest.class.getClassLoader()));
    } catch (ClassNotFoundException e) {
      return Optional.empty();
    }
  }

  private static Stream<String> members(Class<?> type) {
    return Stream.of(
            Arrays.stream(type.getMethods()).map(Method::getName),
            Arrays.stream(type.getFields()).map(Field::getName),
            Arrays.stream(type.getClasses()).map(Class::getSimpleName))
        .flatMap(names -> names);
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
  void a_solution_that_fails_is_named(@TempDir Path folder) throws IOException {
    Path notebook = folder.resolve("solved.ipynb");
    Files.writeString(
        notebook,
        """
        {"cells": [
          {"cell_type": "code", "source": ["int x = 1;"], "outputs": []},
          {"cell_type": "markdown", "source": ["```java\\n", "x + y\\n", "```"]}
        ]}
        """);
    assertThatThrownBy(() -> run(notebook))
        .hasMessageContaining("solved.ipynb, cell 2, a piece of Java in the text: x + y");
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

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
    System.setProperty(SCALE, "tiny");
    try (JShell shell =
        JShell.builder().executionEngine(new InThisProcess(), Map.of()).out(silent).build()) {
      for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
        shell.addToClasspath(entry);
      }
      evaluate(shell, KERNEL, notebook + ", kernel");
      evaluate(shell, STARTUP, notebook + ", start-up script of the kernel");
      for (Cell cell : cells(notebook)) {
        String where = "%s, cell %d".formatted(notebook.getFileName(), cell.number());
        if (cell.code()) {
          evaluate(shell, cell.source(), where);
        } else {
          for (MatchResult solution : FENCED.matcher(cell.source()).results().toList()) {
            evaluate(shell, solution.group(1), where + ", a piece of Java in the text");
          }
        }
      }
    } finally {
      System.clearProperty(SCALE);
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
