package org.optmerge.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.JsonBenchmark.JsonObjects;
import org.optmerge.model.media.Media;

/**
 * Questions as ModelCompose has them: conversations about images, sounds and videos, and the
 * answers in a file of their own, found by id.
 *
 * <p>The question is what the human says, taken as it is. Images are read; where sounds and videos
 * are is in the fields {@code audio} and {@code video}.
 *
 * @see <a href="https://aclanthology.org/2024.acl-long.606">Chen et al., Model Composition for
 *     Multimodal Large Language Models, ACL 2024</a>
 */
public final class ConversationBenchmark implements Benchmark {
  private final String name;
  private final Path questions;
  private final @Nullable Path answers;
  private final ImageFolder images;
  private long size = -1; // guarded by this

  /**
   * A benchmark in files, which are not read yet.
   *
   * @param answers null: each conversation's own last turn is its answer
   * @param media the folder that the paths of images are below
   */
  public ConversationBenchmark(String name, Path questions, @Nullable Path answers, Path media) {
    this.name = name;
    this.questions = questions;
    this.answers = answers;
    this.images =
        new ImageFolder(media, "'optmerge manifests %s' says where to get it".formatted(name));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public synchronized long size() {
    if (size < 0) {
      try (JsonObjects objects = new JsonObjects(List.of(questions))) {
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
    Map<String, String> known = answers == null ? Map.of() : answers(answers);
    JsonObjects objects = new JsonObjects(List.of(questions));
    return QuestionStream.of(
        new QuestionStream.Source<>() {
          @Override
          public @Nullable Question next() throws IOException {
            JsonNode node = objects.next();
            return node == null ? null : example(node, known);
          }

          @Override
          public void close() throws IOException {
            objects.close();
          }
        });
  }

  private Map<String, String> answers(Path file) {
    Map<String, String> known = new HashMap<>();
    try (JsonObjects objects = new JsonObjects(List.of(file))) {
      for (JsonNode node = objects.next(); node != null; node = objects.next()) {
        known.put(node.path("id").asText(), lastTurn(node));
      }
    } catch (IOException e) {
      throw new BenchmarkException(String.valueOf(e.getMessage()), e);
    }
    return known;
  }

  private Question example(JsonNode node, Map<String, String> known) {
    String id = node.path("id").asText();
    JsonNode first = node.path("conversations").path(0);
    if (!first.path("value").isTextual()) {
      throw new BenchmarkException("%s, question %s: nobody says anything".formatted(name, id));
    }
    String answer = answers == null ? lastTurn(node) : known.get(id);
    if (answer == null) {
      throw new BenchmarkException(
          "%s, question %s: '%s' has no answer to it".formatted(name, id, answers));
    }
    JsonNode inputs = node.path("modal_inputs");
    Map<String, String> fields = new LinkedHashMap<>();
    for (String kind : List.of("audio", "video")) {
      List<String> paths = JsonBenchmark.texts(inputs.path(kind));
      if (!paths.isEmpty()) {
        fields.put(kind, String.join("\n", paths));
      }
    }
    List<Media> media = new ArrayList<>();
    for (String path : JsonBenchmark.texts(inputs.path("vision"))) {
      try {
        media.add(images.read(path));
      } catch (IOException e) {
        throw new BenchmarkException("%s, question %s: %s".formatted(name, id, e.getMessage()), e);
      }
    }
    return new Question(
        id,
        name,
        node.path("type").asText(""),
        media,
        first.path("value").asText(),
        List.of(answer),
        fields);
  }

  private static String lastTurn(JsonNode node) {
    JsonNode turns = node.path("conversations");
    return turns.path(turns.size() - 1).path("value").asText();
  }
}
