package org.optmerge.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.code_intelligence.jazzer.junit.DictionaryFile;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
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
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.fuzz.Sandbox;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;

/** Lists of questions of every form with any bytes in them. */
class QuestionsFuzzTest {
  private static final String DICTIONARY = "/org/optmerge/fuzz/questions.dict";
  private static final Sandbox BOX = Sandbox.open();
  private static final byte[] PNG = ImageFiles.png(new Image(1, 1, new byte[] {(byte) 255, 0, 0}));

  private static Stream<byte[]> texts(String... texts) {
    return Stream.of(texts).map(text -> text.getBytes(UTF_8));
  }

  private static void ask(byte[] data, Benchmark benchmark) throws Exception {
    BOX.file("1.png", PNG);
    BOX.holds(
        data,
        () -> {
          benchmark.size();
          try (Stream<Question> questions = benchmark.questions()) {
            questions.limit(20).toList();
          }
        });
  }

  static Stream<byte[]> ownLists() {
    return texts(
        "{\"image\":\"1.png\",\"question\":\"How many?\",\"answer\":\"4\",\"group\":\"g\"}\n{\"id\":\"7\",\"images\":[\"1.png\",\"1.png\"],\"question\":\"?\",\"answers\":[\"a\",\"b\"],\"A\":\"x\"}\n",
        "{\"question\":\"text only\",\"answer\":1.50}\n");
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("ownLists")
  @FuzzTest
  void questionLines(byte[] data) throws Exception {
    Path file = BOX.file("questions.jsonl", data);
    BOX.file("1.png", PNG);
    BOX.holds(
        data,
        () -> {
          try (Stream<Question> questions = QuestionFile.open(file).questions()) {
            questions.limit(20).toList();
          }
        });
  }

  static Stream<byte[]> ownTables() {
    return texts("image,question,answers\n1.png,\"How, many?\",\"['4', 'four']\"\n1.png,x,y\n");
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("ownTables")
  @FuzzTest
  void questionTable(byte[] data) throws Exception {
    Path file = BOX.file("questions.csv", data);
    BOX.file("1.png", PNG);
    BOX.holds(
        data,
        () -> {
          try (Stream<Question> questions = QuestionFile.open(file).questions()) {
            questions.limit(20).toList();
          }
        });
  }

  static Stream<byte[]> kitTables() {
    String png = Base64.getEncoder().encodeToString(PNG);
    return texts(
        "index\timage\tquestion\tanswer\n0\t"
            + png
            + "\tWhat?\tA\n1\t0\t\"Who\nis?\"\t['a', 'b']\n",
        "index\timage_path\tquestion\tanswer\tcategory\n7\t['1.png']\t?\tB\tx\n");
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("kitTables")
  @FuzzTest
  void kitTable(byte[] data) throws Exception {
    ask(data, new TsvBenchmark("TOY", BOX.file("toy.tsv", data), Map.of()));
  }

  static Stream<byte[]> jsonLists() {
    return texts(
        "[{\"question_id\":1,\"image\":\"1.png\",\"question\":\"?\",\"answer\":\"a\"}]",
        "{\"question_id\":\"1\",\"image\":\"1.png\",\"sent\":\"?\",\"answers\":[\"a\",\"b\"],\"bbox\":[1,2,3,4],\"width\":9,\"height\":9}\n{\"question_id\":\"2\",\"image\":\"1.png\",\"question\":\"?\",\"answer\":\"a\"}");
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("jsonLists")
  @FuzzTest
  void jsonList(byte[] data) throws Exception {
    Path file = BOX.file("list.jsonl", data);
    ask(
        data,
        new JsonBenchmark(
            "LIST",
            List.of(file),
            Map.of("id", "question_id", "answers", "answer", "bbox", "bbox"),
            BOX.folder()));
  }

  static Stream<byte[]> conversations() {
    return texts(
        "[{\"id\":1,\"image\":\"1.png\",\"conversations\":[{\"from\":\"human\",\"value\":\"<image>\\n?\"},{\"from\":\"gpt\",\"value\":\"a\"}]}]");
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("conversations")
  @FuzzTest
  void conversation(byte[] data) throws Exception {
    Path file = BOX.file("talk.json", data);
    ask(data, new ConversationBenchmark("TALK", file, null, BOX.folder()));
  }

  static Stream<byte[]> parquets() throws IOException {
    MessageType schema =
        MessageTypeParser.parseMessageType(
            "message m { required binary question_id (UTF8); required group image { required"
                + " binary bytes; optional binary path (UTF8); } required binary question (UTF8);"
                + " optional binary answer (UTF8); }");
    Path file = BOX.folder().resolve("seed.parquet");
    Files.deleteIfExists(file);
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(file))
            .withType(schema)
            .withConf(new PlainParquetConfiguration())
            .withCompressionCodec(CompressionCodecName.UNCOMPRESSED)
            .build()) {
      Group row = new SimpleGroup(schema);
      row.append("question_id", "1");
      row.addGroup("image").append("bytes", Binary.fromConstantByteArray(PNG)).append("path", "x");
      row.append("question", "?").append("answer", "a");
      writer.write(row);
    }
    return Stream.of(Files.readAllBytes(file));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("parquets")
  @FuzzTest
  void parquet(byte[] data) throws Exception {
    Path file = BOX.file("list.parquet", data);
    ask(
        data,
        new ParquetBenchmark(
            "LIST",
            List.of(file),
            Map.of(
                "id", "question_id", "question", "question", "answers", "answer", "image", "image"),
            null,
            null));
  }
}
