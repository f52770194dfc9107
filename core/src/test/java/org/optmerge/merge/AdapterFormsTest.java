package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.optmerge.merge.Folders.EMBED;
import static org.optmerge.merge.Folders.HEAD;
import static org.optmerge.merge.Folders.QUERY;
import static org.optmerge.merge.Folders.UP;
import static org.optmerge.merge.Folders.add;
import static org.optmerge.merge.ReportedMergesTest.assertClose;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.merge.Folders.Merged;
import org.optmerge.merge.Folders.Values;

/** Adapters in the forms in which PEFT and trainers write them, against arithmetic by hand. */
class AdapterFormsTest {
  private static final String BASE = "base_model.model.";

  @TempDir private Path dir;
  private Folders folders;

  @BeforeEach
  void folders() {
    folders = new Folders(dir);
  }

  private static Map<String, Values> joined(Map<String, Values> one, Map<String, Values> other) {
    Map<String, Values> all = new LinkedHashMap<>(one);
    all.putAll(other);
    return all;
  }

  // ---- rows

  @ParameterizedTest
  @CsvSource({
    "'[1, 5, 15]', model.embed_tokens.token_adapter.trainable_tokens_delta",
    "'{\"embed_tokens\": [1, 5, 15]}', model.embed_tokens.token_adapter.trainable_tokens_delta",
    "'{\"model.embed_tokens\": [1, 5, 15]}', model.embed_tokens.trainable_tokens_delta.default",
    "'[1, 5, 15]', model.language_model.embed_tokens.token_adapter.trainable_tokens_delta",
  })
  void trainable_tokens_replace_rows(String indices, String name) {
    Map<String, Values> base = folders.llama();
    folders.model("base", base);
    Values rows = folders.random(3, 8);
    folders.adapter("ad", Map.of(BASE + name, rows), "\"trainable_token_indices\": " + indices);

    List<Values> expected = new ArrayList<>();
    for (int row = 0; row < 16; row++) {
      int place = List.of(1, 5, 15).indexOf(row);
      expected.add(place < 0 ? base.get(EMBED).rows(row, row + 1) : rows.rows(place, place + 1));
    }
    Merged merged = folders.merge(add("base+ad"));
    assertClose(merged.get(EMBED), Values.stacked(expected));
    assertClose(merged.get(HEAD), base.get(HEAD));
  }

  @Test
  void rows_that_are_not_there_or_not_listed_are_refused() {
    folders.model("base", folders.llama());
    Values rows = folders.random(2, 8);
    String name = BASE + "model.embed_tokens.token_adapter.trainable_tokens_delta";
    folders.adapter("far", Map.of(name, rows), "\"trainable_token_indices\": [1, 16]");
    folders.adapter("more", Map.of(name, rows), "\"trainable_token_indices\": [1]");

    assertThatThrownBy(() -> folders.merge(add("base+far")))
        .hasMessageContaining("rows up to 16 of shape [2, 8] do not fit tensor '" + EMBED);
    assertThatThrownBy(() -> folders.merge(add("base+more")))
        .hasMessageContaining("lists 1 trainable_token_indices for this module");
  }

  // ---- DoRA

  @ParameterizedTest
  @ValueSource(strings = {"", ".default", ".weight", ".default.weight"})
  void dora_scales_every_output_to_its_norm(String end) {
    Map<String, Values> base = folders.llama();
    folders.model("base", base);
    Map<String, Values> lora = folders.lora(UP, 12, 8);
    Values norms = folders.random(12);
    folders.adapter(
        "ad",
        joined(lora, Map.of(BASE + UP.replace(".weight", ".lora_magnitude_vector") + end, norms)),
        "\"use_dora\": true");

    assertClose(
        folders.merge(add("base+ad")).get(UP),
        scaled(base.get(UP).plus(1, Folders.change(lora, UP)), norms));
  }

  private static Values scaled(Values weight, Values norms) {
    List<Values> rows = new ArrayList<>();
    for (int o = 0; o < norms.values().length; o++) {
      Values row = weight.rows(o, o + 1);
      double squares = 0;
      for (float value : row.values()) {
        squares += (double) value * value;
      }
      rows.add(row.plus((float) (norms.values()[o] / Math.sqrt(squares) - 1), row));
    }
    return Values.stacked(rows);
  }

  @Test
  void dora_of_a_layer_that_is_stored_as_in_and_out_scales_its_columns() {
    String conv = "transformer.h.0.mlp.c_fc.weight";
    Map<String, Values> base = Map.of(conv, folders.random(4, 6));
    folders.model("base", base, "\"model_type\": \"gpt2\"");
    Map<String, Values> lora = folders.lora(conv, 6, 4);
    Values norms = folders.random(6);
    folders.adapter(
        "ad",
        joined(lora, Map.of(BASE + conv.replace(".weight", ".lora_magnitude_vector"), norms)),
        "\"use_dora\": true");

    Values straight = base.get(conv).transposed().plus(1, Folders.change(lora, conv));
    assertClose(folders.merge(add("base+ad")).get(conv), scaled(straight, norms).transposed());
  }

  // ---- stacks of experts

  @ParameterizedTest
  @CsvSource({"6, 4, false", "6, 4, true", "4, 6, false", "4, 6, true"})
  void a_change_of_experts_is_put_the_way_round_in_which_the_stack_is(
      int in, int out, boolean outFirst) {
    String stack = "model.layers.0.mlp.experts.gate_up_proj";
    String other = "model.layers.0.mlp.experts.down_proj";
    Map<String, Values> base =
        Map.of(
            stack,
            outFirst ? folders.random(3, out, in) : folders.random(3, in, out),
            other,
            folders.random(3, 5, 5));
    folders.model("base", base);
    Values a = folders.random(3 * 2, in);
    Values b = folders.random(out, 2 * 3);
    String module = BASE + "model.layers.0.mlp.experts.base_layer";
    folders.adapter(
        "ad",
        Map.of(module + ".lora_A.weight", a, module + ".lora_B.weight", b),
        "\"target_parameters\": [\"mlp.experts.gate_up_proj\", \"mlp.experts.down_proj\"]");

    float[] expected = base.get(stack).values().clone();
    for (int e = 0; e < 3; e++) {
      for (int i = 0; i < in; i++) {
        for (int o = 0; o < out; o++) {
          double sum = 0;
          for (int r = 0; r < 2; r++) {
            sum += b.values()[o * 6 + r * 3 + e] * (double) a.values()[(e * 2 + r) * in + i];
          }
          int at = outFirst ? (e * out + o) * in + i : (e * in + i) * out + o;
          expected[at] += (float) (2 * sum);
        }
      }
    }
    Merged merged = folders.merge(add("base+ad"));
    assertClose(merged.get(stack), new Values(base.get(stack).shape(), expected));
    assertClose(merged.get(other), base.get(other));
  }

  @Test
  void a_change_of_experts_that_fits_either_way_round_is_refused() {
    String stack = "model.layers.0.mlp.experts.gate_up_proj";
    folders.model("base", Map.of(stack, folders.random(3, 4, 4)));
    String module = BASE + "model.layers.0.mlp.experts";
    folders.adapter(
        "ad",
        Map.of(
            module + ".lora_A.weight", folders.random(6, 4),
            module + ".lora_B.weight", folders.random(4, 6)),
        "\"target_parameters\": [\"mlp.experts.gate_up_proj\"]");

    assertThatThrownBy(() -> folders.merge(add("base+ad")))
        .hasMessageContaining("fits either way round a tensor of 'model.layers.0.mlp.experts'")
        .hasMessageContaining("merge_and_unload");
  }

  // ---- (in, out) or (out, in)

  @ParameterizedTest
  @CsvSource({
    "gpt2, transformer.h.0.attn.c_proj.weight, true",
    "gpt2, decoder.transformer.h.0.mlp.c_proj.weight, true",
    "imagegpt, transformer.h.0.attn.c_attn.weight, true",
    "openai-gpt, h.0.attn.c_proj.weight, true",
    "gpt_bigcode, transformer.h.0.attn.c_proj.weight, false",
    "qwen, transformer.h.0.attn.c_proj.weight, false",
    "gptj, transformer.h.0.attn.q_proj.weight, false",
    "llama, model.layers.0.self_attn.q_proj.weight, false",
    "gpt2, lm_head.weight, false",
  })
  void a_square_weight_is_stored_as_its_family_stores_it(
      String family, String name, boolean transposed) {
    Map<String, Values> base = Map.of(name, folders.random(6, 6));
    folders.model("base", base, "\"model_type\": \"%s\"".formatted(family));
    for (boolean flag : new boolean[] {false, true}) {
      Map<String, Values> lora = folders.lora(name, 6, 6);
      folders.adapter("ad" + flag, lora, "\"fan_in_fan_out\": " + flag);
      Values change = Folders.change(lora, name);
      assertClose(
          folders.merge(add("base+ad" + flag)).get(name),
          base.get(name).plus(1, transposed ? change.transposed() : change));
    }
  }

  @Test
  void where_no_family_is_known_another_layer_says_it_or_it_must_be_said() throws IOException {
    String square = "transformer.h.0.attn.c_proj.weight";
    String wide = "transformer.h.0.attn.c_attn.weight";
    Map<String, Values> base = Map.of(square, folders.random(6, 6), wide, folders.random(6, 18));
    folders.model("base", base);
    Files.delete(dir.resolve("base/config.json"));
    Map<String, Values> lora = folders.lora(square, 6, 6);
    folders.adapter("alone", lora);
    assertThatThrownBy(() -> folders.merge(add("base+alone")))
        .hasMessageContaining("is square, and nothing says whether it is stored as (in, out)")
        .hasMessageContaining("add a config.json with its model_type");

    folders.adapter("both", joined(lora, folders.lora(wide, 18, 6)));
    Values expected = base.get(square).plus(1, Folders.change(lora, square).transposed());
    assertClose(folders.merge(add("base+both")).get(square), expected);

    // As the message says.
    folders.model("base", base, "\"model_type\": \"gpt2\"");
    assertClose(folders.merge(add("base+alone")).get(square), expected);
  }

  // ---- whole tensors and copies of the base

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model.mm_projector.0.weight",
        "model.mm_projector.modules_to_save.0.weight",
        "model.mm_projector.modules_to_save.default.0.weight",
        "model.mm_projector.0.base_layer.weight",
      })
  void a_module_that_is_trained_whole_replaces_the_base_s(String name) {
    String projector = "model.mm_projector.0.weight";
    folders.model("base", joined(folders.llama(), Map.of(projector, folders.random(8, 6))));
    Values trained = folders.random(8, 6);
    folders.adapter("ad", joined(folders.lora(QUERY, 8, 8), Map.of(BASE + name, trained)));

    assertClose(folders.merge(add("base+ad")).get(projector), trained);
  }

  @Test
  void the_base_s_own_copy_beside_a_trained_module_is_not_taken_for_it() {
    Map<String, Values> base = folders.llama();
    folders.model("base", base);
    Values trained = folders.random(16, 8);
    folders.adapter(
        "ad",
        Map.of(
            BASE + "lm_head.modules_to_save.default.weight",
            trained,
            BASE + "lm_head.original_module.weight",
            base.get(HEAD)));

    assertClose(folders.merge(add("base+ad")).get(HEAD), trained);
  }

  @Test
  void a_copy_of_the_base_in_a_second_adapter_does_not_undo_the_first() {
    Map<String, Values> base = folders.llama();
    folders.model("base", base);
    Map<String, Values> first = folders.lora(HEAD, 16, 8);
    Map<String, Values> second = folders.lora(HEAD, 16, 8);
    folders.adapter("a1", first);
    folders.adapter(
        "a2", joined(second, Map.of(BASE + "lm_head.base_layer.weight", base.get(HEAD))));

    assertClose(
        folders.merge(add("base+a1+a2")).get(HEAD),
        base.get(HEAD).plus(1, Folders.change(first, HEAD)).plus(1, Folders.change(second, HEAD)));
  }

  @Test
  void adapters_without_a_base_of_their_own_stand_on_the_recipe_s() {
    Map<String, Values> base = folders.llama();
    folders.model("base", base);
    Map<String, Values> first = folders.lora(QUERY, 8, 8);
    Map<String, Values> second = folders.lora(QUERY, 8, 8);
    folders.adapter("a1", first);
    folders.adapter("a2", second);

    assertClose(
        folders.merge(add("a1+a2")).get(QUERY),
        base.get(QUERY)
            .plus(1, Folders.change(first, QUERY))
            .plus(1, Folders.change(second, QUERY)));
  }

  @Test
  void factors_of_several_adapters_in_one_file_are_refused() {
    folders.model("base", folders.llama());
    String module = BASE + "model.layers.0.self_attn.q_proj";
    folders.adapter(
        "ad",
        Map.of(
            module + ".lora_A.vision.weight", folders.random(2, 8),
            module + ".lora_B.vision.weight", folders.random(8, 2),
            module + ".lora_A.speech.weight", folders.random(2, 8),
            module + ".lora_B.speech.weight", folders.random(8, 2)));

    assertThatThrownBy(() -> folders.merge(add("base+ad")))
        .hasMessageContaining("factors of several adapters (speech, vision)");
  }

  @Test
  void an_adapter_that_is_a_pickle_is_named_with_the_way_to_convert_it() throws IOException {
    Map<String, Values> base = folders.llama();
    folders.model("base", base);
    Map<String, Values> lora = folders.lora(QUERY, 8, 8);
    folders.adapter("ad", lora);
    Files.delete(dir.resolve("ad/adapter_model.safetensors"));
    folders.bytes("ad", "adapter_model.bin", (byte) 'P', (byte) 'K', (byte) 3, (byte) 4);

    assertThatThrownBy(() -> folders.merge(add("base+ad")))
        .hasMessageContaining("the weights are in adapter_model.bin, a pickle")
        .hasMessageContaining("'adapter_model.safetensors'");

    folders.file("ad", "adapter_model.safetensors", lora);
    assertClose(
        folders.merge(add("base+ad")).get(QUERY),
        base.get(QUERY).plus(1, Folders.change(lora, QUERY)));
  }

  @Test
  void biases_that_were_trained_and_not_saved_are_named() {
    folders.model("base", folders.llama());
    folders.adapter("ad", folders.lora(QUERY, 8, 8), "\"bias\": \"lora_only\"");

    assertThat(folders.merge(add("base+ad")).said())
        .contains("its configuration says that biases were trained, and it holds none");
  }
}
