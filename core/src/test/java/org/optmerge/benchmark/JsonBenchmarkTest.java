package org.optmerge.benchmark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;

class JsonBenchmarkTest {
  private static final Image RED = new Image(1, 1, new byte[] {(byte) 255, 0, 0});
  private static final Map<String, String> REFCOCO = Map.of("question", "sent");

  @TempDir private Path folder;

  @BeforeEach
  void image() throws IOException {
    Files.createDirectories(folder.resolve("coco/train2014"));
    Files.write(folder.resolve("coco/train2014/1.png"), ImageFiles.png(RED));
  }

  private Path file(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }

  private static List<Question> examples(Benchmark benchmark) {
    try (Stream<Question> examples = benchmark.questions()) {
      return examples.toList();
    }
  }

  private JsonBenchmark toy(String content, Map<String, String> columns) throws IOException {
    return new JsonBenchmark(
        "toy", List.of(file("toy.jsonl", content)), columns, folder.resolve("coco"));
  }

  @Test
  void a_line_of_refcoco_is_an_expression_and_its_box() throws IOException {
    String line =
        """
        {"image": "data/coco/train2014/1.png", "sent": "left man", "bbox": [1, 2.5, 30, 40], "width": 640, "height": 480}
        """;
    JsonBenchmark benchmark = toy(line + "\n" + line, REFCOCO);

    assertThat(benchmark.size()).isEqualTo(2);
    assertThat(examples(benchmark))
        .element(1)
        .isEqualTo(
            new Question(
                "1",
                "toy",
                "",
                List.of(RED),
                "left man",
                List.of("[1, 2.5, 30, 40]"),
                Map.of("width", "640", "height", "480")));
  }

  @Test
  void a_long_run_reads_each_picture_once_whatever_the_order_of_the_file() throws IOException {
    Files.write(
        folder.resolve("coco/train2014/2.png"),
        ImageFiles.png(new Image(1, 1, new byte[] {0, 0, 1})));
    StringBuilder lines = new StringBuilder();
    for (int picture : new int[] {1, 2, 1, 3, 2, 1}) {
      lines.append(
          "{\"image\": \"coco/train2014/%d.png\", \"sent\": \"left\", \"bbox\": [1, 2, 3, 4]}\n"
              .formatted(picture));
    }
    JsonBenchmark benchmark = toy(lines.toString(), REFCOCO);

    List<Benchmark.Numbered> asked;
    try (Stream<Benchmark.Numbered> numbered = benchmark.numbered()) {
      asked = numbered.toList();
    }

    assertThat(asked)
        .extracting(Benchmark.Numbered::number)
        .containsExactly(0L, 2L, 5L, 1L, 4L, 3L);
    assertThat(asked).allMatch(one -> one.question().id().equals("" + one.number()));
    assertThat(asked.get(2).question().media().get(0))
        .isSameAs(asked.get(0).question().media().get(0));
    assertThat(asked.get(5).question().fault())
        .hasValueSatisfying(fault -> assertThat(fault).contains("3.png"));
  }

  @Test
  void an_array_of_objects_is_read_as_lines_are() throws IOException {
    JsonBenchmark benchmark =
        toy(
            """
            [{"question_id": 5, "question": "What?", "image": "1.png", "answer": ["a", 2]},
             {"question_id": "x", "question": "How?", "image": ["train2014/1.png", "1.png"], "answer": "b",
              "note": null, "extra": {"deep": [1]}}]
            """,
            Map.of());
    Files.copy(folder.resolve("coco/train2014/1.png"), folder.resolve("coco/1.png"));

    List<Question> examples = examples(benchmark);

    assertThat(benchmark.size()).isEqualTo(2);
    assertThat(examples).extracting(Question::id).containsExactly("5", "x");
    assertThat(examples.get(0).answers()).containsExactly("a", "2");
    assertThat(examples.get(1).media()).containsExactly(RED, RED);
    assertThat(examples.get(1).fields()).containsExactlyEntriesOf(Map.of("question_id", "x"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"sent\": \"x\", \"image\": \"2.png\"} | image '2.png' is not in",
        "{\"sent\": \"x\", \"image\": \"../../etc/passwd\"} | leads out of its folder",
        "{\"sent\": 7} | question 0: no text 'sent'",
        "{\"sent\": \"x\", \"bbox\": [1, 2, 3]} | a box is four numbers, not [1,2,3]",
        "{\"sent\": \"x\", \"bbox\": [1, 2, 3, \"4\"]} | a box is four numbers",
        "{\"sent\": \"x\" | toy.jsonl', line 1",
        "17 | expected an object",
        "{\"sent\": \"x\"} {{ | toy.jsonl', line 1"
      })
  void malformed_questions_say_where_and_what(String content, String expected) throws IOException {
    JsonBenchmark benchmark = toy(content, REFCOCO);

    assertThatThrownBy(() -> examples(benchmark))
        .isInstanceOf(BenchmarkException.class)
        .hasMessageContaining(expected);
  }

  @Test
  void a_missing_image_says_how_to_get_it() throws IOException {
    JsonBenchmark benchmark = toy("{\"sent\": \"x\", \"image\": \"2.png\"}", REFCOCO);

    assertThatThrownBy(() -> examples(benchmark)).hasMessageContaining("optmerge fetch 'toy'");
  }

  @Test
  void conversations_are_questions_and_their_answers_are_elsewhere() throws IOException {
    Path questions =
        file(
            "q.json",
            """
            [{"id": 3, "conversations": [{"from": "human", "value": "<image>\\nWhat plays?"}, {"from": "gpt", "value": ""}],
              "modal_inputs": {"vision": ["train2014/1.png"], "audio": ["a.wav"], "video": ["v.mp4", "w.mp4"]}},
             {"id": "4", "conversations": [{"from": "human", "value": "Who?"}], "modal_inputs": {}}]
            """);
    Path answers =
        file(
            "a.json",
            """
            [{"id": "4", "conversations": [{"from": "human", "value": "Who?"}, {"from": "gpt", "value": "B"}]},
             {"id": 3, "conversations": [{"from": "gpt", "value": "A. piano"}]}]
            """);
    ConversationBenchmark benchmark =
        new ConversationBenchmark("AVQA", questions, answers, folder.resolve("coco"));

    List<Question> examples = examples(benchmark);

    assertThat(benchmark.size()).isEqualTo(2);
    assertThat(examples.get(0))
        .isEqualTo(
            new Question(
                "3",
                "AVQA",
                "",
                List.of(RED),
                "<image>\nWhat plays?",
                List.of("A. piano"),
                Map.of("audio", "a.wav", "video", "v.mp4\nw.mp4")));
    assertThat(examples.get(1).answers()).containsExactly("B");
  }

  @Test
  void a_conversation_without_an_answer_is_an_error() throws IOException {
    Path questions =
        file(
            "q.json",
            "[{\"id\": 3, \"conversations\": [{\"from\": \"human\", \"value\": \"?\"}]}]");
    Path answers = file("a.json", "[]");

    assertThatThrownBy(
            () -> examples(new ConversationBenchmark("AVQA", questions, answers, folder)))
        .hasMessageContaining("AVQA, question 3: ")
        .hasMessageContaining("has no answer to it");
    assertThat(examples(new ConversationBenchmark("AVQA", questions, null, folder)))
        .extracting(example -> example.answers().get(0))
        .containsExactly("?");
  }
}
