package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.FloatCodec;
import org.optmerge.merge.MergeOptions;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.Merger;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.recipe.RecipeParser;

/**
 * What goes wrong in practice, as a user meets it: broken files, wrong recipes, models that do not
 * fit, interrupted runs. Each ends with exit code 1 or 2, one line that names the cause, and a disk
 * as before; or with a complete result and a word about what was unusual.
 *
 * <p>A Llama of 2 layers is the base, with two experts.
 */
class ReliabilityTableTest {
  private static final String EMBEDDING = "model.embed_tokens.weight";
  private static final String UP = "model.layers.1.mlp.up_proj.weight";
  private static final String NORM = "model.norm.weight";
  private static final String CONFIG =
      "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", \"vocab_size\": 16}";

  private static final String RECIPE =
      """
      merge_method: linear
      base_model: base
      models:
        - model: base
          parameters: {weight: 0.5}
        - model: vqa
          parameters: {weight: 0.25}
        - model: chart
          parameters: {weight: 0.25}
      """;

  @TempDir private Path dir;
  private Path recipe;
  private Path out;

  @BeforeEach
  void write_a_base_and_two_experts() {
    write("base", llama(1));
    write("vqa", llama(2));
    write("chart", llama(3));
    recipe(RECIPE);
    out = dir.resolve("out");
  }

  // ---- damaged files

  @ParameterizedTest
  @CsvSource({
    "400, 'model.safetensors: the header is said to have', 'but only 392 follow in the file'",
    "1000, 'model.safetensors: tensor ', 'its data ends at byte 1003 of the file, which has 1000'",
    "-100, 'model.safetensors: tensor ', 'its data ends at byte'",
    "0, 'model.safetensors: the file is empty', 'was the download complete?'",
  })
  void a_truncated_file_is_refused_with_both_sizes(int length, String where, String what)
      throws IOException {
    Path file = weights("chart");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, length < 0 ? bytes.length + length : length));

    refused(1, "recipe.yml:8:12: ", "chart", where, what);
  }

  @Test
  void trailing_bytes_are_refused_with_both_sizes() throws IOException {
    Path file = weights("chart");
    long length = Files.size(file);
    Files.write(file, new byte[3], StandardOpenOption.APPEND);

    refused(
        1,
        file + ": the tensors end at byte " + length,
        "the file has " + (length + 3),
        "3 bytes belong to no tensor");
  }

  @Test
  void one_bit_that_makes_a_weight_infinite_is_found() {
    // bfloat16 1 is 0x3f80; with the highest bit of the exponent flipped, 0x7f80, infinity.
    write("chart", with(llama(3), UP, ones(DType.BF16, 6, 4)));
    flip(weights("chart"), UP, 2 * 5 + 1, 0x40);

    failed("chart", "model.safetensors: tensor '" + UP + "' holds Infinity at [1, 1]");
  }

  @Test
  void one_bit_that_leaves_a_weight_finite_is_seen_in_the_recorded_checksum() throws IOException {
    merged();
    String before = recordedInput("chart");
    flip(weights("chart"), UP, 0, 1);

    merged("--force");

    assertThat(recordedInput("chart")).isNotEqualTo(before);
  }

  @Test
  void one_bit_that_changes_in_the_result_is_found_by_verify() {
    merged();
    flip(weights("out"), UP, 0, 1);

    CommandRun run = CommandRun.of("verify", out);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err())
        .contains(out + " is not what was merged", "model.safetensors: SHA-256 is");
  }

  @ParameterizedTest
  @CsvSource({"linear, NaN", "linear, Infinity", "ties, NaN", "ties, -Infinity"})
  void nan_and_infinity_are_refused_or_reported(String method, float value) {
    write("chart", with(llama(3), UP, set(ones(DType.BF16, 6, 4), 7, value)));
    recipe(method.equals("ties") ? taskVectors("ties", "density: 0.5") : RECIPE);

    failed(
        weights("chart") + ": tensor '" + UP + "' holds " + value + " at [1, 3]",
        "--allow-nonfinite");
    CommandRun allowed = merged("--force", "--allow-nonfinite", "--quiet");

    assertThat(allowed.err()).contains("warning: tensor '" + UP + "' holds ");
  }

  @Test
  void nan_in_a_tensor_that_is_only_copied_is_reported() {
    write("base", with(llama(1), NORM, set(ones(DType.BF16, 4), 2, Float.NaN)));
    recipe(RECIPE + "exclude: ['model.norm.*']\n");

    assertThat(merged("--quiet").err())
        .isEqualTo("warning: tensor '" + NORM + "' holds 1 NaN or infinite values\n");
  }

  // ---- recipes

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "weight: 0.5}|weight: -0.5}|recipe.yml:5:26: linear: the weights [-0.5, 0.25, 0.25] of"
            + " 'model.embed_tokens.weight' sum to 0",
        "weight: 0.5}|weight: .nan}|recipe.yml:5:26: parameter 'weight' must be a finite number, is"
            + " .nan",
        "parameters: {weight: 0.5}|parametres: {weight: 0.5}|recipe.yml:5:5: unknown key"
            + " 'parametres' in an entry of 'models'; did you mean 'parameters'?",
        "weight: 0.5}|wieght: 0.5}|recipe.yml:5:26: 'linear' has no parameter 'wieght'; did you"
            + " mean 'weight'?",
        "weight: 0.5}|weight: 0.5, weight: 1}|recipe.yml:5:31: key 'weight' is there twice, first"
            + " at 5:18",
        "linear|lnear|recipe.yml:1:15: no merge method 'lnear'; did you mean 'linear'?",
        "model: chart|model: charts|recipe.yml:8:12: model 'charts' is not there",
      })
  void a_wrong_recipe_is_refused_with_its_line(String right, String wrong, String message) {
    recipe(RECIPE.replace(right, wrong));

    refused(2, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2.0 | density of model 1 must be in [0, 1], is 2.0",
        "-0.1 | density of model 1 must be in [0, 1], is -0.1",
      })
  void a_density_out_of_range_is_refused_with_its_line(String density, String message) {
    recipe(taskVectors("ties", "density: " + density));

    refused(2, "recipe.yml:10:12: ties: " + message);
  }

  @Test
  void a_density_that_keeps_nothing_of_a_tensor_is_refused_as_of_mergekit_0_1_4() {
    recipe(
        taskVectors("ties", "density: 0.000001")
            + "include: ['.*norm.*']\nmergekit_version: 0.1.4\n");

    refused(
        2,
        "recipe.yml:10:12: ties: density 1.0E-6 of model 1 keeps none of the 4 entries of"
            + " 'model.layers.0.input_layernorm.weight'; raise it, exclude the parameter, or merge as"
            + " mergekit 0.1.5, which keeps one",
        "(and 2 more tensors)");
  }

  @Test
  void a_tiny_density_is_legal_where_it_keeps_an_entry() {
    for (int seed = 1; seed <= 3; seed++) {
      write(
          List.of("base", "vqa", "chart").get(seed - 1),
          with(llama(seed), "big.weight", random(DType.BF16, seed, 1024, 512)));
    }
    recipe(taskVectors("ties", "density: 0.000001") + "include: ['big.*']\n");

    merged();

    float[] base = TestCheckpoints.values(dir.resolve("base"), "big.weight");
    float[] result = TestCheckpoints.values(out, "big.weight");
    // ⌊1e-6 · 524288⌋ = 0 is taken for 1: the largest change of each expert.
    assertThat(Arrays.mismatch(base, result)).isNotNegative();
    int changed = 0;
    for (int i = 0; i < base.length; i++) {
      changed += base[i] == result[i] ? 0 : 1;
    }
    assertThat(changed).isBetween(1, 2);
  }

  @Test
  void an_alias_bomb_is_refused_at_once() {
    StringBuilder bomb = new StringBuilder(RECIPE + "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n");
    for (int i = 1; i <= 9; i++) {
      String nine = "*a%d, ".formatted(i - 1).repeat(9);
      bomb.append("a%d: &a%d [%s]\n".formatted(i, i, nine.substring(0, nine.length() - 2)));
    }
    recipe(bomb.toString());
    refused(2, "recipe.yml:10:1: unknown key 'a0' in the recipe");

    recipe(bomb.toString().replace("a9:", "exclude:"));
    refused(2, "recipe.yml:");
  }

  @Test
  void the_same_model_twice_counts_twice() {
    recipe(RECIPE.replace("chart", "vqa"));
    float[] base = TestCheckpoints.values(dir.resolve("base"), UP);
    float[] vqa = TestCheckpoints.values(dir.resolve("vqa"), UP);

    merged();

    float[] result = TestCheckpoints.values(out, UP);
    for (int i = 0; i < result.length; i++) {
      // 0.5 base + 0.25 vqa + 0.25 vqa, rounded to bfloat16: 8 bits
      float exact = (base[i] + vqa[i]) / 2;
      assertThat(result[i]).isCloseTo(exact, within(Math.abs(exact) / 256));
    }
  }

  @Test
  void a_folder_that_is_not_there_is_named_and_nothing_is_downloaded() {
    recipe(RECIPE.replace("chart", "acme/chart-7b"));

    refused(
        2,
        "recipe.yml:8:12: model 'acme/chart-7b' is not there",
        dir.resolve("acme/chart-7b").toString(),
        "nothing is downloaded");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{\"model_type\": ", "[1]"})
  void weights_are_merged_without_a_config_that_can_be_read(String config) throws IOException {
    if (config.isEmpty()) {
      Files.delete(dir.resolve("chart/config.json"));
    } else {
      Files.writeString(dir.resolve("chart/config.json"), config);
    }

    assertThat(merged().err())
        .contains("warning: model 'chart' has no config.json that can be read");
  }

  // ---- models that do not fit

  @Test
  void a_missing_tensor_is_refused_by_name() {
    write("chart", without(llama(3), UP));

    refused(
        2,
        "recipe.yml:8:12: model 'chart' has no tensor '" + UP + "', which 'base' has",
        "'missing: base' or 'missing: skip' allows it");
  }

  @Test
  void every_missing_tensor_is_listed_at_once() {
    write("chart", without(without(llama(3), UP), NORM));

    CommandRun run = refusedInSeveralLines(2);

    assertThat(run.err()).hasLineCount(2).contains("no tensor '" + UP, "no tensor '" + NORM);
  }

  @ParameterizedTest
  @CsvSource({"base, stand in for them", "skip, merged without it"})
  void a_missing_tensor_is_treated_as_the_policy_says(String policy, String word) {
    write("chart", without(llama(3), UP));
    recipe(RECIPE + "missing: " + policy + "\n");
    float[] base = TestCheckpoints.values(dir.resolve("base"), UP);
    float[] vqa = TestCheckpoints.values(dir.resolve("vqa"), UP);

    CommandRun run = merged();

    assertThat(run.err()).contains("note: model 'chart' lacks tensors, such as '" + UP, word);
    float[] result = TestCheckpoints.values(out, UP);
    for (int i = 0; i < result.length; i++) {
      // base: 0.5 base + 0.25 vqa + 0.25 base; skip: (0.5 base + 0.25 vqa) / 0.75
      float exact =
          policy.equals("base") ? 0.75f * base[i] + 0.25f * vqa[i] : (2 * base[i] + vqa[i]) / 3;
      assertThat(result[i]).isCloseTo(exact, within(Math.abs(exact) / 256));
    }
  }

  @Test
  void an_extra_tensor_is_reported_kept_or_refused() {
    write("chart", with(llama(3), "vision.weight", random(DType.BF16, 9, 2, 2)));

    assertThat(merged().err())
        .contains(
            "warning: model 'chart' has 1 tensor that 'base' does not have, such as 'vision.weight'",
            "left out ('extra: copy' keeps");
    assertThat(provenance().path("notices").toString()).contains("vision.weight");

    recipe(RECIPE + "extra: copy\n");
    merged("--force");
    assertThat(TestCheckpoints.values(out, "vision.weight"))
        .isEqualTo(TestCheckpoints.values(dir.resolve("chart"), "vision.weight"));

    recipe(RECIPE + "extra: error\n");
    CommandRun run = CommandRun.of("merge", recipe, "--out", dir.resolve("other"), "--quiet");
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("recipe.yml:8:12", "'vision.weight'").hasLineCount(1);
  }

  @Test
  void transposed_shapes_are_all_listed_before_any_work() {
    write(
        "chart",
        with(
            with(llama(3), UP, random(DType.BF16, 5, 4, 6)),
            "model.layers.0.mlp.up_proj.weight",
            random(DType.BF16, 6, 4, 6)));

    CommandRun run = refusedInSeveralLines(2);

    assertThat(run.err())
        .hasLineCount(2)
        .contains(
            "recipe.yml:8:12: tensor '"
                + UP
                + "': model 'chart' has shape [4, 6], 'base' has [6, 4]; is it transposed?",
            "recipe.yml:8:12: tensor 'model.layers.0.mlp.up_proj.weight': model 'chart'");
  }

  @Test
  void an_embedding_with_more_rows_is_cut_and_one_with_fewer_filled() {
    write("chart", with(llama(3), EMBEDDING, random(DType.BF16, 4, 24, 4)));
    assertThat(merged().err())
        .contains(
            "warning: model 'chart': '"
                + EMBEDDING
                + "' has 24 rows, 'base' has 16; the first 16 are merged");

    write("chart", with(llama(3), EMBEDDING, random(DType.BF16, 4, 8, 4)));
    CommandRun run = CommandRun.of("merge", recipe, "--out", dir.resolve("other"));
    assertThat(run.code()).isZero();
    assertThat(run.err())
        .contains(
            "warning: model 'chart': '"
                + EMBEDDING
                + "' has 8 rows, 'base' has 16; the first 8 are merged, the others are those of"
                + " 'base'");
  }

  @Test
  void one_tensor_of_another_type_is_merged_and_reported() {
    write("chart", with(llama(3), UP, random(DType.F32, 3, 6, 4)));

    assertThat(merged().err())
        .contains("note: model 'chart' has F32 where the base has BF16, for example '" + UP);
  }

  @Test
  void a_header_that_takes_bfloat16_for_float16_shows_in_the_ranges_of_values() {
    header("chart", header -> header.replace("\"dtype\":\"BF16\"", "\"dtype\":\"F16\""));

    // 0.02 in bfloat16 is 0x3ca4, which is 1.16 in float16.
    assertThat(merged().err())
        .containsPattern(
            "warning: model 'chart' has F16 where the base has BF16, for example '\\S+': largest of"
                + " the first values \\d\\S*, the base's 0\\.0\\d+");
  }

  @ParameterizedTest
  @ValueSource(strings = {"chart", "base"})
  void integers_among_weights_are_refused(String model) {
    write(model, with(llama(3), UP, new Tensor(DType.I8, List.of(6L, 4L), new byte[24])));

    refused(2, "recipe.yml:", "'" + UP + "'", "'" + model + "'", "int8", "'exclude'");
  }

  @Test
  void float8_weights_are_refused_with_or_without_their_scale() {
    Tensor quantised = new Tensor(DType.F8_E4M3, List.of(6L, 4L), new byte[24]);
    write("base", with(llama(1), UP, quantised));
    refused(2, "recipe.yml:", "'" + UP + "'", "without a scale");

    write("base", with(with(llama(1), UP, quantised), UP + "_scale_inv", ones(DType.F32, 1, 1)));
    CommandRun run = refusedInSeveralLines(2);
    assertThat(run.err()).contains("'" + UP + "_scale_inv'", "dequantised");
  }

  // ---- lying headers

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "\\[4\\],|[-4],|'model.layers.0.input_layernorm.weight': shape holds the negative number"
            + " -4",
        "\\[4\\],|[4294967296,4294967296,4294967296],|has more than 2^63 bytes",
        "\\[0,128\\]|[128,0]|tensor 'model.embed_tokens.weight': data_offsets [128, 0] end before"
            + " they begin",
        "\\[128,160\\]|[120,152]|its data begins at offset 120, inside tensor"
            + " 'model.embed_tokens.weight', which ends at 128",
        "\\[0,128\\]|[8,136]|its data begins at offset 8, but the data before it ends at 0",
        "BF16|F32|tensor 'model.embed_tokens.weight': shape [16, 4] of F32 needs 256 bytes,"
            + " data_offsets [0, 128] hold 128",
        "BF16|bf16|tensor 'model.embed_tokens.weight': unknown dtype 'bf16'; known: ",
        "layers.0.mlp.up|layers.1.mlp.up|tensor 'model.layers.1.mlp.up_proj.weight': the header has"
            + " this name twice",
      })
  void a_header_that_lies_is_refused_by_tensor(String right, String wrong, String message) {
    header("chart", header -> header.replaceFirst(right, wrong));

    refused(1, "recipe.yml:8:12: ", weights("chart") + ": ", message);
  }

  @Test
  void a_header_of_two_to_the_62_bytes_is_refused_without_memory() {
    prefix(weights("chart"), 1L << 62);

    refused(1, weights("chart") + ": the header is said to have 4611686018427387904 bytes");
  }

  @Test
  void a_header_of_99_megabytes_of_white_space_is_read_as_a_stream() throws IOException {
    Path file = weights("chart");
    byte[] bytes = Files.readAllBytes(file);
    int header = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    int spaces = 99_000_000;
    byte[] blank = new byte[1_000_000];
    Arrays.fill(blank, (byte) ' ');
    try (OutputStream stream = Files.newOutputStream(file)) {
      stream.write(bytes, 0, 8 + header);
      for (int i = 0; i < spaces; i += blank.length) {
        stream.write(blank);
      }
      stream.write(bytes, 8 + header, bytes.length - 8 - header);
    }
    prefix(file, header + spaces);

    merged("--no-input-checksums");

    assertThat(Files.size(weights("out"))).isLessThan(100_000);
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"a\":", ""})
  void a_header_nested_a_hundred_thousand_deep_is_refused(String start) throws IOException {
    Files.write(weights("chart"), TestCheckpoints.file(start + "[".repeat(100_000)));

    refused(1, weights("chart") + ": ", "found an array");
  }

  // ---- shards

  @ParameterizedTest
  @ValueSource(strings = {"../outside.safetensors", "ABSOLUTE/outside.safetensors"})
  void a_shard_outside_the_folder_is_refused_unless_allowed(String place) throws IOException {
    sharded("chart", 3);
    Path shard = dir.resolve("chart/model-00002-of-00002.safetensors");
    Files.move(shard, dir.resolve("outside.safetensors"));
    index("chart", shard, place.replace("ABSOLUTE", dir.toString()));

    refused(
        1,
        "chart/model.safetensors.index.json: weight_map puts tensor",
        "outside.safetensors', outside the folder",
        "--allow-external-shards");
    merged("--allow-external-shards");
  }

  @Test
  void a_missing_shard_is_found_in_the_plan() throws IOException {
    sharded("chart", 3);
    Files.delete(dir.resolve("chart/model-00002-of-00002.safetensors"));

    refused(
        1,
        "chart/model.safetensors.index.json: weight_map puts tensor",
        "'model-00002-of-00002.safetensors', which is not there; was the download complete?");
  }

  @Test
  void an_index_that_names_the_wrong_shard_is_found_in_the_plan() throws IOException {
    sharded("chart", 3);
    Path index = dir.resolve("chart/model.safetensors.index.json");
    String text = Files.readString(index);
    Files.writeString(
        index, text.replaceFirst("(embed_tokens.weight\": \"model-)00001", "$100002"));

    assertThat(CommandRun.of("merge", recipe, "--dry-run").out())
        .contains(
            "note: model 'chart': tensor '"
                + EMBEDDING
                + "' is in another weight file than model.safetensors.index.json says");
    CommandRun strict = CommandRun.of("merge", recipe, "--out", out, "--strict-index", "--quiet");
    assertThat(strict.code()).isEqualTo(1);
    assertThat(strict.err())
        .contains(index.toString(), EMBEDDING, "repair the index, or leave out --strict-index");
  }

  // ---- outputs

  @Test
  void an_input_is_never_the_output() throws IOException {
    Files.createSymbolicLink(dir.resolve("link"), dir.resolve("chart"));
    for (String target : List.of("chart", "link", "chart/merged", ".")) {
      Map<String, String> before = contents(dir);

      CommandRun run =
          CommandRun.of("merge", recipe, "--out", dir.resolve(target), "--force", "--quiet");

      assertThat(run.code()).isEqualTo(1);
      assertThat(run.err())
          .containsPattern("is the input model|lie one inside the other")
          .contains(dir.resolve(target).toString(), "hoose another output folder")
          .hasLineCount(1);
      assertThat(contents(dir)).isEqualTo(before);
    }
  }

  @Test
  void a_second_result_replaces_the_shards_of_the_first_and_keeps_what_a_user_put_there()
      throws IOException {
    sharded("base", 1);
    merged();
    assertThat(out.resolve("model.safetensors.index.json")).exists();
    Files.writeString(out.resolve("notes.txt"), "mine");
    deleteShards("base");
    write("base", llama(1));

    refused(1, "output folder " + out + " is not empty", "--force");
    merged("--force");

    assertThat(names(out))
        .containsExactly(
            "README.md", "config.json", "model.safetensors", "notes.txt", "optmerge.json");
  }

  @Test
  void a_folder_that_no_merge_made_is_left_alone_even_with_force() throws IOException {
    Files.createDirectories(out);
    Files.writeString(out.resolve("thesis.tex"), "years of work");

    for (String force : List.of("--quiet", "--force")) {
      refused(1, List.of(force), "output folder " + out + " is not empty");
    }
  }

  @Test
  void a_folder_whose_record_is_damaged_is_left_alone_even_with_force() throws IOException {
    merged();
    Files.writeString(out.resolve("notes.txt"), "mine");
    Files.writeString(out.resolve("optmerge.json"), "{\"format\": ");

    refused(
        1,
        List.of("--force"),
        out.resolve("optmerge.json") + " is damaged",
        "empty the folder yourself or choose another");
  }

  @Test
  void a_merge_that_another_one_is_running_beside_is_refused_and_leaves_it_alone()
      throws IOException {
    // What a running merge has: its hidden folder, with a journal that it holds locked.
    Path journal = dir.resolve(".out.optmerge/journal.jsonl");
    Files.createDirectories(journal.resolveSibling("checkpoint"));
    Files.writeString(journal.resolveSibling("checkpoint/model.safetensors"), "half");
    try (FileChannel channel =
        FileChannel.open(journal, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.lock();

      for (String option : List.of("--quiet", "--resume", "--force")) {
        refused(1, List.of(option), "another merge into the same folder is running", journal + "");
      }
    }
  }

  @Test
  void of_merges_into_one_folder_at_once_one_succeeds_and_the_others_say_why_not()
      throws Exception {
    List<Callable<CommandRun>> merges = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      merges.add(() -> CommandRun.of("merge", recipe, "--out", out, "--quiet", "--threads", 1));
    }
    ExecutorService pool = Executors.newFixedThreadPool(merges.size());
    List<CommandRun> runs = new ArrayList<>();
    try {
      for (Future<CommandRun> run : pool.invokeAll(merges)) {
        runs.add(run.get());
      }
    } finally {
      pool.shutdown();
    }

    assertThat(runs).extracting(CommandRun::code).containsOnlyOnce(0).containsOnly(0, 1);
    assertThat(runs)
        .filteredOn(run -> run.code() == 1)
        .allSatisfy(
            run ->
                assertThat(run.err())
                    .hasLineCount(1)
                    .containsPattern("another merge into the same folder|is not empty"));
    assertThat(CommandRun.of("verify", out).code()).isZero();
    assertThat(names(dir)).containsExactly("base", "chart", "out", "recipe.yml", "vqa");
  }

  /** As if the process were killed once so many tensors are finished. */
  private void stopAfter(int tensors) {
    AtomicInteger left = new AtomicInteger(tensors);
    Progress stop =
        new Progress() {
          @Override
          public void finishedPart(String name) {
            if (left.getAndDecrement() <= 0) {
              throw new IllegalStateException("stop");
            }
          }
        };
    try (MergePlan plan = Planner.plan(RecipeParser.parse(recipe))) {
      assertThatThrownBy(() -> Merger.run(plan, out, MergeOptions.DEFAULT.withThreads(1), stop))
          .hasMessage("stop");
    }
  }

  @Test
  void a_refused_merge_leaves_nothing_however_many_tensors_were_finished() throws IOException {
    // The last tensor of the file stops the merge; one thread has made the others by then.
    write("chart", with(llama(3), NORM, set(ones(DType.BF16, 4), 2, Float.NaN)));
    failed("holds NaN at [2]", "--allow-nonfinite");

    assertThat(names(dir)).doesNotContain("out", ".out.optmerge");
    merged("--allow-nonfinite");
  }

  @Test
  void an_interrupted_merge_says_how_to_go_on() throws IOException {
    stopAfter(3);

    refused(
        1,
        "an unfinished merge into " + out + " is in " + dir.resolve(".out.optmerge"),
        "--resume continues it, --force discards it");
    CommandRun resumed = merged("--resume");

    assertThat(resumed.out()).contains("of them by the earlier run");
    assertThat(names(dir)).doesNotContain(".out.optmerge");
  }

  @Test
  void an_interrupted_merge_is_not_continued_with_other_inputs() {
    stopAfter(1);
    write("chart", llama(4));

    refused(
        1, List.of("--resume"), "is of another recipe, other inputs or another version", "--force");
    merged("--force");
  }

  @Test
  void an_earlier_result_survives_a_kill_in_the_moment_of_its_replacement() throws IOException {
    merged();
    Files.writeString(out.resolve("notes.txt"), "mine");
    Map<String, String> earlier = contents(out);
    // The kill comes after the old result has moved away and before the new one has moved in.
    Path folder = Files.createDirectories(dir.resolve(".out.optmerge/checkpoint")).getParent();
    Files.writeString(folder.resolve("journal.jsonl"), "{\"format\": 1, \"plan\": \"\"}\n");
    Files.move(out, folder.resolve("previous"));

    CommandRun run = CommandRun.of("merge", recipe, "--out", out, "--quiet");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("output folder " + out + " is not empty").hasLineCount(1);
    assertThat(contents(out)).isEqualTo(earlier);
    merged("--force");
    assertThat(out.resolve("notes.txt")).hasContent("mine");
    assertThat(names(dir)).doesNotContain(".out.optmerge");
  }

  @Test
  void a_target_that_cannot_be_written_is_named() throws IOException {
    // Permissions do not stop root, but nobody can make folders in a file or in /proc.
    Path file = Files.writeString(dir.resolve("file"), "x");
    Path below = file.resolve("deep/out");
    Path process = Path.of("/proc/merged");
    Map<String, String> before = contents(dir);

    CommandRun inFile = CommandRun.of("merge", recipe, "--out", below, "--quiet");
    CommandRun onFile = CommandRun.of("merge", recipe, "--out", file, "--force", "--quiet");
    CommandRun inProcess = CommandRun.of("merge", recipe, "--out", process, "--quiet");

    assertThat(List.of(inFile, onFile, inProcess)).extracting(CommandRun::code).containsOnly(1);
    assertThat(inFile.err()).contains(below + ": " + file + " is a file").hasLineCount(1);
    assertThat(onFile.err()).contains(file + " exists and is not a folder").hasLineCount(1);
    assertThat(inProcess.err())
        .contains("cannot write " + process + ": /proc/.merged.optmerge cannot be made there")
        .contains("choose another output folder")
        .hasLineCount(1);
    assertThat(contents(dir)).isEqualTo(before);
  }

  @Test
  void a_disk_that_cannot_hold_the_result_is_known_before_any_computing() throws IOException {
    // 2^42 bytes that are all hole: no disk under test has that much room.
    long rows = 1L << 30;
    String header =
        "{\"huge.weight\":{\"dtype\":\"BF16\",\"shape\":[%d,2048],\"data_offsets\":[0,%d]}}"
            .formatted(rows, rows << 12);
    Path file = weights("base");
    Files.write(file, TestCheckpoints.file(header));
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(1), 8 + header.length() + (rows << 12) - 1);
    }
    recipe("merge_method: passthrough\nmodels: [{model: base}]\n");
    out = dir.resolve("folders/that/are/new");

    refused(1, "output folder " + out + " needs ", "its file system has ", " free");
  }

  // ---- what stops mergekit or makes it write nonsense

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ties | density: 0.2", // ⌊0.2 · 4⌋ = 0 entries of a norm
        "breadcrumbs | {density: 0.9, gamma: 0.01}", // ⌊0.01 · 64⌋ = 0 outliers
        "della | {density: 0.9, epsilon: 0.05}",
        "sce | select_topk: 0.5",
        "arcee_fusion | ''",
        "task_arithmetic | weight: 0",
      })
  void identical_models_merge_to_themselves(String method, String parameters) {
    write("vqa", llama(1));
    write("chart", llama(1));
    String settings = parameters.startsWith("{") ? parameters : "{" + parameters + "}";
    recipe(
        "merge_method: %s\nbase_model: base\nmodels: [{model: vqa}%s]\nparameters: %s\n"
            .formatted(
                method,
                method.equals("arcee_fusion") ? "" : ", {model: chart}",
                method.equals("arcee_fusion") || method.equals("sce") || settings.contains("weight")
                    ? settings
                    : settings.replace("{", "{weight: 0.5, ")));

    merged();

    for (String tensor : llama(1).keySet()) {
      assertThat(TestCheckpoints.values(out, tensor))
          .isEqualTo(TestCheckpoints.values(dir.resolve("base"), tensor));
    }
    assertThat(CommandRun.of("inspect", out).out()).contains("types        BF16 ");
  }

  // ---- helpers

  /** A stored tensor. */
  private record Tensor(DType dtype, List<Long> shape, byte[] bytes) {}

  private static Tensor tensor(DType dtype, float[] values, long... shape) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * dtype.bytes());
    FloatCodec.narrow(dtype, values, 0, values.length, bytes);
    return new Tensor(dtype, Arrays.stream(shape).boxed().toList(), bytes.array());
  }

  private static Tensor random(DType dtype, long seed, long... shape) {
    long size = Arrays.stream(shape).reduce(1, Math::multiplyExact);
    return tensor(dtype, TestCheckpoints.gaussians(size, seed, 0.02), shape);
  }

  private static Tensor ones(DType dtype, long... shape) {
    float[] values = new float[(int) Arrays.stream(shape).reduce(1, Math::multiplyExact)];
    Arrays.fill(values, 1);
    return tensor(dtype, values, shape);
  }

  private static Tensor set(Tensor tensor, int index, float value) {
    ByteBuffer one = ByteBuffer.allocate(tensor.dtype().bytes());
    FloatCodec.narrow(tensor.dtype(), new float[] {value}, 0, 1, one);
    byte[] bytes = tensor.bytes().clone();
    System.arraycopy(one.array(), 0, bytes, index * one.capacity(), one.capacity());
    return new Tensor(tensor.dtype(), tensor.shape(), bytes);
  }

  private static Map<String, Tensor> llama(long seed) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put(EMBEDDING, random(DType.BF16, 100 * seed, 16, 4));
    for (int layer = 0; layer < 2; layer++) {
      String prefix = "model.layers.%d.".formatted(layer);
      tensors.put(prefix + "self_attn.q_proj.weight", random(DType.BF16, 100 * seed + layer, 4, 4));
      tensors.put(prefix + "mlp.up_proj.weight", random(DType.BF16, 100 * seed + 10 + layer, 6, 4));
      tensors.put(
          prefix + "input_layernorm.weight", random(DType.BF16, 100 * seed + 20 + layer, 4));
    }
    tensors.put("lm_head.weight", random(DType.BF16, 100 * seed + 30, 16, 4));
    tensors.put(NORM, random(DType.BF16, 100 * seed + 40, 4));
    return tensors;
  }

  private static Map<String, Tensor> with(Map<String, Tensor> tensors, String name, Tensor tensor) {
    tensors.put(name, tensor);
    return tensors;
  }

  private static Map<String, Tensor> without(Map<String, Tensor> tensors, String name) {
    tensors.remove(name);
    return tensors;
  }

  private void write(String name, Map<String, Tensor> tensors) {
    builder(name, tensors).write();
  }

  private TestCheckpoints builder(String name, Map<String, Tensor> tensors) {
    TestCheckpoints folder = TestCheckpoints.folder(dir.resolve(name)).config(CONFIG);
    tensors.forEach((tensor, it) -> folder.bytes(tensor, it.dtype(), it.shape(), it.bytes()));
    return folder;
  }

  /** The model again, in two shards. */
  private void sharded(String name, long seed) throws IOException {
    Files.delete(weights(name));
    builder(name, llama(seed)).shards(2).write();
  }

  private void deleteShards(String name) throws IOException {
    for (String file : names(dir.resolve(name))) {
      if (file.startsWith("model")) {
        Files.delete(dir.resolve(name).resolve(file));
      }
    }
  }

  private void index(String name, Path shard, String place) throws IOException {
    Path index = dir.resolve(name).resolve("model.safetensors.index.json");
    Files.writeString(
        index, Files.readString(index).replace(shard.getFileName().toString(), place));
  }

  private Path weights(String name) {
    return dir.resolve(name).resolve("model.safetensors");
  }

  private void recipe(String text) {
    try {
      recipe = Files.writeString(dir.resolve("recipe.yml"), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String taskVectors(String method, String parameter) {
    return """
    merge_method: %s
    base_model: base
    models:
      - model: vqa
      - model: chart
    parameters:
      # what is tried stands in line 10
      #
      weight: 0.5
      %s
    """
        .formatted(method, parameter);
  }

  /** Changes the header's text; its length and the data follow. */
  private void header(String name, UnaryOperator<String> change) {
    try {
      byte[] bytes = Files.readAllBytes(weights(name));
      int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
      String header = new String(bytes, 8, length, StandardCharsets.UTF_8);
      String changed = change.apply(header);
      assertThat(changed).isNotEqualTo(header);
      Files.write(
          weights(name),
          TestCheckpoints.file(changed, Arrays.copyOfRange(bytes, 8 + length, bytes.length)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void prefix(Path file, long length) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void flip(Path file, String tensor, int offset, int bits) {
    try (Checkpoint checkpoint = Checkpoint.open(file);
        FileChannel channel =
            FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      long at = checkpoint.find(tensor).orElseThrow().offset() + offset;
      ByteBuffer one = ByteBuffer.allocate(1);
      channel.read(one, at);
      channel.write(one.put(0, (byte) (one.get(0) ^ bits)).rewind(), at);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Merges, which must succeed: the result is complete, verified, and the inputs are as before. */
  private CommandRun merged(String... options) {
    Map<String, String> before = inputs();
    List<Object> arguments = new ArrayList<>(List.of("merge", recipe, "--out", out));
    arguments.addAll(List.of(options));

    CommandRun run = CommandRun.of(arguments.toArray());

    assertThat(run.code()).as(run.err()).isZero();
    CommandRun verified = CommandRun.of("verify", out);
    assertThat(verified.code()).as(verified.err()).isZero();
    assertThat(inputs()).isEqualTo(before);
    return run;
  }

  /** Merges, which must end with one line that says all of this, and a disk as before. */
  private void refused(int code, String... message) {
    refused(code, List.of(), message);
  }

  private void refused(int code, List<String> options, String... message) {
    assertThat(refusedInSeveralLines(code, options.toArray(String[]::new)).err())
        .contains(message)
        .hasLineCount(1);
  }

  private CommandRun refusedInSeveralLines(int code, String... options) {
    Map<String, String> before = contents(dir);
    List<Object> arguments = new ArrayList<>(List.of("merge", recipe, "--out", out, "--quiet"));
    Arrays.stream(options).filter(option -> !option.equals("--quiet")).forEach(arguments::add);

    CommandRun run = CommandRun.of(arguments.toArray());

    assertThat(run.code()).as(run.err()).isEqualTo(code);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).startsWith("optmerge: ").doesNotContain("Exception", "defect");
    assertThat(contents(dir)).isEqualTo(before);
    return run;
  }

  /** Merges, which must fail on the way with one line; what is finished is kept, hidden. */
  private void failed(String... message) {
    Map<String, String> before = inputs();

    CommandRun run = CommandRun.of("merge", recipe, "--out", out, "--quiet", "--threads", 1);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).startsWith("optmerge: ").contains(message).hasLineCount(1);
    assertThat(out).doesNotExist();
    assertThat(inputs()).isEqualTo(before);
  }

  private Map<String, String> inputs() {
    Map<String, String> inputs = new TreeMap<>();
    for (String name : List.of("base", "vqa", "chart")) {
      contents(dir.resolve(name))
          .forEach((file, content) -> inputs.put(name + "/" + file, content));
    }
    return inputs;
  }

  /** Everything below a folder: length, time and (but for huge files) checksum. */
  private static Map<String, String> contents(Path folder) {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        String name = folder.relativize(path).toString();
        if (Files.isDirectory(path)) {
          contents.put(name + "/", "");
          continue;
        }
        CRC32C checksum = new CRC32C();
        if (Files.size(path) < 1 << 20) {
          checksum.update(Files.readAllBytes(path));
        }
        contents.put(
            name,
            "%d %s %x"
                .formatted(Files.size(path), Files.getLastModifiedTime(path), checksum.getValue()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return contents;
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private JsonNode provenance() {
    try {
      return new ObjectMapper().readTree(out.resolve("optmerge.json").toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String recordedInput(String model) {
    for (JsonNode input : provenance().path("inputs")) {
      if (input.path("model").asText().equals(model)) {
        return input.path("sha256").asText();
      }
    }
    throw new AssertionError("no input '%s' recorded".formatted(model));
  }
}
