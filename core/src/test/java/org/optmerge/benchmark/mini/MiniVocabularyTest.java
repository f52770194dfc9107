package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.model.Tokenizer;

class MiniVocabularyTest {
  @Test
  void every_token_has_the_id_of_its_place() {
    assertThat(MiniVocabulary.TOKENS).doesNotHaveDuplicates().hasSize(MiniVocabulary.size());
    assertThat(MiniVocabulary.TOKENS)
        .allMatch(token -> MiniVocabulary.TOKENS.indexOf(token) == MiniVocabulary.id(token));
    assertThat(MiniVocabulary.id("<pad>")).isZero();
    assertThat(MiniVocabulary.id("<IMG_CONTEXT>")).isEqualTo(2);
  }

  @Test
  void numbers_and_written_words_are_spelt() {
    assertThat(MiniVocabulary.encode("area 100 QUIZ <c3>"))
        .containsExactly(
            Stream.of("area", "1", "0", "0", "Q", "U", "I", "Z", "<c3>")
                .mapToInt(MiniVocabulary::id)
                .toArray());
    assertThat(MiniVocabulary.encode("  ")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"100", "QUIZ", "yes", "<c3> <c0> <c23> <c10>", "what is the angle ?", ""})
  void text_comes_back_from_its_ids(String text) {
    assertThat(MiniVocabulary.decode(MiniVocabulary.encode(text))).isEqualTo(text);
  }

  @Test
  void an_answer_ends_at_its_end_and_padding_is_no_part_of_it() {
    assertThat(MiniVocabulary.decode(MiniVocabulary.encode("<pad> 1 2 <end> <pad> red")))
        .isEqualTo("12");
  }

  @Test
  void an_unknown_word_is_named() {
    assertThatThrownBy(() -> MiniVocabulary.encode("what colour ?"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the vocabulary of the miniature has no token 'colour'");
  }

  @Test
  void hugging_face_reads_the_same_vocabulary() {
    try (Tokenizer tokenizer = Tokenizer.of(MiniVocabulary.tokenizerJson())) {
      assertThat(tokenizer.size()).isEqualTo(MiniVocabulary.size());
      for (String token : MiniVocabulary.TOKENS) {
        assertThat(tokenizer.id(token)).isEqualTo(MiniVocabulary.id(token));
        assertThat(tokenizer.encode(token)).containsExactly(MiniVocabulary.id(token));
      }
      assertThat(tokenizer.encode("locate the colour"))
          .containsExactly(
              MiniVocabulary.id("locate"), MiniVocabulary.id("the"), MiniVocabulary.id("<unk>"));
    }
  }

  @ParameterizedTest
  @EnumSource(MiniTask.class)
  void hugging_face_cuts_questions_and_answers_into_the_same_tokens(MiniTask task) {
    MiniGenerator generator = new MiniGenerator(3);
    try (Tokenizer tokenizer = Tokenizer.of(MiniVocabulary.tokenizerJson())) {
      for (int i = 0; i < 60; i++) {
        for (MiniQuestion each : generator.generate(MiniSplit.TEST, task, i).questions()) {
          String text =
              "<img><IMG_CONTEXT></img><user> %s <assistant> %s <end>"
                  .formatted(each.question(), each.answer());
          int[] ids = MiniVocabulary.encode(text.replace("><", "> <"));

          assertThat(tokenizer.encode(text))
              .as(text)
              .containsExactly(Arrays.stream(ids).asLongStream().toArray());
          long[] answer =
              Arrays.stream(MiniVocabulary.encode(each.answer() + " <end>"))
                  .asLongStream()
                  .toArray();
          assertThat(CapabilityMetricTest.correct(task, each.answer(), tokenizer.decode(answer, true)))
              .as(each.answer())
              .isTrue();
        }
      }
    }
  }
}
