package org.optmerge.benchmark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;

class TsvBenchmarkTest {
  private static final Image RED = new Image(1, 1, new byte[] {(byte) 255, 0, 0});
  private static final Image BLUE = new Image(1, 1, new byte[] {0, 0, (byte) 255});

  @TempDir private Path folder;

  private static String base64(Image image) {
    return Base64.getEncoder().encodeToString(ImageFiles.png(image));
  }

  private Path file(String... lines) throws IOException {
    return Files.writeString(folder.resolve("t.tsv"), String.join("\n", lines) + "\n");
  }

  private static List<Question> examples(Benchmark benchmark) {
    try (Stream<Question> examples = benchmark.questions()) {
      return examples.toList();
    }
  }

  private static TsvBenchmark toy(Path file) {
    return new TsvBenchmark("TOY", file, Map.of());
  }

  @Test
  void a_byte_order_mark_before_quotes_is_no_part_of_a_name() throws IOException {
    Path file =
        file(
            "\ufeff\"index\"\t\"image\"\t\"question\"\t\"answer\"",
            "\"7\"\t\"" + base64(RED) + "\"\t\"What?\"\t\"A\"");

    assertThat(examples(toy(file))).extracting(Question::id).containsExactly("7");
  }

  @Test
  void a_row_becomes_an_example() throws IOException {
    Path file =
        file(
            "index\timage\tquestion\tanswer\tcategory\tA\tB\thint",
            "7\t" + base64(RED) + "\tWhat?\tA\tcolours\tred\tN/A\t");

    TsvBenchmark benchmark = toy(file);

    assertThat(benchmark.size()).isEqualTo(1);
    assertThat(examples(benchmark))
        .containsExactly(
            new Question(
                "7",
                "TOY",
                "colours",
                List.of(RED),
                "What?",
                List.of("A"),
                Map.of("category", "colours", "A", "red")));
  }

  @Test
  void an_image_may_be_that_of_another_row_before_or_after() throws IOException {
    Path file =
        file(
            "index\timage\tquestion\tanswer",
            "1\t3\tq1\ta",
            "2\t" + base64(RED) + "\tq2\ta",
            "3\t" + base64(BLUE) + "\tq3\ta",
            "4\t2\tq4\ta",
            "5\t2\tq5\ta");

    assertThat(examples(toy(file)))
        .extracting(example -> example.media().get(0))
        .containsExactly(BLUE, RED, BLUE, RED, RED);
  }

  @ParameterizedTest
  @CsvSource({"9, 'which is not there'", "2, 'which has none itself'"})
  void an_image_that_is_nowhere_is_an_error(String reference, String expected) throws IOException {
    Path file =
        file(
            "index\timage\tquestion\tanswer",
            "1\t" + reference + "\tq1\ta",
            "2\t3\tq2\ta",
            "3\t" + base64(BLUE) + "\tq3\ta");

    assertThatThrownBy(() -> examples(toy(file)))
        .isInstanceOf(BenchmarkException.class)
        .hasMessageContaining("t.tsv', index 1: its image is that of index '" + reference)
        .hasMessageContaining(expected);
  }

  @Test
  void rows_without_an_image_are_left_out() throws IOException {
    Path file =
        file(
            "index\timage\tquestion\tanswer",
            "1\t\tq1\ta",
            "2\tnan\tq2\ta",
            "3\t" + base64(BLUE) + "\tq3\ta");

    assertThat(toy(file).size()).isEqualTo(1);
    assertThat(examples(toy(file))).extracting(Question::id).containsExactly("3");
  }

  @Test
  void several_images_and_several_answers_are_lists_as_python_prints_them() throws IOException {
    Path file =
        file(
            "index\timage\tquestion\tanswers\tsplit",
            "1\t['%s', '%s']\tq\t['cat', \"dog's\", 'a\\tb']\tval"
                .formatted(base64(RED), base64(BLUE)));

    Question example = examples(new TsvBenchmark("TOY", file, Map.of("answers", "answers"))).get(0);

    assertThat(example.media()).containsExactly(RED, BLUE);
    assertThat(example.answers()).containsExactly("cat", "dog's", "a\tb");
    assertThat(example.fields()).containsEntry("answer", "['cat', \"dog's\", 'a\\tb']");
    assertThat(example.type()).isEqualTo("val");
  }

  @Test
  void quoted_cells_have_tabs_lines_and_quotes_in_them() throws IOException {
    Path file =
        file(
            "\ufeffindex\tquestion\timage\tanswer",
            "1\t\"two\nlines\tand a \"\"quote\"\"\"\t" + base64(RED) + "\tsay \"x\"",
            "",
            "2\tü\t" + base64(RED) + "\t\"\"");

    List<Question> examples = examples(toy(file));

    assertThat(examples.get(0).text()).isEqualTo("two\nlines\tand a \"quote\"");
    assertThat(examples.get(0).answers()).containsExactly("say \"x\"");
    assertThat(examples.get(1).text()).isEqualTo("ü");
    assertThat(examples.get(1).answers()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"'\r\n'", "'\r'", "'\n'"})
  void every_line_end_is_one(String end) throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("t.tsv"),
            String.join(
                end,
                "index\timage\tquestion\tanswer",
                "1\t" + base64(RED) + "\tq1\ta",
                "2\t1\tq2\tb"));

    assertThat(examples(toy(file)))
        .extracting(example -> example.answers().get(0))
        .containsExactly("a", "b");
  }

  @Test
  void images_may_be_files_beside_the_table() throws IOException {
    Files.createDirectories(folder.resolve("images/TOY"));
    Files.write(folder.resolve("images/TOY/x.png"), ImageFiles.png(BLUE));
    Path file = file("index\timage_path\tquestion\tanswer", "1\tx.png\tq\ta", "2\ty.png\tq\ta");

    try (Stream<Question> examples = toy(file).questions()) {
      var iterator = examples.iterator();
      assertThat(iterator.next().media()).containsExactly(BLUE);
      assertThatThrownBy(iterator::next)
          .hasMessageContaining("index 2: image 'y.png' is neither beside the table");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "index\\timage\\tquestion\\n1\\tx | row 1: 2 cells, the header has 3",
        "image\\tquestion\\n | has no column 'index'; it has [image, question]",
        "index\\tquestion\\n | has no column 'image_path'",
        "index\\timage\\tquestion\\n1\\t9\\tq\\n1\\t9\\tq | row 2: index '1' is there twice",
        "'' | is empty",
        "index\\timage\\tquestion\\n"
            + "\"1\\t9\\tq | the file ends inside quotes that were opened on line 2",
        "index\\timage\\tquestion\\n1\\t%s\\tq | are no image of a known format"
      })
  void a_malformed_table_says_where_and_what(String content, String expected) throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("t.tsv"),
            content
                .replace("\\t", "\t")
                .replace("\\n", "\n")
                .replace("%s", Base64.getEncoder().encodeToString(new byte[90])));

    assertThatThrownBy(() -> examples(toy(file)))
        .isInstanceOf(BenchmarkException.class)
        .hasMessageContaining("t.tsv'")
        .hasMessageContaining(expected);
  }

  @Test
  void damaged_tables_are_read_or_refused() throws IOException {
    String good =
        "index\timage\tquestion\tanswer\n1\t%s\tq1\t\"a\"\n2\t1\tq2\t['b', 'c']\n"
            .formatted(base64(RED));
    Random random = new Random(4);
    String signs = "\t\n\r\"'[],\\x";
    int read = 0;
    for (int round = 0; round < 400; round++) {
      StringBuilder bad = new StringBuilder(good);
      for (int flips = random.nextInt(4); flips >= 0; flips--) {
        bad.setCharAt(random.nextInt(bad.length()), signs.charAt(random.nextInt(signs.length())));
      }
      Path file = Files.writeString(folder.resolve("t.tsv"), bad);
      try {
        assertThat(examples(toy(file))).hasSizeLessThanOrEqualTo(4);
        read++;
      } catch (BenchmarkException e) {
        assertThat(e).hasMessageContaining("t.tsv'");
      }
    }
    assertThat(read).isBetween(10, 390);
  }

  /** Counts a table in a process of its own; started by the test below. */
  public static void main(String[] arguments) {
    TsvBenchmark benchmark = toy(Path.of(arguments[0]));
    try (Stream<Question> examples = benchmark.questions()) {
      System.out.print(
          benchmark.size()
              + " "
              + examples.mapToInt(example -> example.media().get(0).hashCode()).distinct().count());
    }
  }

  @Tag("slow")
  @Test
  void a_table_larger_than_the_memory_is_read() throws Exception {
    byte[] noise = new byte[3 * 400 * 400];
    Random random = new Random(6);
    Path file = folder.resolve("large.tsv");
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      out.write("index\tquestion\timage\tanswer\n");
      for (int row = 0; row < 150; row++) {
        random.nextBytes(noise);
        out.write("%d\tq\t%s\ta\n".formatted(2 * row, base64(new Image(400, 400, noise))));
        out.write("%d\tq\t%d\ta\n".formatted(2 * row + 1, 2 * row));
      }
    }
    assertThat(Files.size(file)).isGreaterThan(80_000_000);

    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx40m",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                TsvBenchmarkTest.class.getName(),
                file.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes());

    assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
    assertThat(said).isEqualTo("300 150");
  }
}
