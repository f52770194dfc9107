package org.optmerge.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * Questions as JSON objects, one after the other on lines or in one array, with images in a folder.
 *
 * <p>Scalars that are no id, question, answer or image become {@link Question#fields}. A {@code
 * bbox} is the answer of a question of grounding.
 */
final class JsonBenchmark extends FileBenchmark {
  private final List<Path> files;
  private final Map<String, String> columns;
  private final ImageFolder images;

  /**
   * A benchmark in files, which are not read yet.
   *
   * @param name of the benchmark
   * @param files JSON lines or JSON arrays
   * @param columns which key has {@code id}, {@code question}, {@code answers}, {@code image},
   *     {@code bbox}, {@code type}
   * @param media the folder that the images' paths are below
   */
  public JsonBenchmark(String name, List<Path> files, Map<String, String> columns, Path media) {
    super(name);
    this.files = List.copyOf(files);
    this.columns = Map.copyOf(columns);
    this.images = new ImageFolder(media, "to get it: optmerge fetch '%s'".formatted(name));
  }

  @Override
  long count() {
    try (Stream<JsonNode> objects = QuestionStream.of(new JsonObjects(files))) {
      return objects.count();
    }
  }

  @Override
  List<Path> files() {
    return files;
  }

  @Override
  Stream<Question> all() {
    AtomicLong row = new AtomicLong();
    ImageFolder.Reader reader = images.reader();
    return QuestionStream.of(new JsonObjects(files))
        .map(node -> example(node, row.getAndIncrement(), reader));
  }

  @Override
  public Stream<Numbered> numbered() {
    ImageFolder.Reader reader = images.reader();
    return byPicture(
        QuestionStream.of(new JsonObjects(files)),
        node -> texts(node.path(key("image", "image"))),
        (node, row) -> example(node, row, reader));
  }

  private String key(String what, String usual) {
    return columns.getOrDefault(what, usual);
  }

  private Question example(JsonNode node, long row, ImageFolder.Reader reader) {
    JsonNode id = node.path(key("id", "question_id"));
    String name = id.isValueNode() && !id.isNull() ? id.asText() : String.valueOf(row);
    String place = "%s, question %s".formatted(name(), name);
    JsonNode question = node.path(key("question", "question"));
    if (!question.isTextual()) {
      throw new BenchmarkException(
          "%s: no text '%s'".formatted(place, key("question", "question")));
    }
    JsonNode box = node.path(key("bbox", "bbox"));
    List<String> answers =
        box.isArray() ? List.of(box(box, place)) : texts(node.path(key("answers", "answer")));
    Map<String, String> fields = new LinkedHashMap<>();
    node.fields()
        .forEachRemaining(
            field -> {
              if (field.getValue().isValueNode()
                  && !field.getValue().isNull()
                  && !field.getKey().equals(key("image", "image"))
                  && !field.getKey().equals(key("question", "question"))
                  && !field.getKey().equals(key("answers", "answer"))) {
                fields.put(field.getKey(), field.getValue().asText());
              }
            });
    String type = node.path(key("type", "question_type")).asText("");
    return reader.shown(
        new Question(name, name(), type, List.of(), question.asText(), answers, fields),
        texts(node.path(key("image", "image"))));
  }

  private static String box(JsonNode box, String place) {
    List<String> numbers = new ArrayList<>();
    for (JsonNode number : box) {
      if (number.isNumber()) {
        numbers.add(number.asText());
      }
    }
    if (numbers.size() != 4 || box.size() != 4) {
      throw new BenchmarkException("%s: a box is four numbers, not %s".formatted(place, box));
    }
    return "[" + String.join(", ", numbers) + "]";
  }

  /** A text or a list of texts; nothing for null. */
  static List<String> texts(JsonNode node) {
    List<String> texts = new ArrayList<>();
    if (node.isArray()) {
      for (JsonNode element : node) {
        texts.add(element.isTextual() ? element.asText() : element.toString());
      }
    } else if (node.isValueNode() && !node.isNull()) {
      texts.add(node.asText());
    }
    return texts;
  }
}
