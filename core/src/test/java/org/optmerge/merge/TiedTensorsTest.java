package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.optmerge.merge.Folders.EMBED;
import static org.optmerge.merge.Folders.HEAD;
import static org.optmerge.merge.Folders.QUERY;
import static org.optmerge.merge.Folders.add;
import static org.optmerge.merge.ReportedMergesTest.assertClose;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.merge.Folders.Merged;
import org.optmerge.merge.Folders.Values;

/** Tensors that are one parameter of a model stay one, or the output says that they are two. */
class TiedTensorsTest {
  private static final String TIE = "\"tie_word_embeddings\": true";
  private static final String MATRIX = "layers.0.q_proj.weight";

  @TempDir private Path dir;
  private Folders folders;

  @BeforeEach
  void folders() {
    folders = new Folders(dir);
  }

  private static final Map<String, List<String>> GROUPS =
      Map.of(
          "llama",
          List.of("model.embed_tokens.weight", "lm_head.weight"),
          "gpt2",
          List.of("transformer.wte.weight", "lm_head.weight"),
          "internlm2",
          List.of("model.tok_embeddings.weight", "output.weight"),
          "gpt_neox",
          List.of("gpt_neox.embed_in.weight", "embed_out.weight"),
          "gemma3",
          List.of("language_model.model.embed_tokens.weight", "language_model.lm_head.weight"),
          "t5",
          List.of(
              "shared.weight",
              "encoder.embed_tokens.weight",
              "decoder.embed_tokens.weight",
              "lm_head.weight"),
          "bart",
          List.of(
              "model.shared.weight",
              "model.encoder.embed_tokens.weight",
              "model.decoder.embed_tokens.weight",
              "lm_head.weight"));

  static Stream<Arguments> cases() {
    return GROUPS.keySet().stream()
        .flatMap(
            family ->
                Stream.of("dare_ties", "dare_linear", "della", "tsv", "iso-c", "ties")
                    .map(method -> Arguments.of(family, method)));
  }

  private Map<String, Values> tied(String family, int stored) {
    Map<String, Values> tensors = new LinkedHashMap<>();
    Values values = folders.random(20, 8);
    GROUPS.get(family).stream().limit(stored).forEach(name -> tensors.put(name, values));
    tensors.put(MATRIX, folders.random(8, 8));
    return tensors;
  }

  private Map<String, Values> tuned(Map<String, Values> base, List<String> group, int stored) {
    Map<String, Values> tuned = folders.tuned(base);
    Values values = tuned.get(group.get(0));
    group.forEach(tuned::remove);
    group.stream().limit(stored).forEach(name -> tuned.put(name, values));
    return tuned;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void they_stay_equal_under_every_method_however_often_each_model_stores_them(
      String family, String method) {
    List<String> group = GROUPS.get(family);
    String[] config = {"\"model_type\": \"%s\"".formatted(family), TIE};
    Map<String, Values> base = tied(family, group.size());
    folders.model("base", base, config);
    folders.model("x", tuned(base, group, group.size()), config);
    folders.model("y", tuned(base, group, 1), config);
    Merged merged =
        folders.merge(
            "merge_method: %s\nbase_model: base\nmodels: [{model: x}, {model: y}]\n%s"
                .formatted(
                    method,
                    List.of("tsv", "iso-c").contains(method)
                        ? ""
                        : "parameters: {density: 0.5, weight: 0.5}"));

    for (String name : group) {
      assertThat(merged.get(name).values()).isEqualTo(merged.get(group.get(0)).values());
      assertThat(merged.get(name).values()).isNotEqualTo(base.get(name).values());
    }
    assertThat(merged.config()).contains(TIE);
  }

  static Stream<String> families() {
    return GROUPS.keySet().stream();
  }

  @ParameterizedTest
  @MethodSource("families")
  void a_copy_that_only_an_expert_stores_is_no_tensor_of_its_own(String family) {
    List<String> group = GROUPS.get(family);
    String[] config = {"\"model_type\": \"%s\"".formatted(family), TIE};
    Map<String, Values> base = tied(family, 1);
    folders.model("base", base, config);
    Map<String, Values> x = tuned(base, group, group.size());
    folders.model("x", x, config);

    for (String extra : List.of("", "extra: copy", "extra: union")) {
      Merged merged = folders.merge(add("x", extra));
      assertThat(merged.tensors()).containsOnlyKeys(group.get(0), MATRIX);
      assertClose(merged.get(group.get(0)), x.get(group.get(0)));
    }
    assertThatThrownBy(() -> folders.merge(add("x", "extra: error")))
        .hasMessageContaining("which 'base' does not have");
  }

  @ParameterizedTest
  @MethodSource("families")
  void a_head_that_is_trained_apart_is_written_and_the_output_not_tied(String family) {
    List<String> group = GROUPS.get(family);
    String head = group.get(group.size() - 1);
    for (int stored : new int[] {1, group.size()}) {
      String[] config = {"\"model_type\": \"%s\"".formatted(family), TIE};
      Map<String, Values> base = tied(family, stored);
      folders.model("base", base, config);
      Map<String, Values> x = tuned(base, group, group.size());
      x.put(head, folders.random(20, 8));
      folders.model("x", x, config);

      Merged merged = folders.merge(add("x"));
      assertClose(merged.get(head), x.get(head));
      assertClose(merged.get(group.get(0)), x.get(group.get(0)));
      assertThat(merged.config()).contains("\"tie_word_embeddings\": false").doesNotContain(TIE);
      assertThat(merged.said()).contains("model 'x': '" + head + "' differs from");
    }
  }

  @Test
  void a_family_that_ties_without_saying_so_is_untied_in_words() {
    Map<String, Values> base = tied("gpt2", 1);
    folders.model("base", base, "\"model_type\": \"gpt2\"");
    Map<String, Values> x = folders.tuned(base);
    x.put("lm_head.weight", folders.random(20, 8));
    folders.model("x", x, "\"model_type\": \"gpt2\"");

    Merged merged = folders.merge(add("x"));
    assertClose(merged.get("lm_head.weight"), x.get("lm_head.weight"));
    assertThat(merged.config()).contains("\"tie_word_embeddings\": false");
  }

  @Test
  void embeddings_that_an_architecture_has_as_one_cannot_be_merged_apart() {
    List<String> group = GROUPS.get("t5");
    Map<String, Values> base = tied("t5", 4);
    folders.model("base", base, "\"model_type\": \"t5\"", TIE);
    Map<String, Values> x = tuned(base, group, 4);
    x.put(group.get(1), folders.random(20, 8));
    folders.model("x", x, "\"model_type\": \"t5\"", TIE);

    assertThatThrownBy(() -> folders.merge(add("x")))
        .hasMessageContaining("'encoder.embed_tokens.weight' differs from 'shared.weight'")
        .hasMessageContaining("the architecture has one parameter for both")
        .hasMessageContaining("listed under 'exclude', both of them, the base's are copied");

    // As the message says.
    Merged merged = folders.merge(add("x", "exclude: [shared, encoder.embed_tokens]"));
    assertClose(merged.get(group.get(0)), base.get(group.get(0)));
    assertClose(merged.get(group.get(1)), base.get(group.get(0)));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void an_adapter_on_the_embedding_changes_the_head_that_is_tied_to_it(int stored) {
    Map<String, Values> base = new LinkedHashMap<>(folders.llama());
    base.put(HEAD, base.get(EMBED));
    if (stored == 1) {
      base.remove(HEAD);
    }
    folders.model("base", base, TIE);
    Map<String, Values> lora = folders.lora(QUERY, 8, 8);
    Values a = folders.random(2, 16);
    Values b = folders.random(8, 2);
    lora.put("base_model.model.model.embed_tokens.lora_embedding_A", a);
    lora.put("base_model.model.model.embed_tokens.lora_embedding_B", b);
    folders.adapter("ad", lora);

    Merged merged = folders.merge(add("base+ad"));
    Values expected = base.get(EMBED).plus(2, b.times(a).transposed());
    assertClose(merged.get(EMBED), expected);
    if (stored == 2) {
      assertThat(merged.get(HEAD).values()).isEqualTo(merged.get(EMBED).values());
    }
    assertThat(merged.config()).contains(TIE);
  }

  @Test
  void models_whose_head_is_no_copy_are_merged_as_ever() {
    Map<String, Values> base = folders.llama();
    folders.model("base", base, "\"tie_word_embeddings\": false");
    Map<String, Values> x = folders.tuned(base);
    folders.model("x", x, "\"tie_word_embeddings\": false");

    Merged merged = folders.merge(add("x"));
    assertClose(merged.get(HEAD), x.get(HEAD));
    assertClose(merged.get(EMBED), x.get(EMBED));
    assertThat(merged.said()).doesNotContain("differs from");
  }
}
