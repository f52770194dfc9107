package org.optmerge.benchmark;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.model.media.Media;

/**
 * Questions as JSON objects, one after the other on lines or in one array, with images in a folder.
 *
 * <p>Scalars that are no id, question, answer or image become {@link Question#fields}. A {@code
 * bbox} is the answer of a question of grounding.
 */
public final class JsonBenchmark implements Benchmark {
  private final String name;
  private final List<Path> files;
  private final Map<String, String> columns;
  private final ImageFolder images;
  private long size = -1; // guarded by this

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
    this.name = name;
    this.files = List.copyOf(files);
    this.columns = Map.copyOf(columns);
    this.images = new ImageFolder(media, "to get it: optmerge fetch '%s'".formatted(name));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public synchronized long size() {
    if (size < 0) {
      try (JsonObjects objects = new JsonObjects(files)) {
        long count = 0;
        while (objects.skip()) {
          count++;
        }
        size = count;
      } catch (IOException e) {
        throw new BenchmarkException(String.valueOf(e.getMessage()), e);
      }
    }
    return size;
  }

  @Override
  public Stream<Question> questions() {
    JsonObjects objects = new JsonObjects(files);
    return QuestionStream.of(
        new QuestionStream.Source<>() {
          private long row;

          @Override
          public @Nullable Question next() throws IOException {
            JsonNode node = objects.next();
            return node == null ? null : example(node, row++);
          }

          @Override
          public void close() throws IOException {
            objects.close();
          }
        });
  }

  private String key(String what, String usual) {
    return columns.getOrDefault(what, usual);
  }

  private Question example(JsonNode node, long row) throws IOException {
    JsonNode id = node.path(key("id", "question_id"));
    String name = id.isValueNode() && !id.isNull() ? id.asText() : String.valueOf(row);
    JsonNode question = node.path(key("question", "question"));
    if (!question.isTextual()) {
      throw new BenchmarkException(
          "%s, question %s: no text '%s'".formatted(this.name, name, key("question", "question")));
    }
    List<Media> media = new ArrayList<>();
    for (String path : texts(node.path(key("image", "image")))) {
      try {
        media.add(images.read(path));
      } catch (IOException e) {
        throw new BenchmarkException(
            "%s, question %s: %s".formatted(this.name, name, e.getMessage()), e);
      }
    }
    JsonNode box = node.path(key("bbox", "bbox"));
    List<String> answers =
        box.isArray() ? List.of(box(box, name)) : texts(node.path(key("answers", "answer")));
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
    return new Question(name, this.name, type, media, question.asText(), answers, fields);
  }

  private String box(JsonNode box, String id) {
    List<String> numbers = new ArrayList<>();
    for (JsonNode number : box) {
      if (number.isNumber()) {
        numbers.add(number.asText());
      }
    }
    if (numbers.size() != 4 || box.size() != 4) {
      throw new BenchmarkException(
          "%s, question %s: a box is four numbers, not %s".formatted(name, id, box));
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

  /** The objects of files, one at a time. */
  static final class JsonObjects implements AutoCloseable {
    private final List<Path> files;
    private int next;
    private @Nullable JsonParser parser;
    private @Nullable Path current;

    JsonObjects(List<Path> files) {
      this.files = files;
    }

    @Nullable JsonNode next() throws IOException {
      JsonParser at = advance();
      if (at == null) {
        return null;
      }
      try {
        return Json.plain().readTree(at);
      } catch (JsonProcessingException e) {
        throw damaged(e);
      }
    }

    boolean skip() throws IOException {
      JsonParser at = advance();
      if (at == null) {
        return false;
      }
      try {
        at.skipChildren();
        if (at.currentToken() != JsonToken.END_OBJECT) {
          throw new IOException("'%s' ends within an object".formatted(current));
        }
        return true;
      } catch (JsonProcessingException e) {
        throw damaged(e);
      }
    }

    /** Goes to the beginning of the next object; null at the end of the last file. */
    private @Nullable JsonParser advance() throws IOException {
      while (true) {
        if (parser == null) {
          if (next == files.size()) {
            return null;
          }
          current = files.get(next++);
          parser = Json.plain().getFactory().createParser(current.toFile());
        }
        JsonToken token;
        try {
          token = parser.nextToken();
          if (token == JsonToken.START_ARRAY || token == JsonToken.END_ARRAY) {
            continue; // of the array around them
          }
        } catch (JsonProcessingException e) {
          throw damaged(e);
        }
        if (token == JsonToken.START_OBJECT) {
          return parser;
        }
        if (token != null) {
          throw new IOException(
              "'%s', line %d: expected an object, got %s"
                  .formatted(current, parser.currentLocation().getLineNr(), token));
        }
        parser.close();
        parser = null;
      }
    }

    private IOException damaged(JsonProcessingException e) {
      return new IOException(
          "'%s', line %d: %s"
              .formatted(current, e.getLocation().getLineNr(), e.getOriginalMessage()),
          e);
    }

    @Override
    public void close() throws IOException {
      if (parser != null) {
        parser.close();
      }
    }
  }
}
