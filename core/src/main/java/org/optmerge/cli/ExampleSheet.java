package org.optmerge.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.optmerge.benchmark.Example;
import org.optmerge.benchmark.mini.MiniBenchmark;
import org.optmerge.report.ContactSheet;
import org.optmerge.report.Plots;

/** The picture of {@code examples --sheet}. A class of its own: drawing takes long to load. */
final class ExampleSheet {
  private ExampleSheet() {}

  static void draw(MiniBenchmark benchmark, int columns, Path file) {
    if (System.getProperty("java.awt.headless") == null) {
      System.setProperty("java.awt.headless", "true"); // a display is not needed, nor always there
    }
    List<Example> examples;
    try (Stream<Example> all = benchmark.examples()) {
      examples = all.toList();
    }
    String title =
        "Miniature benchmark, %s split, seed %d"
            .formatted(benchmark.split().key(), benchmark.seed());
    Plots.savePng(ContactSheet.of(title, examples, columns), file);
  }
}
