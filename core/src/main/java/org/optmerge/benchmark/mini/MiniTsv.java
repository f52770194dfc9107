package org.optmerge.benchmark.mini;

import java.awt.image.BufferedImage;
import java.io.BufferedWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.optmerge.benchmark.Question;
import org.optmerge.model.media.Image;

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
            Base64.getEncoder().encodeToString(png((Image) example.media().get(0))),
            example.text(),
            example.answers().get(0),
            example.type(),
            example.group(),
            example.id(),
            String.valueOf(example.fields().get("heldOut")),
            String.valueOf(example.fields().get("statement")))
        .collect(Collectors.joining("\t"));
  }

  private static byte[] png(Image image) {
    BufferedImage picture =
        new BufferedImage(image.width(), image.height(), BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < image.height(); y++) {
      for (int x = 0; x < image.width(); x++) {
        picture.setRGB(
            x,
            y,
            image.channel(x, y, 0) << 16 | image.channel(x, y, 1) << 8 | image.channel(x, y, 2));
      }
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(picture, "png", bytes);
    } catch (IOException e) {
      throw new UncheckedIOException("memory can always be written", e);
    }
    return bytes.toByteArray();
  }
}
