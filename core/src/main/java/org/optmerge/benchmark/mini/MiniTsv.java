package org.optmerge.benchmark.mini;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.optmerge.benchmark.Question;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;

/**
 * Writes the miniature as a table of VLMEvalKit, so that other kits can ask other models: one row a
 * question, tab-separated, images as PNG in base64.
 */
public final class MiniTsv {
  /**
   * The columns: {@code category} is the kind of question, {@code id} what predictions of this
   * library are matched by.
   */
  static final List<String> COLUMNS =
      List.of(
          "index", "image", "question", "answer", "category", "task", "id", "heldOut", "statement");

  private MiniTsv() {}

  /**
   * Writes all examples of a benchmark.
   *
   * @return how many
   * @throws IOException if the file cannot be written
   */
  public static long write(CapabilityBenchmark benchmark, Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    long index = 0;
    try (BufferedWriter out = Files.newBufferedWriter(file);
        Stream<Question> examples = benchmark.questions()) {
      out.write(String.join("\t", COLUMNS) + "\n");
      for (Iterator<Question> i = examples.iterator(); i.hasNext(); index++) {
        out.write(row(index, i.next()) + "\n");
      }
    }
    return index;
  }

  private static String row(long index, Question example) {
    return Stream.of(
            String.valueOf(index),
            Base64.getEncoder().encodeToString(ImageFiles.png((Image) example.media().get(0))),
            example.text(),
            example.answers().get(0),
            example.type(),
            example.group(),
            example.id(),
            String.valueOf(example.fields().get("heldOut")),
            String.valueOf(example.fields().get("statement")))
        .collect(Collectors.joining("\t"));
  }
}
