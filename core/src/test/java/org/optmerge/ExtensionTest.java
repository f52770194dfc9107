package org.optmerge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.benchmark.Benchmark;
import org.optmerge.benchmark.Benchmarks;
import org.optmerge.evaluation.Evaluator;
import org.optmerge.evaluation.ModelEvaluation;
import org.optmerge.evaluation.Predicted;
import org.optmerge.manifest.DataFolder;
import org.optmerge.manifest.Manifests;
import org.optmerge.metric.Metric;
import org.optmerge.model.MultimodalModel;

/**
 * What CONTRIBUTING promises: an architecture is a class and a line, a data set a manifest, a
 * metric a function. All three of this test are in the test tree alone.
 */
class ExtensionTest {
  private static final String MANIFEST =
      """
      {
        "name": "Tiny_TEST", "kind": "benchmark", "title": "Tiny", "description": "Two questions.",
        "aliases": ["tiny-test"], "paper": null, "homepage": "https://example.org",
        "licence": {"name": "CC0-1.0", "url": null, "note": null}, "citation": null,
        "folder": "Tiny_TEST", "bytes": null,
        "sources": [{"type": "file", "url": "https://example.org/tiny.jsonl", "path": "tiny.jsonl",
          "bytes": null, "sha256": null, "md5": null, "checksum_source": "not published", "unpack_into": null}],
        "benchmarks": [{"name": "Tiny_TEST", "split": "test", "examples": 2, "kit": "InternVL",
          "loader": {"format": "jsonl", "files": ["tiny.jsonl"], "columns": {},
            "explode": null, "media": null, "images": null}}],
        "unverified": [], "notes": []
      }
      """;

  @TempDir private Path folder;

  @Test
  void a_new_data_set_is_asked_of_a_new_architecture_and_scored_by_a_new_metric()
      throws IOException {
    Path manifests = Files.createDirectories(folder.resolve("manifests"));
    Files.writeString(manifests.resolve("Tiny_TEST.json"), MANIFEST);
    Path data = Files.createDirectories(folder.resolve("data/Tiny_TEST"));
    Files.writeString(
        data.resolve("tiny.jsonl"),
        """
        {"question": "say a", "answer": "SAY A"}
        {"question": "say b", "answer": "b"}
        """);
    Path model = Files.createDirectories(folder.resolve("model"));
    Files.writeString(model.resolve("config.json"), "{\"model_type\": \"tiny\"}");
    Metric lastLetter =
        (prediction, reference, steps) ->
            prediction.text().endsWith(reference.answer().toUpperCase(Locale.ROOT)) ? 0.5 : 0;

    Benchmark benchmark =
        Benchmarks.open(
            "tiny-test", Manifests.in(manifests), new DataFolder(folder.resolve("data")));
    try (MultimodalModel tiny = MultimodalModel.open(model)) {
      ModelEvaluation evaluation =
          new Evaluator(benchmark, lastLetter).evaluate("tiny", tiny, more -> {});

      assertThat(evaluation.items()).extracting(Predicted::given).containsExactly("SAY A", "SAY B");
      assertThat(evaluation.items()).extracting(Predicted::score).containsExactly(0.5, 0.5);
    }
  }
}
