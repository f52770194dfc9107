package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokenizers in other files than tokenizer.json, against what Python's own recorded. */
class TokenizerFilesTest {
  @TempDir Path temporary;

  /** A recorded folder; {@code record_tokenizers.py} beside it says how it was made. */
  static Path recorded(String name) throws URISyntaxException {
    URL folder = TokenizerFilesTest.class.getResource("/recorded-models/tokenizers/" + name);
    return Path.of(Objects.requireNonNull(folder, name).toURI());
  }

  private static long[] ids(JsonNode recorded) {
    return StreamSupport.stream(recorded.path("ids").spliterator(), false)
        .mapToLong(JsonNode::asLong)
        .toArray();
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-legacy", "llama", "internlm2", "unigram", "qwen2"})
  void ids_and_answers_are_those_of_pythons_tokenizers(String name)
      throws IOException, URISyntaxException {
    Path folder = recorded(name);
    JsonNode cases = new ObjectMapper().readTree(folder.resolve("cases.json").toFile());
    assertThat(cases).isNotEmpty();
    try (Tokenizer tokenizer = Tokenizer.open(folder)) {
      for (JsonNode recorded : cases) {
        long[] ids = ids(recorded);
        if (recorded.has("text")) {
          String text = recorded.path("text").asText();
          assertThat(
                  LongStream.concat(
                          LongStream.of(tokenizer.prefix()), LongStream.of(tokenizer.encode(text)))
                      .toArray())
              .as(text)
              .isEqualTo(ids);
        }
        // An answer is taken without blanks around it, as the kits take it.
        assertThat(tokenizer.text(ids).strip())
            .as(recorded.toString())
            .isEqualTo(recorded.path("answer").asText().strip());
      }
    }
  }

  @Test
  void a_beginning_of_the_sentence_comes_before_a_prompt_where_the_files_say_so()
      throws IOException, URISyntaxException {
    try (Tokenizer llama = Tokenizer.open(recorded("llama"));
        Tokenizer unigram = Tokenizer.open(recorded("unigram"));
        Tokenizer qwen = Tokenizer.open(recorded("qwen2"))) {
      assertThat(llama.prefix()).containsExactly(1);
      assertThat(unigram.prefix()).isEmpty();
      assertThat(qwen.prefix()).isEmpty();
    }
    String json = Models.tokenizerJson();
    String begins =
        json.replace(
            "\"post_processor\": null",
            "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\":"
                + " {\"id\": \"w5\", \"type_id\": 0}}, {\"Sequence\": {\"id\": \"A\", \"type_id\":"
                + " 0}}], \"pair\": [], \"special_tokens\": {\"w5\": {\"id\": \"w5\", \"ids\": [5],"
                + " \"tokens\": [\"w5\"]}}}");
    try (Tokenizer tokenizer = Tokenizer.of(begins)) {
      assertThat(tokenizer.prefix()).containsExactly(5);
      assertThat(tokenizer.encode("w7")).containsExactly(7);
    }
  }

  private Path copied(String name) throws IOException, URISyntaxException {
    Path folder = Files.createDirectories(temporary.resolve(name));
    for (String file :
        List.of(
            "tokenizer.model",
            "vocab.json",
            "merges.txt",
            "tokenizer_config.json",
            "added_tokens.json")) {
      Path source = recorded(name).resolve(file);
      if (Files.exists(source)) {
        Files.copy(source, folder.resolve(file));
      }
    }
    return folder;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "qwen2 | merges.txt | | there is no merges.txt beside it",
        "qwen2 | merges.txt | a b c | merges.txt: line 1 is no pair of tokens: 'a b c'",
        "qwen2 | vocab.json | [1] | it is no object of tokens and ids",
        "qwen2 | vocab.json | {} | no tokenizer comes of it",
        "qwen2 | tokenizer_config.json | {\"tokenizer_class\": \"BertTokenizerFast\"} |"
            + " tokenizer_class is 'BertTokenizer'; with vocab.json are known: Qwen2Tokenizer,",
        "qwen2 | tokenizer_config.json | not json | tokenizer_config.json: cannot be read",
        "llama | tokenizer.model | no such thing | not a SentencePiece model",
        "llama | added_tokens.json | {\"<x>\": \"many\"} | an added token has the id 'many'",
      })
  void a_folder_that_lacks_a_file_or_has_a_broken_one_is_refused(
      String name, String file, String content, String message)
      throws IOException, URISyntaxException {
    Path folder = copied(name);
    if (content == null) {
      Files.delete(folder.resolve(file));
    } else {
      Files.writeString(folder.resolve(file), content);
    }
    assertThatThrownBy(() -> Tokenizer.open(folder))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(folder.toString())
        .hasMessageContaining(message);
  }

  @Test
  void a_sentence_piece_model_that_is_cut_short_is_refused()
      throws IOException, URISyntaxException {
    byte[] whole = Files.readAllBytes(recorded("llama").resolve("tokenizer.model"));
    // At the end of a field a shorter file is a whole one, with fewer pieces or settings.
    int refused = 0;
    for (int length = 0; length < whole.length; length += 37) {
      byte[] part = Arrays.copyOf(whole, length);
      try {
        assertThat(SentencePieceModel.of(part).pieces()).isNotEmpty();
      } catch (ModelException e) {
        assertThat(e).hasMessageContaining("not a SentencePiece model");
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(150);
  }
}
