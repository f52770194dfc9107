package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {
  @TempDir Path temporary;

  @Test
  void words_become_ids_and_back() {
    try (Tokenizer tokenizer = Tokenizer.of(Models.tokenizerJson())) {
      assertThat(tokenizer.encode("w3 <IMG_CONTEXT> w19")).containsExactly(3, 2, 19);
      assertThat(tokenizer.encode("")).isEmpty();
      assertThat(tokenizer.decode(new long[] {3, 19}, true)).isEqualTo("w3 w19");
      assertThat(tokenizer.size()).isEqualTo(20);
      assertThat(tokenizer.id("w7")).isEqualTo(7);
      assertThat(tokenizer.find("w20")).isEmpty();
    }
  }

  @Test
  void a_truncation_or_padding_in_the_file_is_not_applied() {
    String json =
        Models.tokenizerJson()
            .replace(
                "\"truncation\": null",
                "\"truncation\": {\"direction\": \"Right\", \"max_length\": 2, \"strategy\": \"LongestFirst\", \"stride\": 0}")
            .replace(
                "\"padding\": null",
                "\"padding\": {\"strategy\": {\"Fixed\": 9}, \"direction\": \"Right\", \"pad_to_multiple_of\": null, \"pad_id\": 0, \"pad_type_id\": 0, \"pad_token\": \"w0\"}");
    try (Tokenizer tokenizer = Tokenizer.of(json)) {
      assertThat(tokenizer.encode("w1 w3 w4")).containsExactly(1, 3, 4);
    }
  }

  @Test
  void says_what_is_missing() throws IOException {
    assertThatThrownBy(() -> Tokenizer.open(temporary))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("no tokenizer.json");
    Path file = temporary.resolve("tokenizer.json");
    Files.writeString(file, "{\"model\": 3}");
    assertThatThrownBy(() -> Tokenizer.open(temporary))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("tokenizer.json: cannot be read");
    Files.writeString(file, "not json");
    assertThatThrownBy(() -> Tokenizer.open(temporary)).isInstanceOf(ModelException.class);
    try (Tokenizer tokenizer = Tokenizer.of(Models.tokenizerJson())) {
      assertThatThrownBy(() -> tokenizer.id("<img>"))
          .hasMessage("the tokenizer has no token '<img>' among its 20");
    }
  }
}
