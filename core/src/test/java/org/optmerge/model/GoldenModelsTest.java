package org.optmerge.model;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * What the reference implementations computed, one test per recorded case. The folder is that of
 * the system property {@code golden.dir}, which holds {@code models} or is it; by default a
 * selection among the test resources.
 */
class GoldenModelsTest {
  private interface Verification {
    void run(GoldenModelCase golden) throws IOException;
  }

  private static final Map<String, Verification> KINDS =
      Map.ofEntries(
          entry("internvl-forward", GoldenInternVL::forward),
          entry("internvl-train", GoldenInternVL::train),
          entry("internvl-lora", GoldenInternVL::lora),
          entry("qwen-vl-forward", GoldenQwenVL::forward),
          entry("qwen-vl-train", GoldenQwenVL::train),
          entry("internvl-preprocess", GoldenPreprocessing::tiles),
          entry("internvl-preprocess-full", GoldenPreprocessing::tilesInFull),
          entry("internvl-grid", GoldenPreprocessing::grids),
          entry("qwen2vl-preprocess", GoldenPreprocessing::qwen),
          entry("qwen2vl-patchify", GoldenPreprocessing::patches),
          entry("smart-resize", GoldenPreprocessing::smartResize),
          entry("resize", GoldenPreprocessing::resize),
          entry("tokenizer", GoldenText::tokenizer),
          entry("prompts", GoldenText::prompts));

  @TestFactory
  Stream<DynamicTest> computes_what_the_reference_computes()
      throws IOException, URISyntaxException {
    Path folder = folder();
    JsonNode json = new ObjectMapper().readTree(folder.resolve("cases.json").toFile());
    JsonNode cases = json.isArray() ? json : json.path("cases");
    assertThat(cases).isNotEmpty();
    return StreamSupport.stream(cases.spliterator(), false)
        .map(recorded -> dynamicTest(recorded.path("id").asText(), () -> verify(folder, recorded)));
  }

  private static void verify(Path folder, JsonNode recorded) throws IOException {
    Verification kind = KINDS.get(recorded.path("kind").asText());
    if (kind == null) {
      fail("no kind '%s'".formatted(recorded.path("kind").asText()));
    } else {
      try (GoldenModelCase golden = new GoldenModelCase(folder, recorded)) {
        kind.run(golden);
      }
    }
  }

  private static Path folder() throws URISyntaxException {
    String given = System.getProperty("golden.dir");
    if (given != null) {
      // A relative path is one as seen from the project's root, where Maven was started.
      return Stream.of(Path.of(given), Path.of("..").resolve(given))
          .flatMap(path -> Stream.of(path.resolve("models"), path))
          .filter(path -> Files.exists(path.resolve("cases.json")))
          .findFirst()
          .orElseThrow(() -> new IllegalStateException("golden.dir " + given + ": no cases.json"));
    }
    URL cases = GoldenModelsTest.class.getResource("/golden/models/cases.json");
    return Path.of(Objects.requireNonNull(cases).toURI()).getParent();
  }
}
