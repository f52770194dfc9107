package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.optmerge.merge.Folders.EMBED;
import static org.optmerge.merge.Folders.HEAD;
import static org.optmerge.merge.Folders.QUERY;
import static org.optmerge.merge.Folders.UP;
import static org.optmerge.merge.Folders.add;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.merge.Folders.Merged;
import org.optmerge.merge.Folders.Values;
import org.optmerge.merge.recipe.RecipeException;

/** Situations from reports of people who merge models, each with its right outcome. */
class ReportedMergesTest {
  @TempDir private Path dir;
  private Folders folders;

  @BeforeEach
  void folders() {
    folders = new Folders(dir);
  }

  static void assertClose(Values actual, Values expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(actual.values()).containsExactly(expected.values(), within(2e-5f));
  }

  private static Map<String, Values> joined(Map<String, Values> one, Map<String, Values> other) {
    Map<String, Values> all = new LinkedHashMap<>(one);
    all.putAll(other);
    return all;
  }

  // ---- 1: a folder is more than the files one looks for

  @Test
  void a_pickle_beside_an_adapter_is_named_and_its_tensors_merged_once_they_are_converted() {
    String projector = "model.mm_projector.0.weight";
    Map<String, Values> base = joined(folders.llama(), Map.of(projector, folders.random(8, 6)));
    folders.model("base", base);
    folders.adapter("ad", folders.lora(QUERY, 8, 8));
    folders.bytes("ad", "non_lora_trainables.bin", (byte) 'P', (byte) 'K', (byte) 3, (byte) 4);

    assertThatThrownBy(() -> folders.merge(add("base+ad")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("non_lora_trainables.bin may hold trained weights and is not read")
        .hasMessageContaining("'non_lora_trainables.safetensors'")
        .hasMessageContaining("or move it out of the folder");

    // As the message says: the file is converted, and stands beside the pickle.
    Values trained = folders.random(8, 6);
    folders.file(
        "ad", "non_lora_trainables.safetensors", Map.of("base_model.model." + projector, trained));
    Merged merged = folders.merge(add("base+ad"));
    assertClose(merged.get(projector), trained);
    assertThat(merged.said())
        .contains("the tensor of non_lora_trainables.safetensors beside the adapter is part of it")
        .contains("non_lora_trainables.bin is not read: the weights once more");
    assertThat(merged.provenance()).contains("non_lora_trainables.bin");
  }

  @Test
  void other_tensors_beside_an_adapter_are_merged() {
    String projector = "model.mm_projector.0.weight";
    folders.model("base", joined(folders.llama(), Map.of(projector, folders.random(8, 6))));
    folders.adapter("ad", folders.lora(QUERY, 8, 8));
    Values trained = folders.random(8, 6);
    folders.file("ad", "new_embeddings.safetensors", Map.of(projector, trained));

    assertClose(folders.merge(add("base+ad")).get(projector), trained);
  }

  // ---- 2: a trained head over a tied base

  @Test
  void a_trained_head_over_a_tied_base_is_written_and_no_longer_tied() {
    Map<String, Values> tied = folders.llama();
    tied.remove(HEAD);
    folders.model("base", tied, "\"tie_word_embeddings\": true");
    Map<String, Values> whole = folders.lora(QUERY, 8, 8);
    whole.put("base_model.model." + EMBED, folders.random(16, 8));
    whole.put("base_model.model." + HEAD, folders.random(16, 8));
    folders.adapter("ad", whole, "\"modules_to_save\": [\"embed_tokens\", \"lm_head\"]");

    for (String extra : List.of("", "extra: union", "extra: copy", "extra: report")) {
      Merged merged = folders.merge(add("base+ad", extra));
      assertClose(merged.get(HEAD), whole.get("base_model.model." + HEAD));
      assertClose(merged.get(EMBED), whole.get("base_model.model." + EMBED));
      assertThat(merged.config()).contains("\"tie_word_embeddings\": false");
      assertThat(merged.said())
          .contains("'lm_head.weight' differs from 'model.embed_tokens.weight'");
    }

    Map<String, Values> x = folders.tuned(joined(tied, Map.of(HEAD, folders.random(16, 8))));
    folders.model("x", x);
    assertThatThrownBy(() -> folders.merge(add("x", "extra: error")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("without 'extra: error' it is merged");
    Merged merged = folders.merge(add("x"));
    assertClose(merged.get(HEAD), x.get(HEAD));
    assertThat(merged.config()).contains("\"tie_word_embeddings\": false");
  }

  // ---- 3: one model under two sets of names

  @Test
  void a_model_under_the_names_of_a_newer_release_is_merged() {
    String vision = "visual.blocks.0.attn.qkv.weight";
    String[] qwen = {
      "\"model_type\": \"qwen2_5_vl\"",
      "\"architectures\": [\"Qwen2_5_VLForConditionalGeneration\"]"
    };
    Map<String, Values> base = joined(folders.llama(), Map.of(vision, folders.random(12, 4)));
    folders.model("base", base, qwen);
    String newer = QUERY.replace("model.", "model.language_model.");
    Map<String, Values> lora = folders.lora(newer, 8, 8);
    folders.adapter("ad", lora);
    Merged adapted = folders.merge(add("base+ad"));
    assertClose(adapted.get(QUERY), base.get(QUERY).plus(1, Folders.change(lora, newer)));
    assertThat(adapted.said()).contains("'model.language_model.layers.' is 'model.layers.'");

    Map<String, Values> x = folders.tuned(base);
    Map<String, Values> renamed = new LinkedHashMap<>();
    x.forEach(
        (name, values) ->
            renamed.put(
                name.equals(HEAD)
                    ? name
                    : name.equals(vision)
                        ? "model." + name
                        : name.replace("model.", "model.language_model."),
                values));
    folders.model("x", renamed, qwen);
    for (String missing : List.of("", "missing: base")) {
      Merged merged = folders.merge(add("x", missing));
      x.forEach((name, values) -> assertClose(merged.get(name), values));
    }

    Map<String, Values> inner = new LinkedHashMap<>();
    Map<String, Values> plain = folders.lora(QUERY, 8, 8);
    plain.forEach((name, v) -> inner.put(name.replace("base_model.model.", "base_model."), v));
    folders.adapter("inner", inner);
    assertClose(
        folders.merge(add("base+inner")).get(QUERY),
        base.get(QUERY).plus(1, Folders.change(plain, QUERY)));
  }

  // ---- 5: PEFT's copies of base layers

  @Test
  void a_base_layer_that_peft_saved_is_the_one_under_the_change() {
    Map<String, Values> base = folders.llama();
    folders.model("base", base);
    Map<String, Values> head = folders.lora(HEAD, 16, 8);
    Map<String, Values> all = joined(folders.lora(QUERY, 8, 8), head);
    all.put("base_model.model.lm_head.base_layer.weight", base.get(HEAD));
    Values a = folders.random(2, 16);
    Values b = folders.random(8, 2);
    String embedding = "base_model.model.model.embed_tokens";
    all.put(embedding + ".lora_embedding_A", a);
    all.put(embedding + ".lora_embedding_B", b);
    Values resized = base.get(EMBED).plus(1, folders.random(16, 8));
    all.put(embedding + ".base_layer.weight", resized);
    folders.adapter("ad", all);

    Merged merged = folders.merge(add("base+ad"));
    assertClose(merged.get(HEAD), base.get(HEAD).plus(1, Folders.change(head, HEAD)));
    assertClose(merged.get(EMBED), resized.plus(2, b.times(a).transposed()));
  }

  // ---- 6: Conv1D

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void a_change_is_put_the_way_round_in_which_its_module_stores_it(boolean flag) {
    String conv = "transformer.h.0.attn.c_proj.weight";
    Map<String, Values> base = Map.of(conv, folders.random(8, 8), HEAD, folders.random(16, 8));
    folders.model("base", base, "\"model_type\": \"gpt2\"", "\"tie_word_embeddings\": false");
    Map<String, Values> lora = joined(folders.lora(conv, 8, 8), folders.lora(HEAD, 16, 8));
    folders.adapter("ad", lora, "\"fan_in_fan_out\": " + flag);

    Merged merged = folders.merge(add("base+ad"));
    assertClose(merged.get(conv), base.get(conv).plus(1, Folders.change(lora, conv).transposed()));
    assertClose(merged.get(HEAD), base.get(HEAD).plus(1, Folders.change(lora, HEAD)));
  }

  // ---- 7: tied tensors, stored twice

  @ParameterizedTest
  @ValueSource(strings = {"dare_ties", "tsv", "optmerge-full", "ties", "dare_linear", "wudi"})
  void tied_tensors_that_are_stored_twice_stay_equal(String method) {
    Map<String, Values> base =
        new LinkedHashMap<>(Map.of(EMBED, folders.random(64, 16), QUERY, folders.random(16, 16)));
    base.put(HEAD, base.get(EMBED));
    String tie = "\"tie_word_embeddings\": true";
    folders.model("base", base, tie);
    for (String name : List.of("x", "y")) {
      Map<String, Values> tuned = folders.tuned(base);
      tuned.put(HEAD, tuned.get(EMBED));
      folders.model(name, tuned, tie);
    }
    Merged merged =
        folders.merge(
            "merge_method: %s\nbase_model: base\nmodels: [{model: x}, {model: y}]\n%s"
                .formatted(
                    method,
                    method.contains("dare") || method.equals("ties")
                        ? "parameters: {density: 0.5, weight: 0.5}"
                        : ""));
    assertThat(merged.get(HEAD).values()).isEqualTo(merged.get(EMBED).values());
    assertThat(merged.get(HEAD).values()).isNotEqualTo(base.get(HEAD).values());
    assertThat(merged.config()).contains("\"tie_word_embeddings\": true");
  }

  // ---- 15: limits

  @Test
  void an_adapter_on_an_adapter_is_added_to_it() {
    Map<String, Values> base = folders.llama();
    folders.model("base", base);
    Map<String, Values> first = folders.lora(QUERY, 8, 8);
    Map<String, Values> second = joined(folders.lora(QUERY, 8, 8), folders.lora(UP, 12, 8));
    folders.adapter("a1", first);
    folders.adapter("a2", second);

    Merged merged = folders.merge("merge_method: passthrough\nmodels: [{model: base+a1+a2}]\n");
    assertClose(
        merged.get(QUERY),
        base.get(QUERY)
            .plus(1, Folders.change(first, QUERY))
            .plus(1, Folders.change(second, QUERY)));
    assertClose(merged.get(UP), base.get(UP).plus(1, Folders.change(second, UP)));
    assertClose(merged.get(EMBED), base.get(EMBED));
  }

  @Test
  void a_change_of_a_tied_head_gives_the_output_a_head_of_its_own() {
    Map<String, Values> tied = folders.llama();
    tied.remove(HEAD);
    folders.model("base", tied, "\"tie_word_embeddings\": true");
    Map<String, Values> lora = joined(folders.lora(QUERY, 8, 8), folders.lora(HEAD, 16, 8));
    folders.adapter("ad", lora);

    Merged merged = folders.merge(add("base+ad"));
    assertClose(merged.get(HEAD), tied.get(EMBED).plus(1, Folders.change(lora, HEAD)));
    assertClose(merged.get(EMBED), tied.get(EMBED));
    assertThat(merged.config()).contains("\"tie_word_embeddings\": false");
  }

  @Test
  void a_whole_tensor_of_any_name_is_the_adapter_s() {
    Map<String, Values> base = new LinkedHashMap<>();
    String wte = "transformer.wte.weight";
    base.put(wte, folders.random(16, 8));
    base.put("transformer.h.0.attn.c_proj.weight", folders.random(8, 8));
    folders.model("base", base, "\"model_type\": \"gpt2\"");
    Map<String, Values> lora = folders.lora("transformer.h.0.attn.c_proj.weight", 8, 8);
    Values grown = folders.random(20, 8);
    folders.adapter("ad", joined(lora, Map.of("base_model.model." + wte, grown)));

    Merged merged = folders.merge(add("base+ad"));
    assertClose(merged.get(wte), grown.rows(0, 16));
    assertThat(merged.said())
        .contains("'transformer.wte.weight' has 20 rows, 'base' has 16; the first 16 are merged");
  }
}
