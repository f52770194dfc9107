package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;

/**
 * What people who merge models have reported: vocabularies, element types, masks, headers; each
 * situation with more of its kind.
 */
class MergekitReportsTest {
  private static final String Q = "model.layers.0.self_attn.q_proj.weight";
  private static final String ADD =
      "merge_method: %s\nbase_model: base\nmodels:\n- {model: x, parameters: {weight: 1.0}}\n";

  @TempDir Path dir;

  private CommandRun merge(String recipe) throws IOException {
    Path file = Files.writeString(dir.resolve("recipe.yml"), recipe);
    return CommandRun.of("merge", file, "--out", dir.resolve("out"), "--force");
  }

  private CommandRun merged(String recipe) throws IOException {
    CommandRun run = merge(recipe);
    assertThat(run.code()).as(run.err()).isZero();
    return run;
  }

  private float[] values(String folder, String tensor) {
    return TestCheckpoints.values(dir.resolve(folder), tensor);
  }

  private TestCheckpoints model(String name, int seed, String config) {
    return TestCheckpoints.folder(dir.resolve(name))
        .random(Q, DType.F32, List.of(8L, 8L), seed)
        .config(config);
  }

  // ---- vocabularies

  private static Stream<String> vocabularies() {
    // A tensor, its family's configuration with %d for the size, and whether names alone tell it.
    return Stream.of(
        "model.embed_tokens.weight|{\"vocab_size\": %d}",
        "lm_head.weight|{\"vocab_size\": %d}",
        "language_model.output.weight|{\"llm_config\": {\"vocab_size\": %d}}",
        "language_model.model.tok_embeddings.weight|{\"llm_config\": {\"vocab_size\": %d}}",
        "transformer.wte.weight|{\"vocab_size\": %d, \"n_positions\": 4}",
        "language.model.embed.weight|{\"language_config\": {\"vocab_size\": %d}}",
        "thinker.lm_head.weight|{\"thinker_config\": {\"text_config\": {\"vocab_size\": %d}}}",
        "model.text_embed.weight|{\"text_config\": {\"vocab_size\": %d}}",
        "shared.weight|{}",
        "gpt_neox.embed_in.weight|{}");
  }

  @ParameterizedTest
  @MethodSource("vocabularies")
  void rows_that_both_have_are_merged_whichever_has_more(String family) throws IOException {
    String tensor = family.substring(0, family.indexOf('|'));
    String config = family.substring(family.indexOf('|') + 1);
    for (int[] rows : new int[][] {{24, 20}, {20, 24}}) {
      model("base", 1, config.formatted(rows[0]))
          .random(tensor, DType.F32, List.of((long) rows[0], 8L), 3)
          .write();
      model("x", 2, config.formatted(rows[1]))
          .random(tensor, DType.F32, List.of((long) rows[1], 8L), 4)
          .write();
      for (String method : List.of("task_arithmetic", "optmerge-full")) {
        CommandRun run =
            merged(
                ADD.formatted(method)
                        .replace(
                            method.startsWith("opt") ? ", parameters: {weight: 1.0}" : "##", "")
                    + (method.startsWith("opt") ? "scaling: 1\nexclude: ['.*q_proj.*']\n" : ""));

        assertThat(run.err())
            .contains("'%s' has %d rows, 'base' has %d".formatted(tensor, rows[1], rows[0]));
        float[] out = values("out", tensor);
        assertThat(out).hasSize(rows[0] * 8);
        if (method.startsWith("task")) {
          assertThat(Arrays.copyOf(out, 160))
              .containsExactly(Arrays.copyOf(values("x", tensor), 160), offset(1e-5f));
        }
        assertThat(Arrays.copyOfRange(out, 160, out.length))
            .isEqualTo(Arrays.copyOfRange(values("base", tensor), 160, out.length));
      }
      CommandRun cut =
          CommandRun.of(
              "merge",
              Files.writeString(dir.resolve("cut.yml"), ADD.formatted("task_arithmetic")),
              "--out",
              dir.resolve("cut"),
              "--force",
              "--unsafe-truncate-embeddings");
      assertThat(cut.code()).as(cut.err()).isZero();
      assertThat(values("cut", tensor)).hasSize(160);
      if (config.contains("vocab_size")) {
        assertThat(
                new ObjectMapper()
                    .readTree(dir.resolve("cut/config.json").toFile())
                    .findValue("vocab_size")
                    .asInt())
            .isEqualTo(20);
      }
    }
  }

  private static String tokenizer(Map<String, Integer> ids) {
    StringBuilder text = new StringBuilder("{\"model\": {\"type\": \"BPE\", \"vocab\": {");
    ids.forEach(
        (token, id) ->
            text.append(text.toString().endsWith("{") ? "" : ", ")
                .append("\"%s\": %d".formatted(token, id)));
    return text + "}, \"merges\": []}, \"added_tokens\": []}";
  }

  private void withTokens(String name, int seed, List<String> tokens, int rows) {
    Map<String, Integer> ids = new LinkedHashMap<>();
    tokens.forEach(token -> ids.put(token, ids.size()));
    model(name, seed, "{\"vocab_size\": %d}".formatted(rows))
        .random("model.embed_tokens.weight", DType.F32, List.of((long) rows, 8L), seed + 5)
        .file("tokenizer.json", tokenizer(ids))
        .write();
  }

  private float[] row(String folder, int row) {
    float[] all = values(folder, "model.embed_tokens.weight");
    return Arrays.copyOfRange(all, 8 * row, 8 * row + 8);
  }

  @Test
  void tokens_that_only_one_has_are_refused_and_the_advice_keeps_them() throws IOException {
    withTokens("base", 1, List.of("a", "b", "c"), 3);
    withTokens("x", 2, List.of("a", "b", "c", "new"), 4);

    CommandRun refused = merge(ADD.formatted("task_arithmetic"));
    assertThat(refused.code()).isEqualTo(2);
    assertThat(refused.err())
        .contains("recipe.yml:4:11", "model.embed_tokens.weight", "such as 'new'")
        .contains(
            "'tokenizer_source: base' merges by token and keeps the base's, 'union' keeps all");

    merged(ADD.formatted("task_arithmetic") + "tokenizer_source: base\n");
    assertThat(values("out", "model.embed_tokens.weight")).hasSize(24);
    merged(ADD.formatted("task_arithmetic") + "tokenizer_source: union\n");
    assertThat(row("out", 3)).containsExactly(row("x", 3), offset(1e-6f));
    assertThat(Files.readString(dir.resolve("out/config.json"))).contains("\"vocab_size\": 4");
    assertThat(Files.readString(dir.resolve("out/tokenizer.json"))).contains("\"new\"");
  }

  @Test
  void padding_beside_the_same_tokens_is_merged_where_both_have_rows() throws IOException {
    withTokens("base", 1, List.of("a", "b", "c"), 8);
    withTokens("x", 2, List.of("a", "b", "c"), 3);

    CommandRun run = merged(ADD.formatted("task_arithmetic"));

    assertThat(run.err()).contains("the first 3 are merged, the others are those of 'base'");
    assertThat(row("out", 2)).containsExactly(row("x", 2), offset(1e-6f));
    assertThat(row("out", 7)).isEqualTo(row("base", 7));
  }

  @Test
  void moved_tokens_are_told_and_the_advice_moves_them() throws IOException {
    withTokens("base", 1, List.of("a", "b", "c"), 3);
    withTokens("x", 2, List.of("c", "a", "b"), 3);

    CommandRun run = merged(ADD.formatted("task_arithmetic"));
    assertThat(run.err()).contains("token 'a' is row 0 in 'base' and row 1 in 'x'");

    merged(ADD.formatted("task_arithmetic") + "tokenizer_source: base\n");
    assertThat(row("out", 0)).containsExactly(row("x", 1), offset(1e-6f));
    assertThat(row("out", 2)).containsExactly(row("x", 0), offset(1e-6f));
  }

  // ---- element types

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model.layers.0.mlp.gate.e_score_correction_bias",
        "backbone.layers.0.mixer.A_log",
        "backbone.layers.0.mixer.D",
        "model.rotary_emb.inv_freq"
      })
  void what_a_model_keeps_wider_is_not_narrowed_without_a_note(String tensor) throws IOException {
    float[] values = new float[256];
    for (int i = 0; i < 256; i++) {
      values[i] = 6.817f + i * 0.246f / 255;
    }
    for (String name : List.of("base", "x")) {
      TestCheckpoints.folder(dir.resolve(name))
          .random(Q, DType.BF16, List.of(8L, 8L), name.hashCode())
          .tensor(tensor, DType.F32, List.of(256L), values)
          .config("{\"torch_dtype\": \"bfloat16\"}")
          .write();
    }

    CommandRun run = merged(ADD.formatted("task_arithmetic") + "dtype: bfloat16\n");
    assertThat(values("out", tensor)).isEqualTo(values);
    assertThat(run.err()).contains(tensor, "keeps wider than bfloat16", "'out_dtype: bfloat16'");

    CommandRun narrow =
        merged(ADD.formatted("task_arithmetic") + "dtype: bfloat16\nout_dtype: bfloat16\n");
    try (Checkpoint out = Checkpoint.open(dir.resolve("out"))) {
      assertThat(out.find(tensor).orElseThrow().dtype()).isEqualTo(DType.BF16);
    }
    assertThat(narrow.err()).contains(tensor, "'out_dtype' narrows this");
  }

  @ParameterizedTest
  @CsvSource({
    "task_arithmetic, BF16",
    "ties, BF16",
    "breadcrumbs, BF16",
    "sce, F32",
    "model_stock, F32",
    "multislerp, F32",
    "linear, F32",
    "nearswap, F32"
  })
  void mergekit_0_1_4_wrote_the_type_of_the_base_in_some_methods_only(String method, DType type)
      throws IOException {
    for (String name : List.of("base", "x", "y")) {
      TestCheckpoints.folder(dir.resolve(name))
          .random(Q, name.equals("base") ? DType.BF16 : DType.F32, List.of(8L, 8L), name.hashCode())
          .config("{}")
          .write();
    }
    String parameters =
        switch (method) {
          case "sce", "model_stock" -> "- {model: x}\n- {model: y}\n";
          case "nearswap" -> "- {model: x}\nparameters: {t: 0.01}\n";
          default ->
              "- {model: x, parameters: {weight: 1}}\n- {model: y, parameters: {weight: 1}}\n";
        };
    if (method.equals("linear")) {
      parameters += "- {model: base, parameters: {weight: 1}}\n";
    }
    for (String version : List.of("0.1.4", "0.1.5")) {
      merged(
          "merge_method: %s\nbase_model: base\nmodels:\n%smergekit_version: %s\n"
              .formatted(method, parameters, version));
      try (Checkpoint out = Checkpoint.open(dir.resolve("out"))) {
        assertThat(out.find(Q).orElseThrow().dtype())
            .isEqualTo(version.equals("0.1.4") ? type : DType.F32);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"ties, true", "breadcrumbs_ties, true", "sce, true", "task_arithmetic, false"})
  void entries_of_equal_magnitude_are_told_of_where_some_are_chosen(String method, boolean told)
      throws IOException {
    model("base", 1, "{}").write();
    model("x", 2, "{}").write();

    String recipe = ADD.formatted(method);
    CommandRun run =
        merged(method.equals("sce") ? recipe.replace(", parameters: {weight: 1.0}", "") : recipe);

    assertThat(run.err().contains("differs from mergekit: of entries of equal magnitude"))
        .isEqualTo(told);
  }

  /** One file with a tensor of a type that the library cannot write by itself. */
  private static void write(Path file, String type, byte[] data, long elements) throws IOException {
    Files.createDirectories(file.getParent());
    byte[] header =
        ("{\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                + "\"model.layers.0.scale\":{\"dtype\":\"%s\",\"shape\":[%d],\"data_offsets\":[4,%d]}}")
            .formatted(Q, type, elements, 4 + data.length)
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer all =
        ByteBuffer.allocate(12 + header.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    all.putLong(header.length).put(header).putFloat(1).put(data);
    Files.write(file, all.array());
  }

  @ParameterizedTest
  @CsvSource({
    "F8_E8M0, 8",
    "F8_E4M3, 8",
    "F8_E5M2, 8",
    "F8_E4M3FNUZ, 8",
    "F8_E5M2FNUZ, 8",
    "F6_E2M3, 6",
    "F6_E3M2, 6",
    "F4, 4",
    "C64, 64",
    "BOOL, 8",
    "U8, 8",
    "I64, 64",
    "F3_E1M1, 3",
    "I2, 2"
  })
  void every_type_is_inspected_and_copied(String type, int bits) throws IOException {
    byte[] data = new byte[bits * 16 / 8];
    Arrays.setAll(new Integer[data.length], i -> (int) (data[i] = (byte) (i & 1)));
    write(dir.resolve("base/model.safetensors"), type, data, 16);
    write(dir.resolve("x/model.safetensors"), type, data, 16);

    assertThat(CommandRun.of("inspect", dir.resolve("base")).code()).isZero();
    merged(ADD.formatted("task_arithmetic"));
    try (Checkpoint out = Checkpoint.open(dir.resolve("out"))) {
      var info = out.find("model.layers.0.scale").orElseThrow();
      assertThat(info.type()).isEqualTo(type);
      ByteBuffer copied = ByteBuffer.allocate(data.length);
      out.readBytes(info, 0, copied);
      assertThat(copied.array()).isEqualTo(data);
    }

    byte[] other = data.clone();
    other[0] = 2;
    write(dir.resolve("x/model.safetensors"), type, other, 16);
    merged(ADD.formatted("task_arithmetic") + "exclude: '.*scale'\n");
  }

  @Test
  void masks_that_all_models_have_are_copied() throws IOException {
    String mask = "transformer.h.0.attn.attention.bias";
    byte[] triangle = new byte[36];
    for (int i = 0; i < 36; i++) {
      triangle[i] = (byte) (i % 6 <= i / 6 ? 1 : 0);
    }
    for (String name : List.of("base", "x")) {
      model(name, name.hashCode(), "{}")
          .bytes(mask, DType.U8, List.of(1L, 1L, 6L, 6L), triangle)
          .write();
    }
    merged(ADD.formatted("task_arithmetic"));

    model("x", 5, "{}").bytes(mask, DType.U8, List.of(1L, 1L, 6L, 6L), new byte[36]).write();
    CommandRun refused = merge(ADD.formatted("task_arithmetic"));
    assertThat(refused.code()).isEqualTo(2);
    assertThat(refused.err()).contains(mask, "listed under 'exclude'");
    merged(ADD.formatted("task_arithmetic") + "exclude: ['.*attention.bias']\n");
  }

  @Test
  void the_output_says_that_it_is_of_pytorch() throws IOException {
    write(dir.resolve("base/model.safetensors"), "F32", new byte[8], 2);
    write(dir.resolve("x/model.safetensors"), "F32", new byte[8], 2);

    merged(ADD.formatted("task_arithmetic"));

    try (Checkpoint out = Checkpoint.open(dir.resolve("out"))) {
      assertThat(out.metadata(out.weightFiles().get(0))).containsEntry("format", "pt");
    }
  }

  // ---- grammar

  @ParameterizedTest
  @ValueSource(
      strings = {
        "factor: &factor 0.5\n"
            + "merge_method: passthrough\n"
            + "models:\n"
            + "- {model: x, parameters: {scale: *factor}}\n",
        "defaults:\n"
            + "  first: &one {scale: 0.5}\n"
            + "merge_method: passthrough\n"
            + "models:\n"
            + "- {model: x, parameters: *one}\n",
        "x-values: [&half 0.5, &none 0.0]\n"
            + "merge_method: passthrough\n"
            + "models:\n"
            + "- {model: x, parameters: {scale: *half}}\n",
        "scaled: &scaled\n"
            + "  parameters: {scale: 0.5}\n"
            + "merge_method: passthrough\n"
            + "models:\n"
            + "- model: x\n"
            + "  <<: *scaled\n",
      })
  void a_key_may_hold_an_anchor_that_is_used_elsewhere(String recipe) throws IOException {
    model("x", 2, "{}").write();

    merged(recipe);

    float[] half = values("x", Q);
    for (int i = 0; i < half.length; i++) {
      half[i] /= 2;
    }
    assertThat(values("out", Q)).isEqualTo(half);
  }

  @Test
  void a_key_whose_anchor_nobody_uses_is_a_slip() throws IOException {
    model("x", 2, "{}").write();
    CommandRun run = merge("factr: &f 0.5\nmerge_method: passthrough\nmodels:\n- {model: x}\n");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("recipe.yml:1:1: unknown key 'factr'");
  }
}
