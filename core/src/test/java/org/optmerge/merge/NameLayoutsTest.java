package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.optmerge.merge.Folders.add;
import static org.optmerge.merge.ReportedMergesTest.assertClose;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.merge.Folders.Merged;
import org.optmerge.merge.Folders.Values;
import org.optmerge.merge.recipe.RecipeException;

/** One model under several layouts of names, in every combination. */
class NameLayoutsTest {
  /** The beginnings of the names of a model's parts; null: it does not have the part. */
  private record Layout(String text, String vision, String head) {}

  /**
   * Published layouts: Qwen2-VL before and after 4.52, Gemma 3, LLaVA, Omni, MiniCPM, plain, inner.
   */
  private static final Map<String, Layout> LAYOUTS = layouts();

  private static Map<String, Layout> layouts() {
    Map<String, Layout> layouts = new LinkedHashMap<>();
    layouts.put("published", new Layout("model.", "visual.", "lm_head."));
    layouts.put("nested", new Layout("model.language_model.", "model.visual.", "lm_head."));
    layouts.put("outer", new Layout("language_model.model.", "visual.", "language_model.lm_head."));
    layouts.put("thinker", new Layout("thinker.model.", "thinker.visual.", "thinker.lm_head."));
    layouts.put("llm", new Layout("llm.model.", "visual.", "llm.lm_head."));
    layouts.put("wrapped", new Layout("model.model.", "model.visual.", "model.lm_head."));
    layouts.put("parallel", new Layout("module.model.", "module.visual.", "module.lm_head."));
    layouts.put(
        "compiled", new Layout("_orig_mod.model.", "_orig_mod.visual.", "_orig_mod.lm_head."));
    layouts.put("plain", new Layout("model.", null, "lm_head."));
    layouts.put("inner", new Layout("", null, null));
    return layouts;
  }

  @TempDir private Path dir;
  private Folders folders;

  @BeforeEach
  void folders() {
    folders = new Folders(dir);
  }

  /** The parts of a model: two layers of text and of vision, with the same inner names. */
  private Map<String, Values> parts() {
    Map<String, Values> parts = new LinkedHashMap<>();
    parts.put("text|embed_tokens.weight", folders.random(10, 4));
    for (int layer = 0; layer < 2; layer++) {
      parts.put("text|layers.%d.self_attn.q_proj.weight".formatted(layer), folders.random(4, 4));
      parts.put("text|layers.%d.mlp.up_proj.weight".formatted(layer), folders.random(6, 4));
      parts.put("vision|layers.%d.self_attn.q_proj.weight".formatted(layer), folders.random(4, 4));
      parts.put("vision|layers.%d.mlp.fc1.weight".formatted(layer), folders.random(5, 4));
    }
    parts.put("text|norm.weight", folders.random(4));
    parts.put("head|weight", folders.random(10, 4));
    return parts;
  }

  private static Map<String, Values> in(Layout layout, Map<String, Values> parts) {
    Map<String, Values> tensors = new LinkedHashMap<>();
    parts.forEach(
        (part, values) -> {
          String name = name(layout, part);
          if (name != null) {
            tensors.put(name, values);
          }
        });
    return tensors;
  }

  private static String name(Layout layout, String part) {
    String beginning =
        part.startsWith("text|")
            ? layout.text()
            : part.startsWith("vision|") ? layout.vision() : layout.head();
    return beginning == null ? null : beginning + part.substring(part.indexOf('|') + 1);
  }

  private static String[] config(Layout layout) {
    return new String[] {
      "\"model_type\": \"%s\"".formatted(layout.vision() == null ? "qwen2" : "qwen2_vl"),
      "\"architectures\": [\"%s\"]".formatted(layout.vision() == null ? "Qwen2Model" : "Qwen2VL")
    };
  }

  static Stream<Arguments> pairs() {
    return LAYOUTS.keySet().stream()
        .flatMap(base -> LAYOUTS.keySet().stream().map(other -> Arguments.of(base, other)));
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void a_model_is_merged_whatever_its_layout(String baseLayout, String otherLayout) {
    Layout ofBase = LAYOUTS.get(baseLayout);
    Layout ofOther = LAYOUTS.get(otherLayout);
    Map<String, Values> parts = parts();
    Map<String, Values> tuned = folders.tuned(parts);
    Map<String, Values> base = in(ofBase, parts);
    folders.model("base", base, config(ofBase));
    folders.model("x", in(ofOther, tuned), config(ofOther));
    boolean headMissing = ofBase.head() != null && ofOther.head() == null;

    // The inner model lacks the head, which is no tower: its absence must be allowed.
    Merged merged = folders.merge(add("x", headMissing ? "missing: base" : ""));
    parts.forEach(
        (part, values) -> {
          String name = name(ofBase, part);
          if (name != null) {
            boolean has = name(ofOther, part) != null;
            assertClose(merged.get(name), has ? tuned.get(part) : values);
          }
        });
    assertThat(merged.tensors()).hasSameSizeAs(base);
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void an_adapter_is_merged_whatever_its_layout(String baseLayout, String otherLayout) {
    Layout ofBase = LAYOUTS.get(baseLayout);
    Layout ofOther = LAYOUTS.get(otherLayout);
    Map<String, Values> base = in(ofBase, parts());
    folders.model("base", base, config(ofBase));
    String part = "text|layers.1.self_attn.q_proj.weight";
    String own = name(ofOther, part);
    Map<String, Values> lora = folders.lora(own, 4, 4);
    folders.adapter("ad", lora);

    Merged merged = folders.merge(add("base+ad"));
    base.forEach(
        (name, values) ->
            assertClose(
                merged.get(name),
                name.equals(name(ofBase, part))
                    ? values.plus(1, Folders.change(lora, own))
                    : values));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"base_model.model.", "base_model.", "", "base_model.model.module.", "module."})
  void a_prefix_of_trainers_is_no_part_of_an_adapter_s_names(String prefix) {
    Map<String, Values> base = folders.llama();
    folders.model("base", base);
    Map<String, Values> lora = folders.lora(Folders.QUERY, 8, 8);
    Map<String, Values> named = new LinkedHashMap<>();
    lora.forEach((name, values) -> named.put(name.replace("base_model.model.", prefix), values));
    folders.adapter("ad", named);

    assertClose(
        folders.merge(add("base+ad")).get(Folders.QUERY),
        base.get(Folders.QUERY).plus(1, Folders.change(lora, Folders.QUERY)));
  }

  // ---- two mappings fit

  @ParameterizedTest
  @CsvSource({
    "encoder., decoder., ''",
    "thinker., talker., model.",
    "left.model., right.model., model."
  })
  void names_that_fit_in_two_ways_are_refused_until_the_recipe_says_which(
      String one, String other, String own) {
    String rest = "layers.0.self_attn.q_proj.weight";
    String inner = one.startsWith("left") ? "" : own;
    Map<String, Values> base = new LinkedHashMap<>();
    base.put(one + inner + rest, folders.random(4, 4));
    base.put(other + inner + rest, folders.random(4, 4));
    folders.model("base", base);
    Map<String, Values> lora = folders.lora(own + rest, 4, 4);
    folders.adapter("ad", lora);

    assertThatThrownBy(() -> folders.merge(add("base+ad")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("fit in two ways")
        .hasMessageContaining("say which with 'rename:'");

    String to = other + inner;
    for (String rename :
        List.of(
            "rename: {'%s': '%s'}".formatted(own, to),
            "rename: {base+ad: {'%s': '%s'}}".formatted(own, to))) {
      Merged merged = folders.merge(add("base+ad", rename));
      assertClose(
          merged.get(to + rest), base.get(to + rest).plus(1, Folders.change(lora, own + rest)));
      assertClose(merged.get(one + inner + rest), base.get(one + inner + rest));
    }
  }

  @Test
  void a_rename_of_prefixes_is_for_the_models_that_it_names() {
    Map<String, Values> base = folders.llama();
    folders.model("base", base);
    Map<String, Values> x = folders.tuned(base);
    Map<String, Values> renamed = new LinkedHashMap<>();
    x.forEach((name, v) -> renamed.put(name.replaceFirst("^model\\.", "model.language_model."), v));
    folders.model("x", renamed);
    Merged merged = folders.merge(add("x", "rename: {x: {model.language_model.: model.}}"));
    x.forEach((name, values) -> assertClose(merged.get(name), values));

    assertThatThrownBy(() -> folders.merge(add("x", "rename: {x: {}}")))
        .hasMessageContaining("model 'x' has 1 of the 4 tensors of 'base'")
        .message()
        .doesNotContain("missing: base");
  }

  @Test
  void a_rename_that_gives_two_tensors_one_name_is_refused() {
    Map<String, Values> base = folders.llama();
    folders.model("base", base);
    Map<String, Values> x = folders.tuned(base);
    x.put("other." + Folders.QUERY, folders.random(8, 8));
    folders.model("x", x);

    assertThatThrownBy(() -> folders.merge(add("x", "rename: {'other.': ''}")))
        .hasMessageContaining("'rename' gives")
        .hasMessageContaining("one name");
  }

  // ---- most of a model is missing

  @Test
  void missing_base_is_neither_advised_nor_taken_where_most_of_a_model_is_missing() {
    Map<String, Values> base = parts();
    folders.model("base", base);
    Map<String, Values> strange = new LinkedHashMap<>();
    base.forEach((name, values) -> strange.put("z" + name.hashCode(), values));
    folders.model("strange", strange);
    for (String missing : List.of("", "missing: base", "missing: skip")) {
      assertThatThrownBy(() -> folders.merge(add("strange", missing)))
          .isInstanceOf(RecipeException.class)
          .hasMessageContaining("model 'strange' has 0 of the 11 tensors of 'base'")
          .hasMessageContaining("'rename:' says which prefix is which")
          .message()
          .doesNotContain("missing: base")
          .satisfies(text -> assertThat(text.lines()).hasSize(1));
    }

    String norm = "text|norm.weight";
    Values trained = folders.random(4);
    folders.model("part", Map.of(norm, trained));
    assertThatThrownBy(() -> folders.merge(add("part")))
        .hasMessageContaining("model 'part' has only 1 of the 11 tensors of 'base'")
        .message()
        .doesNotContain("missing: base");
    Merged merged = folders.merge(add("part", "missing: base"));
    assertClose(merged.get(norm), trained);
    assertThat(merged.provenance()).contains("copied: in no other model");
  }

  @Test
  void an_encoder_that_a_model_s_own_settings_describe_is_missing() {
    Layout layout = LAYOUTS.get("published");
    Map<String, Values> parts = parts();
    folders.model("base", in(layout, parts), config(layout));
    folders.model(
        "x",
        in(LAYOUTS.get("plain"), folders.tuned(parts)),
        config(layout)[0],
        config(layout)[1],
        "\"vision_config\": {\"depth\": 2}");

    assertThatThrownBy(() -> folders.merge(add("x")))
        .hasMessageContaining("model 'x' has no tensor 'visual.layers.0.self_attn.q_proj.weight'");
  }

  // ---- projections stored as one tensor

  private static final String BLOCK = "model.layers.0.";

  private Map<String, Values> split() {
    Map<String, Values> tensors = new LinkedHashMap<>();
    tensors.put("model.embed_tokens.weight", folders.random(10, 4));
    tensors.put(BLOCK + "self_attn.q_proj.weight", folders.random(8, 4));
    tensors.put(BLOCK + "self_attn.k_proj.weight", folders.random(2, 4));
    tensors.put(BLOCK + "self_attn.v_proj.weight", folders.random(2, 4));
    tensors.put(BLOCK + "self_attn.q_proj.bias", folders.random(8));
    tensors.put(BLOCK + "self_attn.k_proj.bias", folders.random(2));
    tensors.put(BLOCK + "self_attn.v_proj.bias", folders.random(2));
    tensors.put(BLOCK + "mlp.gate_proj.weight", folders.random(6, 4));
    tensors.put(BLOCK + "mlp.up_proj.weight", folders.random(6, 4));
    for (int expert = 0; expert < 3; expert++) {
      tensors.put(
          BLOCK + "mlp.experts.%d.gate_proj.weight".formatted(expert), folders.random(3, 4));
      tensors.put(BLOCK + "mlp.experts.%d.up_proj.weight".formatted(expert), folders.random(3, 4));
      tensors.put(
          BLOCK + "mlp.experts.%d.down_proj.weight".formatted(expert), folders.random(4, 3));
    }
    return tensors;
  }

  /** The same tensors with projections and experts together, as some releases store them. */
  private static Map<String, Values> fused(Map<String, Values> split) {
    Map<String, Values> fused = new LinkedHashMap<>();
    fused.put("model.embed_tokens.weight", split.get("model.embed_tokens.weight"));
    for (String end : List.of("weight", "bias")) {
      fused.put(
          BLOCK + "self_attn.qkv_proj." + end,
          Values.stacked(
              Stream.of("q", "k", "v")
                  .map(it -> split.get(BLOCK + "self_attn." + it + "_proj." + end))
                  .toList()));
    }
    fused.put(
        BLOCK + "mlp.gate_up_proj.weight",
        Values.stacked(
            List.of(
                split.get(BLOCK + "mlp.gate_proj.weight"),
                split.get(BLOCK + "mlp.up_proj.weight"))));
    List<Values> gateUp = new ArrayList<>();
    List<Values> down = new ArrayList<>();
    for (int expert = 0; expert < 3; expert++) {
      gateUp.add(split.get(BLOCK + "mlp.experts.%d.gate_proj.weight".formatted(expert)));
      gateUp.add(split.get(BLOCK + "mlp.experts.%d.up_proj.weight".formatted(expert)));
      down.add(split.get(BLOCK + "mlp.experts.%d.down_proj.weight".formatted(expert)));
    }
    fused.put(BLOCK + "mlp.experts.gate_up_proj", Values.stacked(gateUp).as(3, 6, 4));
    fused.put(BLOCK + "mlp.experts.down_proj", Values.stacked(down).as(3, 4, 3));
    return fused;
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.", "language_model.model."})
  void projections_in_one_tensor_and_in_several_are_the_same(String prefix) {
    Map<String, Values> base = split();
    Map<String, Values> x = folders.tuned(base);
    folders.model("base", base);
    folders.model("x", renamed(fused(x), prefix));
    Merged merged = folders.merge(add("x"));
    x.forEach((name, values) -> assertClose(merged.get(name), values));
    assertThat(merged.said())
        .contains("model 'x' stores as one tensor what 'base' stores in parts");

    folders.model("base", fused(base));
    folders.model("x", renamed(x, prefix));
    Merged other = folders.merge(add("x"));
    fused(x).forEach((name, values) -> assertClose(other.get(name), values));
    assertThat(other.said()).contains("model 'x' stores in parts what 'base' stores as one tensor");
  }

  private static Map<String, Values> renamed(Map<String, Values> tensors, String prefix) {
    Map<String, Values> renamed = new LinkedHashMap<>();
    tensors.forEach((name, values) -> renamed.put(name.replaceFirst("^model\\.", prefix), values));
    return renamed;
  }

  @ParameterizedTest
  @CsvSource({
    "self_attn.q_proj, 8, self_attn.qkv_proj, 0",
    "self_attn.k_proj, 2, self_attn.qkv_proj, 8",
    "self_attn.v_proj, 2, self_attn.qkv_proj, 10",
    "mlp.gate_proj, 6, mlp.gate_up_proj, 0",
    "mlp.up_proj, 6, mlp.gate_up_proj, 6",
  })
  void an_adapter_of_one_projection_changes_its_rows_of_the_fused_one(
      String module, int rows, String fusedModule, int first) {
    Map<String, Values> base = fused(split());
    folders.model("base", base);
    String own = BLOCK + module + ".weight";
    Map<String, Values> lora = folders.lora(own, rows, 4);
    folders.adapter("ad", lora);

    String name = BLOCK + fusedModule + ".weight";
    Values before = base.get(name);
    int all = Math.toIntExact(before.shape().get(0));
    List<Values> expected = new ArrayList<>();
    if (first > 0) {
      expected.add(before.rows(0, first));
    }
    expected.add(before.rows(first, first + rows).plus(1, Folders.change(lora, own)));
    if (first + rows < all) {
      expected.add(before.rows(first + rows, all));
    }
    assertClose(folders.merge(add("base+ad")).get(name), Values.stacked(expected));
  }

  @Test
  void an_adapter_of_a_fused_projection_changes_each_of_them() {
    Map<String, Values> base = split();
    folders.model("base", base);
    String own = BLOCK + "self_attn.qkv_proj.weight";
    Map<String, Values> lora = folders.lora(own, 12, 4);
    folders.adapter("ad", lora);

    Values change = Folders.change(lora, own);
    Merged merged = folders.merge(add("base+ad"));
    int row = 0;
    for (String part : List.of("q", "k", "v")) {
      String name = BLOCK + "self_attn.%s_proj.weight".formatted(part);
      int rows = Math.toIntExact(base.get(name).shape().get(0));
      assertClose(merged.get(name), base.get(name).plus(1, change.rows(row, row + rows)));
      row += rows;
    }
  }

  @Test
  void fused_projections_that_interleave_or_transpose_are_not_guessed_at() {
    Map<String, Values> base = split();
    folders.model("base", base, "\"model_type\": \"llama4\"");
    folders.model("x", fused(folders.tuned(base)), "\"model_type\": \"llama4\"");

    assertThatThrownBy(() -> folders.merge(add("x"))).isInstanceOf(RecipeException.class);
  }
}
