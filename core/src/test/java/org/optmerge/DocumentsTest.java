package org.optmerge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.report.Project;

/** What the documents promise is there: files, links, commands. */
class DocumentsTest {
  private static final Path ROOT = Project.root();
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");

  /** A sentence that opens with one of three words, up to its end. */
  private static final Pattern SENTENCE =
      Pattern.compile(
          "(?s)(?<=(?:^|\\n\\n|[.:!?] |\\n- |\\n#{1,4} ))(?:What|How|Where)\\b.*?(?:[.!?](?=\\s)|\\n\\n|\\z)");

  private static final Pattern COMMAND = Pattern.compile("(?<![\\w/])environment/([a-z]+)");

  @TestFactory
  Stream<DynamicTest> links_lead_to_what_is_there() throws IOException {
    return documents()
        .map(
            document ->
                DynamicTest.dynamicTest(
                    ROOT.relativize(document).toString(),
                    () -> {
                      Matcher link = LINK.matcher(withoutCode(Files.readString(document)));
                      while (link.find()) {
                        if (!link.group(1).matches("(https?:|mailto:|#).*")) {
                          assertThat(
                                  document
                                      .resolveSibling(link.group(1).replaceFirst("#.*", ""))
                                      .normalize())
                              .exists();
                        }
                      }
                    }));
  }

  @TestFactory
  Stream<DynamicTest> lines_fit_a_page_and_sentences_name_their_subject() throws IOException {
    return documents()
        .map(
            document ->
                DynamicTest.dynamicTest(
                    ROOT.relativize(document).toString(),
                    () -> {
                      assertThat(
                              read(document)
                                  .lines()
                                  .filter(line -> !line.startsWith("|") && !line.startsWith("![")))
                          .as("tables and pictures may be wider")
                          .allMatch(line -> line.length() <= 120);
                      assertThat(
                              SENTENCE
                                  .matcher(
                                      withoutCode(read(document)).replaceAll("(?m)^\\|.*$", ""))
                                  .results()
                                  .map(found -> found.group().strip()))
                          .as("What, How and Where open questions only")
                          .allMatch(sentence -> sentence.endsWith("?"));
                    }));
  }

  @TestFactory
  Stream<DynamicTest> commands_that_are_named_can_be_run() throws IOException {
    return documents()
        .flatMap(document -> COMMAND.matcher(read(document)).results().map(found -> found.group(1)))
        .distinct()
        .filter(name -> !name.equals("kernels") && !name.equals("requirements"))
        .map(
            name ->
                DynamicTest.dynamicTest(
                    name,
                    () -> assertThat(ROOT.resolve("environment").resolve(name)).isExecutable()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "environment/support.sh",
        "environment/quickstart",
        "environment/optmerge",
        "environment/lab",
        "environment/notebooks",
        "environment/test",
        "environment/format",
        "environment/browser",
        "environment/kernels/java/start",
        ".githooks/pre-commit",
        ".ci/run"
      })
  void scripts_are_bash_without_a_syntax_error(String script) throws Exception {
    Process bash =
        new ProcessBuilder("bash", "-n", ROOT.resolve(script).toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(bash.waitFor()).as(said).isZero();
  }

  private static Stream<Path> documents() throws IOException {
    return Stream.of("", ".github", "core", "data-manifests", "environment", "notebooks")
        .map(ROOT::resolve)
        .flatMap(DocumentsTest::list)
        .filter(file -> file.toString().endsWith(".md"));
  }

  private static Stream<Path> list(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return List.copyOf(files.toList()).stream();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static String read(Path document) {
    try {
      return Files.readString(document);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static String withoutCode(String text) {
    return text.replaceAll("(?s)```.*?```", "").replaceAll("`[^`\n]*`", "");
  }
}
