package org.optmerge.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.base.Deadline;
import org.optmerge.base.Trees;
import org.optmerge.cli.CommandRun;
import org.optmerge.model.ModelException;
import org.optmerge.model.Tokenizer;
import org.optmerge.model.media.AudioFiles;
import org.optmerge.model.media.ImageFiles;
import org.optmerge.model.media.VideoFiles;

/**
 * Native and third-party decoders neither keep a thread for ever nor take the Java machine with
 * them, and a model that computes no numbers has no answers.
 */
@Tag("faults")
@Timeout(180)
class HostileDecodersTest {
  private static final Path MINI = Path.of("../data-manifests/mini");

  @TempDir private Path dir;

  private static String tokenizer(String model, String more) {
    return """
    {"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
     "pre_tokenizer":null,"post_processor":null,"decoder":null,"model":%s%s}
    """
        .formatted(model, more);
  }

  static Stream<Arguments> tokenizers() {
    String bpe = "{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[%s]%s}";
    String words = "{\"type\":\"WordLevel\",\"vocab\":{\"a\":0},\"unk_token\":\"a\"}";
    return Stream.of(
        Arguments.of(
            "a merge without the prefix of its second token",
            tokenizer(bpe.formatted("\"a b\"", ",\"continuing_subword_prefix\":\"##\""), "")),
        Arguments.of("a merge of one token", tokenizer(bpe.formatted("\"ab\"", ""), "")),
        Arguments.of("a merge of no text", tokenizer(bpe.formatted("7", ""), "")),
        Arguments.of("a merge into no token", tokenizer(bpe.formatted("\"b a\"", ""), "")),
        Arguments.of("a merge of no tokens", tokenizer(bpe.formatted("[\"x\",\"y\"]", ""), "")),
        Arguments.of(
            "a negative id",
            tokenizer("{\"type\":\"WordLevel\",\"vocab\":{\"a\":-1},\"unk_token\":\"a\"}", "")),
        Arguments.of(
            "an id beyond all bounds",
            tokenizer(
                "{\"type\":\"WordLevel\",\"vocab\":{\"a\":99999999999},\"unk_token\":\"a\"}", "")),
        Arguments.of(
            "a model that is not known", tokenizer("{\"type\":\"X\",\"vocab\":{\"a\":0}}", "")),
        Arguments.of(
            "a piece without a score", tokenizer("{\"type\":\"Unigram\",\"vocab\":[[\"a\"]]}", "")),
        Arguments.of(
            "an unknown piece that is none",
            tokenizer("{\"type\":\"Unigram\",\"unk_id\":7,\"vocab\":[[\"a\",0.5]]}", "")),
        Arguments.of(
            "an added token without an id",
            tokenizer(words, "")
                .replace("\"added_tokens\":[]", "\"added_tokens\":[{\"content\":\"x\"}]")),
        Arguments.of(
            "a map of characters that is cut",
            tokenizer(words, "")
                .replace(
                    "\"normalizer\":null",
                    "\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"ALQCAACEAAA=\"}")),
        Arguments.of("null", "null"),
        Arguments.of("nothing", ""),
        Arguments.of("nesting", "[".repeat(100_000)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("tokenizers")
  void a_tokenizer_whose_parts_do_not_fit_is_refused_before_the_native_library_reads_it(
      String what, String json) {
    assertThatThrownBy(() -> Tokenizer.of(json))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("tokenizer.json");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // 4097 channels: a frame is longer than what a reader asks for at a time.
        "UklGRjQAAABXQVZFZm10IBAAAAABAAEQgD4AAAB90AcCIBAAZGF0YRAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "UklGRiQAAABXQVZFZm10IBAAAAABAAAAgD4AAAB9AAAAABAAZGF0YQAAAAA=",
        "ZkxhQwAAACI=",
        "Qk0=",
        "R0lGODlhAQABAAAAACw=",
        "iVBORw0KGgoAAAANSUhEUn////8="
      })
  void damaged_media_end_with_a_message_and_in_time(String base64) {
    byte[] bytes = Base64.getDecoder().decode(base64);
    Path file = dir.resolve("medium");

    for (Decoding decoding :
        List.<Decoding>of(
            () -> AudioFiles.read(bytes),
            () -> VideoFiles.read(bytes, 2),
            () -> ImageFiles.read(Files.write(file, bytes)))) {
      assertThatThrownBy(decoding::run).isInstanceOf(IOException.class).message().isNotBlank();
    }
  }

  private interface Decoding {
    Object run() throws IOException;
  }

  @Test
  void a_decoder_that_never_returns_is_given_up() {
    try (Deadline deadline = new Deadline(Duration.ofMillis(50))) {
      assertThatThrownBy(
              () ->
                  deadline.within(
                      "the sound",
                      () -> {
                        TimeUnit.DAYS.sleep(1);
                        return 1;
                      }))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("the sound was not decoded within");
    }
  }

  @Test
  void failures_of_a_decoder_come_through_a_deadline_as_they_are() throws IOException {
    assertThat(Deadline.decoded("it", 1, () -> 7)).isEqualTo(7);
    for (Throwable thrown :
        List.of(
            new IOException("own"),
            new IllegalStateException("own"),
            new OutOfMemoryError("own"),
            new StackOverflowError("own"))) {
      assertThatThrownBy(
              () ->
                  Deadline.decoded(
                      "it",
                      1,
                      () -> {
                        if (thrown instanceof Exception exception) {
                          throw exception;
                        }
                        throw (Error) thrown;
                      }))
          .isSameAs(thrown);
    }
  }

  // ---- models that compute no numbers

  private Path model(String name) throws IOException {
    Path model = dir.resolve(name);
    Trees.copy(MINI.resolve("expert-ocr"), model);
    return model;
  }

  private static void setWeights(Path model, byte value) throws IOException {
    Path file = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    int data =
        8 + (int) java.nio.ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN).getLong();
    Arrays.fill(bytes, data, bytes.length, value);
    Files.write(file, bytes);
  }

  @ParameterizedTest
  @ValueSource(strings = {"evaluate", "ask", "answers-kept"})
  void a_model_that_computes_nan_gets_no_score(String command) throws IOException {
    Path bad = model("bad");
    setWeights(bad, (byte) 0xff); // NaN in every floating type

    CommandRun run =
        switch (command) {
          case "ask" -> CommandRun.of("ask", bad, "what is the angle ?", "--quiet");
          case "evaluate" ->
              CommandRun.of("evaluate", bad, "--benchmark", "mini:ocr", "--count", 3, "--quiet");
          default ->
              CommandRun.of(
                  "evaluate",
                  bad,
                  "--benchmark",
                  "mini:ocr",
                  "--count",
                  3,
                  "--quiet",
                  "--out",
                  dir.resolve("out"));
        };

    assertThat(run.code()).as(run.err()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains("NaN", "in place of scores", "its parameter '");
  }

  @ParameterizedTest
  @ValueSource(strings = {"rms_norm_eps", "rope_theta"})
  void settings_that_make_scores_no_numbers_are_found(String key) throws IOException {
    Path bad = model("bad");
    Path config = bad.resolve("config.json");
    String wrong = key.equals("rope_theta") ? "0.0" : "-1.0";
    String text = Files.readString(config);
    String changed = text.replaceAll("(\"" + key + "\"\\s*:\\s*)[-0-9.eE+]+", "$1" + wrong);
    assertThat(changed).isNotEqualTo(text);
    Files.writeString(config, changed);

    CommandRun run =
        CommandRun.of("evaluate", bad, "--benchmark", "mini:ocr", "--count", 3, "--quiet");

    assertThat(run.code()).as(run.out()).isEqualTo(1);
    assertThat(run.err()).doesNotContain("defect");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1e999", "-1e999", "NaN", "0.2,1e999"})
  void a_lambda_that_is_no_number_is_refused(String grid) throws IOException {
    CommandRun run = CommandRun.of("tune", miniRecipe("expert-ocr"), "--grid", grid, "--quiet");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("finite number");
  }

  private Path miniRecipe(String expert) throws IOException {
    return Files.writeString(
        dir.resolve("mini.yaml"),
        """
        merge_method: task-arithmetic
        base_model: %s
        models: [{model: %s}]
        """
            .formatted(
                MINI.resolve("base").toAbsolutePath(), MINI.resolve(expert).toAbsolutePath()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"num_hidden_layers", "hidden_size", "vocab_size", "intermediate_size"})
  void sizes_that_the_weights_do_not_have_are_refused_before_memory_is_asked_for(String key)
      throws IOException {
    Path bad = model("bad");
    Path config = bad.resolve("config.json");
    String text = Files.readString(config);
    String changed = text.replaceAll("(\"" + key + "\"\\s*:\\s*)\\d+", "$11000000000");
    assertThat(changed).isNotEqualTo(text);
    Files.writeString(config, changed);

    CommandRun run = CommandRun.of("evaluate", bad, "--benchmark", "mini:ocr", "--quiet");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).doesNotContain("defect", "out of memory", "EngineException");
  }
}
