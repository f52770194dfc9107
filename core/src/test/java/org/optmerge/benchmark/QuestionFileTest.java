package org.optmerge.benchmark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.AudioFiles;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;

class QuestionFileTest {
  @TempDir private Path folder;

  @BeforeEach
  void put_pictures_beside_the_list() throws IOException {
    Files.createDirectory(folder.resolve("pictures"));
    Files.write(
        folder.resolve("pictures/1.png"), ImageFiles.png(new Image(1, 1, new byte[] {1, 2, 3})));
    Files.write(folder.resolve("2.png"), ImageFiles.png(new Image(1, 2, new byte[6])));
    Files.write(
        folder.resolve("3.wav"), AudioFiles.wav(new Audio(Audio.SAMPLE_RATE, new float[800])));
  }

  private QuestionFile open(String name, String text) throws IOException {
    return QuestionFile.open(Files.writeString(folder.resolve(name), text));
  }

  @Test
  void json_lines_have_pictures_beside_them_answers_groups_and_fields_for_metrics()
      throws IOException {
    QuestionFile list =
        open(
            "mine.jsonl",
            """
            {"image": "pictures/1.png", "question": "How many?", "answer": 4, "A": "three"}

            {"id": "b", "images": ["2.png", "pictures/1.png"], "question": "Same?",
             "answers": ["no", "No."], "group": "pairs", "type": "exists", "box": [1, 2]}
            {"audio": "3.wav", "question": "Loud?", "answer": "no", "group": "sounds"}
            """
                .replace(",\n \"", ", \""));

    List<Question> questions = list.questions().toList();
    assertThat(list.name()).isEqualTo("mine");
    assertThat(list.size()).isEqualTo(3);
    assertThat(questions).extracting(Question::id).containsExactly("1", "b", "3");
    assertThat(questions).extracting(Question::group).containsExactly("mine", "pairs", "sounds");
    assertThat(questions.get(0).answers()).containsExactly("4");
    assertThat(questions.get(0).fields()).containsEntry("A", "three").hasSize(1);
    assertThat(questions.get(0).media()).containsExactly(new Image(1, 1, new byte[] {1, 2, 3}));
    assertThat(questions.get(1).media()).hasSize(2);
    assertThat(questions.get(1).answers()).containsExactly("no", "No.");
    assertThat(questions.get(1).fields()).containsEntry("box", "[1,2]");
    assertThat(questions.get(2).media().get(0)).isInstanceOf(Audio.class);
  }

  @ParameterizedTest
  @CsvSource({"mine.tsv, '\t'", "mine.csv, ','"})
  void a_table_says_the_same_with_a_header_and_quotes(String name, String mark) throws IOException {
    QuestionFile list =
        open(
            name,
            """
            \ufeffid|image|question|answer|answers|group
            x|2.png|"What | is ""it""?"|a pen||things
            y|pictures/1.png|And this?||"['a', 'b']"|things
            """
                .replace("|", mark));

    List<Question> questions = list.questions().toList();
    assertThat(questions).extracting(Question::id).containsExactly("x", "y");
    assertThat(questions.get(0).text()).isEqualTo("What %s is \"it\"?".formatted(mark));
    assertThat(questions.get(0).answers()).containsExactly("a pen");
    assertThat(questions.get(1).answers()).containsExactly("a", "b");
  }

  @Test
  void a_box_may_stand_in_place_of_an_answer() throws IOException {
    Question question =
        open(
                "boxes.jsonl",
                "{\"image\": \"2.png\", \"question\": \"Where?\", \"bbox\": [0.1, 0.2, 0.3, 1]}")
            .questions()
            .findFirst()
            .orElseThrow();
    assertThat(question.answers()).containsExactly("[0.1,0.2,0.3,1]");
    assertThat(question.fields()).containsKey("bbox");
  }

  @Test
  void the_digest_changes_with_the_list_and_with_its_pictures() throws IOException {
    String line = "{\"image\": \"2.png\", \"question\": \"Q?\", \"answer\": \"a\"}";
    String first = open("mine.jsonl", line).digest();
    assertThat(open("mine.jsonl", line).digest()).isEqualTo(first);
    assertThat(open("mine.jsonl", line.replace("Q", "R")).digest()).isNotEqualTo(first);
    Files.write(folder.resolve("2.png"), ImageFiles.png(new Image(1, 1, new byte[3])));
    assertThat(open("mine.jsonl", line).digest()).isNotEqualTo(first);
  }

  private static final String GOOD = "{'image': '2.png', 'question': 'Q?', 'answer': 'a'}\n";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'image': 'no.png', 'question': 'Q?', 'answer': 'a'}|line 2: image 'no.png' is not there; paths begin at the folder of the list",
        "{'question': 'Q?', 'answer': 'a'}|line 2: has no 'image', 'audio' or 'video'",
        "{'image': '2.png', 'answer': 'a'}|line 2: has no 'question'; it has image, answer",
        "{'image': '2.png', 'question': 'Q?'}|line 2: has no answer; give the accepted one as 'answer'",
        "{'image': '2.png', 'question': 'Q?', 'answer': ' '}|line 2: has no answer",
        "{'image': '2.png', 'question': 'Q?', 'answers': []}|line 2: has no answer",
        "{'image': '2.png', 'question': 'Q?', 'answer': 'a', 'answers': ['b']}|line 2: has both 'answer' and 'answers'",
        "{'image': '2.png', 'question': 'Q?', 'answer': {'a': 1}}|line 2: 'answer' must be a text or a list of texts",
        "{'image': '2.png', 'question': ['Q?'], 'answer': 'a'}|line 2: 'question' must be a text, is [\"Q?\"]",
        "{'imgae': '2.png', 'question': 'Q?', 'answer': 'a'}|line 2: unknown field 'imgae'; did you mean 'image'?",
        "{'image': '2.png', 'Question': 'Q?', 'answer': 'a'}|line 2: unknown field 'Question'; did you mean 'question'?",
        "{'image': '2.png', 'question': 'Q?', 'answer': 'a', 'ID': 3}|line 2: unknown field 'ID'; did you mean 'id'?",
        "{'id': '1', 'image': '2.png', 'question': 'Q?', 'answer': 'a'}|line 2: id '1' is that of line 1 too",
        "{'image': '2.png', 'image': '2.png', 'question': 'Q?', 'answer': 'a'}|line 2: is not valid JSON: Duplicate field 'image'",
        "{'image': '2.png', 'question': 'Q?'|line 2: is not valid JSON",
        "['2.png', 'Q?', 'a']|line 2: is not one JSON object",
        "{'image': '2.png', 'question': 'Q?', 'answer': 'a'} {}|line 2: is not one JSON object",
      })
  void a_faulty_line_is_named_with_its_fault(String line, String said) throws IOException {
    String text = (GOOD + line).replace('\'', '"');
    assertThatThrownBy(() -> open("mine.jsonl", text))
        .isInstanceOf(BenchmarkException.class)
        .hasMessageStartingWith(folder.resolve("mine.jsonl") + ", ")
        .hasMessageContaining(said);
  }

  @Test
  void a_faulty_table_is_named_with_its_fault() {
    assertThatThrownBy(() -> open("mine.csv", "image,question,answer\n2.png,Which, of them?,a\n"))
        .hasMessageContaining("row 2: has 4 cells, the header 3; put cells with ','");
    assertThatThrownBy(() -> open("mine.tsv", "image\timage\n2.png\t2.png\n"))
        .hasMessageContaining("row 1: the header names a column twice");
    assertThatThrownBy(() -> open("mine.tsv", "image\tquestion\tanswer\n2.png\tQ?\t\n"))
        .hasMessageContaining("row 2: has no answer");
  }

  @Test
  void a_file_without_questions_or_of_another_kind_is_refused() throws IOException {
    assertThatThrownBy(() -> open("mine.jsonl", "\n"))
        .hasMessageContaining("has no questions; write one a line");
    assertThatThrownBy(() -> open("mine.tsv", "image\tquestion\tanswer\n"))
        .hasMessageContaining("has no questions");
    assertThatThrownBy(() -> open("mine.csv", "")).hasMessageContaining("has no questions");
    assertThatThrownBy(() -> open("mine.txt", GOOD))
        .hasMessageContaining("a question list is a .jsonl file");
    assertThatThrownBy(() -> QuestionFile.open(folder.resolve("none.jsonl")))
        .hasMessageContaining("there is no such file of questions");
    Path latin = folder.resolve("latin.jsonl");
    Files.write(latin, new byte[] {'{', (byte) 0xe4, '}'});
    assertThatThrownBy(() -> QuestionFile.open(latin)).hasMessageContaining("is not UTF-8");
  }

  @Test
  void a_file_that_is_no_picture_is_named_when_it_is_asked_for() throws IOException {
    Files.writeString(folder.resolve("2.png"), "no picture");
    QuestionFile list = open("mine.jsonl", GOOD.replace('\'', '"'));
    assertThatThrownBy(() -> list.questions().toList())
        .isInstanceOf(BenchmarkException.class)
        .hasMessageContaining("line 1: image '")
        .hasMessageContaining("cannot be read");
  }
}
