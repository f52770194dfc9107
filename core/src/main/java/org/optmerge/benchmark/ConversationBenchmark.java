package org.optmerge.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

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
final class ConversationBenchmark extends FileBenchmark {
  private final Path questions;
  private final @Nullable Path answers;
  private final ImageFolder images;

  /**
   * A benchmark in files, which are not read yet.
   *
   * @param answers null: each conversation's own last turn is its answer
   * @param media the folder that the paths of images are below
   */
  public ConversationBenchmark(String name, Path questions, @Nullable Path answers, Path media) {
    super(name);
    this.questions = questions;
    this.answers = answers;
    this.images =
        new ImageFolder(media, "'optmerge manifests %s' says where to get it".formatted(name));
  }

  @Override
  long count() {
    try (Stream<JsonNode> objects = QuestionStream.of(new JsonObjects(List.of(questions)))) {
      return objects.count();
    }
  }

  @Override
  List<Path> files() {
    return answers == null ? List.of(questions) : List.of(questions, answers);
  }

  @Override
  Stream<Question> all() {
    Map<String, String> known = answers == null ? Map.of() : answers(answers);
    ImageFolder.Reader reader = images.reader();
    return QuestionStream.of(new JsonObjects(List.of(questions)))
        .map(node -> example(node, known, reader));
  }

  @Override
  public Stream<Numbered> numbered() {
    Map<String, String> known = answers == null ? Map.of() : answers(answers);
    ImageFolder.Reader reader = images.reader();
    return byPicture(
        QuestionStream.of(new JsonObjects(List.of(questions))),
        ConversationBenchmark::pictures,
        (node, row) -> example(node, known, reader));
  }

  private static List<String> pictures(JsonNode node) {
    return JsonBenchmark.texts(node.path("modal_inputs").path("vision"));
  }

  private static Map<String, String> answers(Path file) {
    try (Stream<JsonNode> objects = QuestionStream.of(new JsonObjects(List.of(file)))) {
      return objects.collect(
          Collectors.toMap(
              node -> node.path("id").asText(),
              ConversationBenchmark::lastTurn,
              (before, after) -> after));
    }
  }

  private Question example(JsonNode node, Map<String, String> known, ImageFolder.Reader reader) {
    String id = node.path("id").asText();
    String place = "%s, question %s".formatted(name(), id);
    JsonNode first = node.path("conversations").path(0);
    if (!first.path("value").isTextual()) {
      throw new BenchmarkException(place + ": nobody says anything");
    }
    String answer = answers == null ? lastTurn(node) : known.get(id);
    if (answer == null) {
      throw new BenchmarkException("%s: '%s' has no answer to it".formatted(place, answers));
    }
    JsonNode inputs = node.path("modal_inputs");
    Map<String, String> fields = new LinkedHashMap<>();
    for (String kind : List.of("audio", "video")) {
      List<String> paths = JsonBenchmark.texts(inputs.path(kind));
      if (!paths.isEmpty()) {
        fields.put(kind, String.join("\n", paths));
      }
    }
    Question question =
        new Question(
            id,
            name(),
            node.path("type").asText(""),
            List.of(),
            first.path("value").asText(),
            List.of(answer),
            fields);
    return reader.shown(question, pictures(node));
  }

  private static String lastTurn(JsonNode node) {
    JsonNode turns = node.path("conversations");
    return turns.path(turns.size() - 1).path("value").asText();
  }
}
