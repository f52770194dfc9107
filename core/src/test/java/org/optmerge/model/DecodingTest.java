package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.model.Decoding.Sampling;

class DecodingTest {
  @TempDir Path folder;

  private GenerationConfig read(String json) throws IOException {
    Files.writeString(folder.resolve("generation_config.json"), json.replace('\'', '"'));
    return GenerationConfig.read(folder);
  }

  private static long[] next(Decoding decoding, float[] scores, long[] prompt, long... made) {
    try (NDManager manager = NDManager.newBaseManager(null, "PyTorch")) {
      return TokenSampler.of(decoding, List.of(prompt), true)
          .next(
              manager.create(scores, new Shape(1, scores.length)),
              new long[][] {made},
              made.length);
    }
  }

  /** Token 1 scores best and ends an answer. */
  @Test
  void an_answer_does_not_end_before_its_fewest_tokens() {
    try (NDManager manager = NDManager.newBaseManager(null, "PyTorch")) {
      float[] scores = {0.5f, 3, 1, -2, 9};
      for (Decoding decoding :
          List.of(new Decoding(5), new Decoding(5).withRepetitionPenalty(1.5))) {
        TokenChoice choice =
            TokenSampler.of(decoding, List.of(new long[] {3}), true)
                .without(java.util.Set.of(1L, 4L), 2);
        long[][] answers = {{2, 2, 0, 0, 0}};
        assertThat(
                IntStream.range(0, 3)
                    .mapToLong(
                        made ->
                            choice.next(manager.create(scores, new Shape(1, 5)), answers, made)[0]))
            .containsExactly(2L, 2L, 4L);
      }
    }
    assertThat(new Decoding(9).withMinNewTokens(3).withMaxNewTokens(2).minNewTokens()).isEqualTo(2);
    assertThatThrownBy(() -> new Decoding(2).withMinNewTokens(3))
        .hasMessageContaining("0 to 2 tokens at least, minNewTokens is 3");
  }

  @Test
  void without_a_file_decoding_is_greedy() {
    assertThat(GenerationConfig.read(folder).decoding()).isEqualTo(Decoding.DEFAULT);
    assertThat(GenerationConfig.read(folder).stops()).isEmpty();
    assertThat(GenerationConfig.read(null).decoding()).isEqualTo(Decoding.DEFAULT);
  }

  @Test
  void a_file_says_how_tokens_are_chosen_and_where_answers_end() throws IOException {
    GenerationConfig qwen =
        read(
            "{'eos_token_id': [151645, 151643], 'do_sample': true, 'temperature': 0.01,"
                + " 'top_p': 0.001, 'top_k': 1, 'repetition_penalty': 1.05, 'num_beams': 1}");
    assertThat(qwen.stops()).containsExactly(151645L, 151643L);
    assertThat(qwen.decoding()).isEqualTo(new Decoding(256, 1.05, new Sampling(0.01, 1, 0.001, 0)));
    // Settings of sampling without sampling do nothing, as in the reference.
    GenerationConfig vicuna =
        read(
            "{'eos_token_id': 2, 'max_length': 4096, 'temperature': 0.9, 'top_p': 0.6,"
                + " 'max_new_tokens': 20}");
    assertThat(vicuna.stops()).containsExactly(2L);
    assertThat(vicuna.decoding()).isEqualTo(new Decoding(20));
    assertThat(read("{'do_sample': true, 'top_k': null}").decoding())
        .isEqualTo(new Decoding(256, 1, new Sampling(1, 0, 1, 0)));
    assertThat(read("{'do_sample': true}").decoding())
        .isEqualTo(new Decoding(256, 1, new Sampling(1, 50, 1, 0)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'num_beams': 4} | num_beams is 4, which is not known here; give a decoding of your own",
        "{'no_repeat_ngram_size': 3} | no_repeat_ngram_size is 3",
        "{'bad_words_ids': [[3]]} | bad_words_ids is [[3]]",
        "{'forced_eos_token_id': 7} | forced_eos_token_id is 7",
        "{'do_sample': true, 'min_p': 0.1} | min_p is 0.1",
        "{'do_sample': true, 'temperature': 0} | sampling needs a temperature above 0, is 0.0",
        "{'do_sample': true, 'top_p': 1.5} | 0 < top_p <= 1",
        "{'repetition_penalty': 0} | the repetition penalty must be a number above 0",
        "{'max_new_tokens': 'many'} | generation_config.json: max_new_tokens must be a whole"
            + " number",
      })
  void a_file_that_asks_for_what_is_not_known_is_refused(String json, String message)
      throws IOException {
    GenerationConfig config = read(json);
    assertThatThrownBy(config::decoding)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("generation_config.json")
        .hasMessageContaining(message);
  }

  @Test
  void a_stop_that_is_no_token_is_refused() {
    assertThatThrownBy(() -> read("{'eos_token_id': ['</s>']}"))
        .hasMessageContaining("eos_token_id must be a token id or several");
  }

  @Test
  void a_penalty_makes_tokens_that_are_there_less_likely() {
    float[] scores = {4, 3, -1, -2};
    Decoding penalised = Decoding.DEFAULT.withRepetitionPenalty(2);
    assertThat(next(Decoding.DEFAULT, scores, new long[] {0})).containsExactly(0);
    // Token 0 has 2 left, once for however often it is there; of two below zero, 3 keeps its score.
    assertThat(next(penalised, scores, new long[] {0, 0})).containsExactly(1);
    assertThat(next(penalised, scores, new long[] {3}, 0)).containsExactly(1);
    assertThat(next(penalised, new float[] {-9, -9, -1, -1.5f}, new long[] {2})).containsExactly(3);
    assertThat(next(penalised, scores, new long[] {0, 1})).containsExactly(0);
  }

  @Test
  void tokens_are_drawn_by_their_probability() {
    float[] scores = {(float) Math.log(1), (float) Math.log(6), (float) Math.log(3)};
    Map<Sampling, double[]> expected =
        Map.of(
            new Sampling(1, 0, 1, 3), new double[] {.1, .6, .3},
            new Sampling(.5, 0, 1, 3), new double[] {1 / 46., 36 / 46., 9 / 46.},
            new Sampling(1, 2, 1, 3), new double[] {0, 2 / 3., 1 / 3.},
            new Sampling(1, 0, .6, 3), new double[] {0, 1, 0},
            new Sampling(1, 0, .61, 3), new double[] {0, 2 / 3., 1 / 3.},
            new Sampling(1, 1, .001, 3), new double[] {0, 1, 0});
    expected.forEach(
        (sampling, shares) -> {
          int cuts = 10_000;
          long[] count = new long[3];
          IntStream.range(0, cuts)
              .forEach(i -> count[TokenSampler.drawn(scores, sampling, (i + .5) / cuts)]++);
          for (int token = 0; token < 3; token++) {
            assertThat(count[token] / (double) cuts)
                .as("%s, token %d", sampling, token)
                .isCloseTo(shares[token], within(2e-4));
          }
        });
  }

  @Test
  void equal_scores_at_the_limit_are_all_kept() {
    float[] scores = {1, 2, 1, 0};
    assertThat(TokenSampler.drawn(scores, new Sampling(1, 2, 1, 0), .999)).isEqualTo(2);
  }

  @Test
  void what_is_drawn_follows_from_seed_and_prompt() {
    float[] scores = new float[1000];
    Decoding drawing = Decoding.DEFAULT.withSampling(new Sampling(1, 0, 1, 5));
    Map<Long, Integer> seen = new TreeMap<>();
    for (long prompt = 0; prompt < 50; prompt++) {
      long[] first = next(drawing, scores, new long[] {prompt, 7});
      assertThat(next(drawing, scores, new long[] {prompt, 7})).isEqualTo(first);
      seen.merge(first[0], 1, Integer::sum);
    }
    assertThat(seen).hasSizeGreaterThan(40);
    Decoding other = drawing.withSampling(new Sampling(1, 0, 1, 5).withSeed(6));
    assertThat(next(other, scores, new long[] {0, 7}))
        .isNotEqualTo(next(drawing, scores, new long[] {0, 7}));
    assertThat(next(drawing, scores, new long[] {0, 7}, 1))
        .isNotEqualTo(next(drawing, scores, new long[] {0, 7}));
  }
}
