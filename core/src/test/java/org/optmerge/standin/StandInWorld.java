package org.optmerge.standin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;

/**
 * Everything that the paper's tables 2 and 3 need, in small: a hub with the checkpoints and data
 * sets under their published names and in their published formats, and a data folder with manifests
 * that say where they are.
 */
public final class StandInWorld implements AutoCloseable {
  private static final Path SHIPPED = Path.of("../data-manifests");
  private static final List<String> TASKS = List.of("VQA", "Geometry", "Chart", "OCR", "Grounding");
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** RefCOCO of lmms-eval, as the hub's library writes lists, images, and lists of numbers. */
  public static final MessageType REFCOCO =
      MessageTypeParser.parseMessageType(
          """
          message schema {
            optional binary question_id (STRING);
            optional group image { optional binary bytes; optional binary path (STRING); }
            optional binary question (STRING);
            optional group answer (LIST) { repeated group list { optional binary element (STRING); } }
            optional group segmentation (LIST) { repeated group list { optional float element; } }
            optional group bbox (LIST) { repeated group list { optional float element; } }
            optional int32 iscrowd (INTEGER(8,true));
            optional binary file_name (STRING);
          }
          """);

  private final Path published;
  private final Path data;
  private final StandInHub hub;
  private final int questions;

  /**
   * @param folder for all of it
   * @param questions of each data set
   */
  public StandInWorld(Path folder, int questions) throws IOException {
    this.published = folder.resolve("published");
    this.data = folder.resolve("data");
    this.questions = questions;
    this.hub = new StandInHub(published);
  }

  /** The hub. */
  public StandInHub hub() {
    return hub;
  }

  /** The data folder, which has manifests and nothing else at first. */
  public Path data() {
    return data;
  }

  /** Publishes the checkpoints of the paper's table 2, and gives their manifests' names. */
  public List<String> internVl() throws IOException {
    List<String> names = new ArrayList<>(List.of("InternVL2_5-1B"));
    StandInModels.internVl(model("OpenGVLab/InternVL2_5-1B"), StandInModels.Expert.NONE);
    for (String task : TASKS) {
      StandInModels.internVl(
          model("yongxianwei/InternVL2_5-1B_" + task),
          new StandInModels.Expert(TASKS.indexOf(task) + 1, 0.2));
      names.add("InternVL2_5-1B-" + task);
    }
    return names;
  }

  /** Publishes the checkpoints of the paper's table 3. */
  public List<String> qwen2Vl() throws IOException {
    List<String> names = new ArrayList<>(List.of("Qwen2-VL-7B", "Qwen2-VL-7B-Instruct"));
    StandInModels.qwen2Vl(model("Qwen/Qwen2-VL-7B"), StandInModels.Expert.NONE);
    StandInModels.qwen2Vl(model("Qwen/Qwen2-VL-7B-Instruct"), new StandInModels.Expert(9, 0.3));
    for (String task : TASKS) {
      StandInModels.qwen2Vl(
          model("yongxianwei/Qwen2-VL-7B-" + task),
          new StandInModels.Expert(TASKS.indexOf(task) + 1, 0.2));
      names.add("Qwen2-VL-7B-" + task);
    }
    return names;
  }

  private Path model(String repository) {
    return published.resolve("models").resolve(repository);
  }

  /** Publishes the ten data sets of both families, writes all manifests, and gives their names. */
  public List<String> dataSets() throws IOException {
    table(
        "VizWiz",
        "answers",
        i -> "\"['yes', 'yes', 'yes', 'no', '14', 'red', 'yes', 'B', 'two', 'no']\"");
    table("GQA_TestDev_Balanced", "answer\tcategory", i -> word(i) + "\tobject");
    table(
        "MathVista_MINI",
        "answer\tquestion_type\tanswer_type\tanswer_option\tchoices\ttask\tskills",
        i ->
            i % 2 == 0
                ? "14\tfree_form\tinteger\t\t\tgeometry problem solving\t['geometry reasoning', 'algebraic reasoning']"
                : "yes\tmulti_choice\ttext\tA\t['yes', 'no']\tfigure question answering\t['geometry reasoning']");
    table(
        "MathVision_MINI",
        "answer\tchoices\tcategory",
        i ->
            (i % 2 == 0 ? "14\t[]\t" : "B\t['1', '2']\t")
                + List.of(
                        "metric geometry - angle",
                        "metric geometry - area",
                        "metric geometry - length",
                        "solid geometry")
                    .get(i % 4));
    table(
        "ChartQA_TEST",
        "answer\tsplit",
        i -> word(i) + (i % 2 == 0 ? "\ttest_human" : "\ttest_augmented"));
    table(
        "TextVQA_VAL",
        "answer",
        i ->
            "\"['%s', '%s', 'B', 'B', 'no', 'no', 'no', 'x', 'y', 'z']\""
                .formatted(word(i), word(i)));
    table("OCRVQA_TESTCORE", "answer", i -> "['%s', 'B']".formatted(word(i)));
    internVlGrounding();
    for (String name : List.of("RefCOCO", "RefCOCOplus", "RefCOCOg")) {
      parquet(published.resolve("datasets/lmms-lab/" + name + "/data/val-00000-of-00001.parquet"));
    }
    manifests();
    return List.of(
        "VizWiz",
        "GQA_TestDev_Balanced",
        "MathVista_MINI",
        "MathVision_MINI",
        "ChartQA_TEST",
        "TextVQA_VAL",
        "OCRVQA_TESTCORE",
        "RefCOCO-InternVL",
        "RefCOCO-lmms-eval",
        "RefCOCOplus-lmms-eval",
        "RefCOCOg-lmms-eval");
  }

  private interface Row {
    String cells(int number);
  }

  private static String word(int number) {
    return List.of("yes", "no", "red", "two", "14", "B").get(number % 6);
  }

  private void table(String name, String header, Row row) throws IOException {
    List<String> rows = new ArrayList<>();
    for (int i = 0; i < questions; i++) {
      rows.add(row.cells(i));
    }
    StandInData.table(published.resolve("files/" + name + ".tsv"), header, rows);
  }

  private void internVlGrounding() throws IOException {
    StringBuilder lines = new StringBuilder();
    ByteArrayOutputStream zip = new ByteArrayOutputStream();
    try (ZipOutputStream out = new ZipOutputStream(zip)) {
      for (int i = 0; i < questions; i++) {
        Image image = StandInData.picture(80 + i, 60, i);
        String name = "train2014/COCO_train2014_%012d.jpg".formatted(i);
        out.putNextEntry(new ZipEntry(name));
        out.write(ImageFiles.png(image)); // the content tells the format, not the name
        out.closeEntry();
        lines.append(
            "{\"image\": \"data/coco/%s\", \"sent\": \"the left one %d\", \"bbox\": [8.0, 12.0, 48.5, 42.0], \"width\": %d, \"height\": 60}\n"
                .formatted(name, i, 80 + i));
      }
    }
    for (JsonNode source : shipped("RefCOCO-InternVL").path("sources")) {
      Path file = published.resolve("files").resolve(source.path("path").asText());
      Files.createDirectories(file.getParent());
      if (file.toString().endsWith(".zip")) {
        Files.write(file, zip.toByteArray());
      } else {
        Files.writeString(file, lines);
      }
    }
  }

  private void parquet(Path file) throws IOException {
    Files.createDirectories(file.getParent());
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(file))
            .withType(REFCOCO)
            .withConf(new PlainParquetConfiguration())
            .build()) {
      for (int i = 0; i < questions / 2; i++) {
        Group row = new SimpleGroup(REFCOCO);
        row.append("question_id", "q" + i);
        row.addGroup("image")
            .append(
                "bytes",
                Binary.fromConstantByteArray(ImageFiles.png(StandInData.picture(90 + i, 70, i))))
            .append("path", "x.png");
        row.append("question", "Please describe the region.");
        Group answers = row.addGroup("answer");
        answers.addGroup("list").append("element", "the left one " + i);
        answers.addGroup("list").append("element", "not the right one " + i);
        Group box = row.addGroup("bbox");
        for (float side : new float[] {9, 14, 45, 35}) {
          box.addGroup("list").append("element", side);
        }
        row.append("iscrowd", 0);
        row.append("file_name", "COCO_" + i + ".jpg");
        writer.write(row);
      }
    }
  }

  private static ObjectNode shipped(String name) throws IOException {
    return (ObjectNode) MAPPER.readTree(SHIPPED.resolve(name + ".json").toFile());
  }

  /** The shipped manifests of files that the hub has here, with its address in place of theirs. */
  private void manifests() throws IOException {
    Path folder = Files.createDirectories(data.resolve("manifests"));
    try (var files = Files.list(SHIPPED)) {
      for (Path file : files.filter(one -> one.toString().endsWith(".json")).toList()) {
        ObjectNode manifest = (ObjectNode) MAPPER.readTree(file.toFile());
        boolean here = false;
        for (JsonNode source : manifest.path("sources")) {
          Path stand = published.resolve("files").resolve(source.path("path").asText("none"));
          if (source.path("type").asText().equals("file") && Files.isRegularFile(stand)) {
            here = true;
            ((ObjectNode) source)
                .put("url", hub.address() + "/files/" + source.path("path").asText())
                .putNull("md5")
                .put("sha256", org.optmerge.base.Sha256.of(stand))
                .put("checksum_source", "the test")
                .put("bytes", Files.size(stand));
          }
        }
        if (here) {
          manifest.path("benchmarks").forEach(one -> ((ObjectNode) one).putNull("examples"));
          MAPPER.writeValue(folder.resolve(file.getFileName()).toFile(), manifest);
        }
      }
    }
  }

  @Override
  public void close() {
    hub.close();
  }
}
