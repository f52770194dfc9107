package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.benchmark.mini.stage.ModalityModel;
import org.optmerge.model.Tokenizer;

class WordVocabularyTest {
  private static final WordVocabulary WORDS = CapabilityModel.WORDS;

  /** The text of an answer: up to its end, without padding, spelled words joined again. */
  static String decode(WordVocabulary words, long... ids) {
    List<String> text =
        Arrays.stream(ids)
            .mapToObj(id -> words.tokens().get(Math.toIntExact(id)))
            .takeWhile(token -> !token.equals(WordVocabulary.END))
            .filter(token -> !token.equals(WordVocabulary.PAD))
            .toList();
    return words == WORDS ? WordVocabulary.joined(text) : String.join(" ", text);
  }

  @Test
  void every_token_has_the_id_of_its_place() {
    assertThat(WORDS.tokens()).doesNotHaveDuplicates().hasSize(WORDS.size());
    assertThat(WORDS.tokens()).allMatch(token -> WORDS.tokens().indexOf(token) == WORDS.id(token));
    assertThat(WORDS.id("<pad>")).isZero();
    assertThat(WORDS.id("<IMG_CONTEXT>")).isEqualTo(2);
  }

  @Test
  void numbers_and_written_words_are_spelt() {
    assertThat(WORDS.encode("area 100 QUIZ <c3>"))
        .containsExactly(
            Stream.of("area", "1", "0", "0", "Q", "U", "I", "Z", "<c3>")
                .mapToInt(WORDS::id)
                .toArray());
    assertThat(WORDS.encode("  ")).isEmpty();
  }

  private static String decoded(String text) {
    return decode(WORDS, Arrays.stream(WORDS.encode(text)).asLongStream().toArray());
  }

  @ParameterizedTest
  @ValueSource(strings = {"100", "QUIZ", "yes", "<c3> <c0> <c23> <c10>", "what is the angle ?", ""})
  void text_comes_back_from_its_ids(String text) {
    assertThat(decoded(text)).isEqualTo(text);
  }

  @Test
  void an_unknown_word_is_named() {
    assertThatThrownBy(() -> WORDS.encode("what colour ?"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the vocabulary of the miniature has no token 'colour'");
  }

  @Test
  void hugging_face_reads_the_same_vocabulary() {
    try (Tokenizer tokenizer = Tokenizer.of(WORDS.tokenizerJson())) {
      assertThat(tokenizer.size()).isEqualTo(WORDS.size());
      for (String token : WORDS.tokens()) {
        assertThat(tokenizer.id(token)).isEqualTo(WORDS.id(token));
        assertThat(tokenizer.encode(token)).containsExactly(WORDS.id(token));
      }
      assertThat(tokenizer.encode("locate the colour"))
          .containsExactly(WORDS.id("locate"), WORDS.id("the"), WORDS.id("<unk>"));
    }
  }

  @ParameterizedTest
  @EnumSource(MiniTask.class)
  void hugging_face_cuts_questions_and_answers_into_the_same_tokens(MiniTask task) {
    MiniGenerator generator = new MiniGenerator(3);
    try (Tokenizer tokenizer = Tokenizer.of(WORDS.tokenizerJson())) {
      for (int i = 0; i < 60; i++) {
        for (ImageQuestion each : generator.generate(MiniSplit.TEST, task, i).questions()) {
          String text =
              "<img><IMG_CONTEXT></img><user> %s <assistant> %s <end>"
                  .formatted(each.question(), each.answer());
          int[] ids = WORDS.encode(text.replace("><", "> <"));

          assertThat(tokenizer.encode(text))
              .as(text)
              .containsExactly(Arrays.stream(ids).asLongStream().toArray());
          long[] answer =
              Arrays.stream(WORDS.encode(each.answer() + " <end>")).asLongStream().toArray();
          assertThat(
                  CapabilityMetricTest.correct(task, each.answer(), tokenizer.decode(answer, true)))
              .as(each.answer())
              .isTrue();
        }
      }
    }
  }

  @Test
  void the_tokenizers_of_shipped_models_stay_as_they_are() {
    assertThat(sha256(WORDS))
        .isEqualTo("b36e4a1b3640054006dd3283752b9f71a7b900056a1b620640bf44e39f278b3a");
    assertThat(sha256(ModalityModel.WORDS))
        .isEqualTo("486671e5ab640c73ed7049c03e55d5f057acf951aa0a35a6804dcbb2bbc95e81");
  }

  private static String sha256(WordVocabulary words) {
    try {
      byte[] json = words.tokenizerJson().getBytes(StandardCharsets.UTF_8);
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(json));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void a_token_that_is_listed_twice_is_refused() {
    assertThatThrownBy(() -> new WordVocabulary("x", List.of("<pad>"), List.of("a", "a"), false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'a'");
  }
}
