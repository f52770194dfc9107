package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.zip.GZIPInputStream;
import org.optmerge.model.media.Image;

/** Recorded token ids, decoded texts and prompts. */
final class GoldenText {
  private GoldenText() {}

  /** The recorded vocabulary with the added tokens of one family of models. */
  private static Tokenizer tokenizer(Path root, String variant) throws IOException {
    Path folder = root.resolve("tokenizer");
    ObjectNode json;
    try (InputStream in =
        new GZIPInputStream(
            Files.newInputStream(folder.resolve("internvl2_5.tokenizer.json.gz")))) {
      json = (ObjectNode) new ObjectMapper().readTree(in);
    }
    JsonNode added = new ObjectMapper().readTree(folder.resolve("added_tokens.json").toFile());
    assertThat(added.path(variant)).as(variant).isNotEmpty();
    json.set("added_tokens", added.path(variant));
    return Tokenizer.of(json.toString());
  }

  private static void withTokenizers(Path root, JsonNode cases, String key, Check check)
      throws IOException {
    Map<String, Tokenizer> tokenizers = new HashMap<>();
    try {
      for (JsonNode recorded : cases) {
        String variant = recorded.path(key).asText();
        Tokenizer tokenizer = tokenizers.get(variant);
        if (tokenizer == null) {
          tokenizer = tokenizer(root, variant);
          tokenizers.put(variant, tokenizer);
        }
        check.verify(tokenizer, recorded);
      }
    } finally {
      tokenizers.values().forEach(Tokenizer::close);
    }
  }

  private interface Check {
    void verify(Tokenizer tokenizer, JsonNode recorded);
  }

  static void tokenizer(GoldenModelCase golden) throws IOException {
    JsonNode cases = golden.read().path("cases");
    assertThat(cases).isNotEmpty();
    withTokenizers(
        golden.root(),
        cases,
        "variant",
        (tokenizer, recorded) -> {
          long[] ids = longs(recorded.path("ids"));
          if (recorded.has("text")) {
            assertThat(tokenizer.encode(recorded.path("text").asText()))
                .as(recorded.path("text").asText())
                .isEqualTo(ids);
          }
          assertThat(tokenizer.decode(ids, false)).isEqualTo(recorded.path("decode").asText());
          assertThat(tokenizer.decode(ids, true))
              .isEqualTo(recorded.path("decode_skip_special").asText());
        });
  }

  static void prompts(GoldenModelCase golden) throws IOException {
    JsonNode prompts = golden.read().path("prompts");
    assertThat(prompts).isNotEmpty();
    withTokenizers(
        golden.root(),
        prompts,
        "model",
        (tokenizer, recorded) -> {
          ChatTemplate template =
              ChatTemplate.valueOf(
                  recorded.path("model").asText().toUpperCase(java.util.Locale.ROOT));
          JsonNode ids = recorded.path("example_ids");
          int count = ids.path("image_token_count").asInt();
          String token = template == ChatTemplate.QWEN2_VL ? "<|image_pad|>" : "<IMG_CONTEXT>";
          String prompt =
              template.prompt(
                  Prompt.Form.CHAT,
                  recorded.path("user_text").asText(),
                  List.of(new ChatTemplate.Segment(Image.class, token, count)));
          assertThat(prompt)
              .isEqualTo(
                  recorded
                      .path("full_prompt_example")
                      .asText()
                      .replace(token + "*" + count, token.repeat(count)));
          assertThat(tokenizer.encode(prompt))
              .isEqualTo(
                  LongStream.concat(
                          LongStream.concat(
                              LongStream.of(longs(ids.path("before"))),
                              IntStream.range(0, count)
                                  .mapToLong(i -> ids.path("image_token").asLong())),
                          LongStream.of(longs(ids.path("after"))))
                      .toArray());
        });
  }

  private static long[] longs(JsonNode array) {
    long[] values = new long[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).asLong();
    }
    return values;
  }
}
