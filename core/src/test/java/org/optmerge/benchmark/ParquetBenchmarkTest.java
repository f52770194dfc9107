package org.optmerge.benchmark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.benchmark.ParquetBenchmark.Table;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;
import org.optmerge.standin.StandInWorld;

class ParquetBenchmarkTest {
  private static final Map<String, String> REFCOCO_COLUMNS =
      Map.of("id", "question_id", "question", "answer", "image", "image", "bbox", "bbox");

  @TempDir private Path folder;

  private static Image image(int width, int height, int seed) {
    byte[] rgb = new byte[3 * width * height];
    new Random(seed).nextBytes(rgb);
    return new Image(width, height, rgb);
  }

  private Path write(
      String name, MessageType schema, CompressionCodecName codec, List<Group> rows, long rowGroup)
      throws IOException {
    Path file = folder.resolve(name);
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(file))
            .withType(schema)
            .withConf(new PlainParquetConfiguration())
            .withCompressionCodec(codec)
            .withRowGroupSize(rowGroup)
            .build()) {
      for (Group row : rows) {
        writer.write(row);
      }
    }
    return file;
  }

  private static void list(Group row, String column, Object... values) {
    Group list = row.addGroup(column);
    for (Object value : values) {
      Group element = list.addGroup("list");
      if (value instanceof Float number) {
        element.append("element", number);
      } else {
        element.append("element", (String) value);
      }
    }
  }

  private static void image(Group row, Image image) {
    row.addGroup("image")
        .append("bytes", Binary.fromConstantByteArray(ImageFiles.png(image)))
        .append("path", "x.png");
  }

  private static Group object(String id, Image image, List<String> expressions, float... box) {
    Group row = new SimpleGroup(StandInWorld.REFCOCO);
    row.append("question_id", id);
    image(row, image);
    row.append("question", "Please describe the region.");
    list(row, "answer", expressions.toArray());
    list(row, "segmentation", 1f, 2f);
    list(row, "bbox", box[0], box[1], box[2], box[3]);
    row.append("iscrowd", 0);
    row.append("file_name", "COCO_x_" + id + ".jpg");
    return row;
  }

  private static List<Question> examples(Benchmark benchmark) {
    try (Stream<Question> examples = benchmark.questions()) {
      return examples.toList();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"UNCOMPRESSED", "SNAPPY", "ZSTD", "LZ4_RAW"})
  void each_expression_of_an_object_is_an_example_with_its_box_in_shares(CompressionCodecName codec)
      throws IOException {
    Image first = image(8, 4, 1);
    Image second = image(10, 10, 2);
    Path file =
        write(
            "val-0.parquet",
            StandInWorld.REFCOCO,
            codec,
            List.of(
                object("11", first, List.of("left one", "man"), 2, 1, 4, 2),
                object("12", second, List.of("dog"), 0, 0, 3, 10)),
            1 << 20);
    ParquetBenchmark benchmark =
        new ParquetBenchmark("ref", List.of(file), REFCOCO_COLUMNS, "answer", null);

    List<Question> examples = examples(benchmark);

    assertThat(benchmark.size()).isEqualTo(3);
    assertThat(examples).extracting(Question::id).containsExactly("0", "1", "2");
    assertThat(examples).extracting(Question::text).containsExactly("left one", "man", "dog");
    // (2, 1, 4, 2) in 8 x 4 pixels; 3 / 10 as a float, widened again
    assertThat(examples)
        .extracting(example -> example.answers().get(0))
        .containsExactly(
            "[0.25, 0.25, 0.75, 0.75]",
            "[0.25, 0.25, 0.75, 0.75]",
            "[0.0, 0.0, 0.30000001192092896, 1.0]");
    assertThat(examples.get(1).media()).containsExactly(first);
    assertThat(examples.get(1).media().get(0)).isSameAs(examples.get(0).media().get(0));
    assertThat(examples.get(2).media()).containsExactly(second);
    assertThat(examples.get(2).fields())
        .containsEntry("question_id", "12")
        .containsEntry("iscrowd", "0")
        .containsEntry("file_name", "COCO_x_12.jpg")
        .doesNotContainKey("segmentation");
  }

  @Test
  void files_and_groups_of_rows_follow_each_other() throws IOException {
    MessageType schema =
        MessageTypeParser.parseMessageType(
            """
            message schema {
              optional int64 question_id;
              optional binary question (STRING);
              optional group image { optional binary bytes; optional binary path (STRING); }
              optional group answers (LIST) { repeated group list { optional binary element (STRING); } }
              optional binary category (STRING);
            }
            """);
    List<Path> files = new java.util.ArrayList<>();
    int id = 0;
    for (String name : List.of("a.parquet", "empty.parquet", "b.parquet")) {
      List<Group> rows = new java.util.ArrayList<>();
      for (int i = 0; i < (name.startsWith("e") ? 0 : 250); i++, id++) {
        Group row = new SimpleGroup(schema);
        row.append("question_id", (long) id);
        row.append("question", "q" + id);
        image(row, image(16, 16, id));
        list(row, "answers", "a" + id, "b" + id);
        row.append("category", id % 2 == 0 ? "even" : "odd");
        rows.add(row);
      }
      files.add(write(name, schema, CompressionCodecName.SNAPPY, rows, 1 << 15));
    }
    ParquetBenchmark benchmark =
        new ParquetBenchmark(
            "many", files, Map.of("answers", "answers", "type", "category"), null, null);

    List<Question> examples = examples(benchmark);

    assertThat(benchmark.size()).isEqualTo(500);
    assertThat(examples).hasSize(500);
    for (int i = 0; i < 500; i++) {
      Question example = examples.get(i);
      assertThat(example.id()).isEqualTo(String.valueOf(i));
      assertThat(example.text()).isEqualTo("q" + i);
      assertThat(example.answers()).containsExactly("a" + i, "b" + i);
      assertThat(example.type()).isEqualTo(i % 2 == 0 ? "even" : "odd");
      assertThat(example.media()).containsExactly(image(16, 16, i));
    }
  }

  @Test
  void images_may_be_in_a_table_of_their_own() throws IOException {
    MessageType questions =
        MessageTypeParser.parseMessageType(
            """
            message schema {
              optional binary id (STRING); optional binary imageId (STRING);
              optional binary question (STRING); optional binary answer (STRING);
              optional group semantic (LIST) { repeated group list { optional group element {
                optional binary operation (STRING); } } }
            }
            """);
    MessageType images =
        MessageTypeParser.parseMessageType(
            """
            message schema {
              optional binary id (STRING);
              optional group image { optional binary bytes; optional binary path (STRING); }
            }
            """);
    List<Group> asked = new java.util.ArrayList<>();
    for (String[] row :
        new String[][] {{"q1", "n2"}, {"q2", "n1"}, {"q3", "n1"}, {"q4", "n3"}, {"q5", "n2"}}) {
      asked.add(
          new SimpleGroup(questions)
              .append("id", row[0])
              .append("imageId", row[1])
              .append("question", "Is it?")
              .append("answer", "yes"));
    }
    List<Group> shown = new java.util.ArrayList<>();
    for (int i = 1; i <= 2; i++) {
      Group row = new SimpleGroup(images).append("id", "n" + i);
      image(row, image(5, 5, i));
      shown.add(row);
    }
    ParquetBenchmark benchmark =
        new ParquetBenchmark(
            "gqa",
            List.of(write("q.parquet", questions, CompressionCodecName.SNAPPY, asked, 1 << 20)),
            Map.of("id", "id"),
            null,
            new Table(
                List.of(write("i.parquet", images, CompressionCodecName.SNAPPY, shown, 1 << 20)),
                "id",
                "image",
                "imageId"));

    try (Stream<Question> examples = benchmark.questions()) {
      var iterator = examples.iterator();
      assertThat(iterator.next().media()).containsExactly(image(5, 5, 2));
      assertThat(iterator.next().media()).containsExactly(image(5, 5, 1));
      Question third = iterator.next();
      assertThat(third.media()).containsExactly(image(5, 5, 1));
      assertThat(third.id()).isEqualTo("q3");
      assertThat(third.fields()).containsEntry("imageId", "n1").doesNotContainKey("semantic");
      assertThatThrownBy(iterator::next)
          .isInstanceOf(BenchmarkException.class)
          .hasMessage("gqa, question q4: image 'n3' is not in the table of images");
    }
    try (Stream<Benchmark.Numbered> numbered = benchmark.numbered()) {
      List<Benchmark.Numbered> inOrder = numbered.toList();
      assertThat(inOrder)
          .extracting(one -> one.number() + " " + one.question().id())
          .containsExactly("0 q1", "4 q5", "1 q2", "2 q3", "3 q4");
      assertThat(inOrder.get(1).question().media().get(0))
          .as("each picture is read once")
          .isSameAs(inOrder.get(0).question().media().get(0));
      assertThat(inOrder.get(4).question().fault()).isPresent();
    }
  }

  @Test
  void what_is_no_parquet_is_said_to_be_none() throws IOException {
    Path file = Files.writeString(folder.resolve("x.parquet"), "no parquet, only text in a file");
    ParquetBenchmark benchmark = new ParquetBenchmark("x", List.of(file), Map.of(), null, null);

    assertThatThrownBy(benchmark::size)
        .isInstanceOf(BenchmarkException.class)
        .hasMessageContaining("x.parquet' is no Parquet file that can be read");
    assertThatThrownBy(() -> examples(benchmark))
        .isInstanceOf(BenchmarkException.class)
        .hasMessageContaining("x.parquet' is no Parquet file that can be read");
  }

  @Test
  void a_parquet_cut_short_is_an_error() throws IOException {
    Path file =
        write(
            "val.parquet",
            StandInWorld.REFCOCO,
            CompressionCodecName.SNAPPY,
            List.of(object("1", image(8, 8, 3), List.of("x"), 1, 1, 2, 2)),
            1 << 20);
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 20));

    assertThatThrownBy(
            () ->
                examples(new ParquetBenchmark("r", List.of(file), REFCOCO_COLUMNS, "answer", null)))
        .isInstanceOf(BenchmarkException.class)
        .hasMessageContaining("val.parquet");
  }

  @Test
  void a_box_without_four_numbers_is_an_error() throws IOException {
    Group row = object("1", image(8, 8, 3), List.of("x"), 1, 1, 2, 2);
    row.getGroup("bbox", 0).addGroup("list").append("element", 5f);
    Path file =
        write(
            "v.parquet", StandInWorld.REFCOCO, CompressionCodecName.SNAPPY, List.of(row), 1 << 20);

    assertThatThrownBy(
            () ->
                examples(new ParquetBenchmark("r", List.of(file), REFCOCO_COLUMNS, "answer", null)))
        .hasMessageContaining("r, example 0: a box is four numbers");
  }
}
