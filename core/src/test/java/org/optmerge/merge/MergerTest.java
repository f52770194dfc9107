package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.TestCheckpoints;
import org.optmerge.base.Progress;
import org.optmerge.base.Sha256;
import org.optmerge.checkpoint.DType;
import org.optmerge.linalg.EngineThreads;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.recipe.RecipeParser;
import org.optmerge.method.interference.OptMergeMethod;

class MergerTest {
  @TempDir Path dir;

  @Test
  void adds_the_scaled_merged_task_vector_to_the_base_with_one_rounding() {
    Path base = small("base", 1, 2, 3, 4);
    Path one = small("one", 2, 2, 3, 0);
    Path two = small("two", 1, 4, 3, 4);

    run(Plans.of(base, List.of(one, two), new Plans.Sum(), 0.5), dir.resolve("out"), options());

    // τ_1 = {1,0,0,-4}, τ_2 = {0,2,0,0}; base + 0.5 (τ_1 + τ_2)
    assertThat(TestCheckpoints.values(dir.resolve("out"), "a.weight"))
        .containsExactly(1.5f, 3, 3, 2);
  }

  @Test
  void a_tensor_that_a_model_lacks_has_nothing_of_the_tensor_before_it() {
    TestCheckpoints.folder(dir.resolve("base"))
        .tensor("a.weight", DType.F32, List.of(2L), 0, 0)
        .tensor("b.weight", DType.F32, List.of(2L), 0, 0)
        .write();
    TestCheckpoints.folder(dir.resolve("one"))
        .tensor("a.weight", DType.F32, List.of(2L), 1, 2)
        .tensor("b.weight", DType.F32, List.of(2L), 3, 4)
        .write();
    TestCheckpoints.folder(dir.resolve("two"))
        .tensor("a.weight", DType.F32, List.of(2L), 5, 6)
        .write();
    Recipe recipe =
        RecipeParser.parse(
            "merge_method: emr\nbase_model: base\nmodels: [{model: one}, {model: two}]\nmissing: skip",
            "recipe.yaml",
            dir);

    run(Planner.plan(recipe), dir.resolve("out"), options().withThreads(1));

    assertThat(TestCheckpoints.values(dir.resolve("out"), "a.weight")).containsExactly(5, 6);
    assertThat(TestCheckpoints.values(dir.resolve("out"), "b.weight")).containsExactly(3, 4);
  }

  @Test
  void copies_what_is_not_merged_and_every_other_file_byte_for_byte() throws IOException {
    Path base =
        TestCheckpoints.folder(dir.resolve("base"))
            .tensor("a.weight", DType.BF16, List.of(2L), 1, 2)
            .bytes(
                "a.count",
                DType.I64,
                List.of(1L),
                (byte) 1,
                (byte) 2,
                (byte) 3,
                (byte) 4,
                (byte) 5,
                (byte) 6,
                (byte) 7,
                (byte) 8)
            .config("{\"model_type\" :  \"llama\"}\n")
            .file("tokenizer/vocab.txt", "a\nb")
            .file("README.md", "ours")
            .write();
    Path expert =
        TestCheckpoints.folder(dir.resolve("expert"))
            .tensor("a.weight", DType.BF16, List.of(2L), 2, 2)
            .write();

    MergeResult result =
        run(Plans.of(base, List.of(expert), new Plans.Sum(), 1), dir.resolve("out"), options());

    assertThat(result.merged()).isEqualTo(1);
    assertThat(result.copied()).isEqualTo(1);
    assertThat(dir.resolve("out/config.json")).hasSameBinaryContentAs(base.resolve("config.json"));
    assertThat(dir.resolve("out/tokenizer/vocab.txt")).hasContent("a\nb");
    assertThat(dir.resolve("out/README.md")).hasContent("ours");
    JsonNode provenance = new ObjectMapper().readTree(dir.resolve("out/optmerge.json").toFile());
    assertThat(provenance.path("tensors")).hasSize(2);
    assertThat(provenance.path("inputs")).hasSize(2);
    assertThat(provenance.path("inputs").get(0).path("sha256").asText()).hasSize(64);
    assertThat(Verifier.verify(dir.resolve("out"), 2, Progress.NONE).problems()).isEmpty();
    assertThat(Files.list(dir))
        .extracting(it -> it.getFileName().toString())
        .containsExactlyInAnyOrder("base", "expert", "out");
  }

  @Test
  void writes_the_same_bytes_on_one_and_on_four_threads() throws IOException {
    Path base = large("base", 0, DType.BF16);
    List<Path> experts = List.of(large("one", 1, DType.BF16), large("two", 2, DType.BF16));
    MergePlan plan = Plans.of(base, experts, new Plans.NormalisedSum(), 0.3);

    run(plan, dir.resolve("single"), options().withThreads(1));
    run(plan, dir.resolve("several"), options().withThreads(4));

    assertThat(contents(dir.resolve("several"))).isEqualTo(contents(dir.resolve("single")));
  }

  @Test
  void matrices_give_the_same_bytes_side_by_side_and_one_by_one() throws IOException {
    Path base = matrices("base", 1);
    List<Path> experts = List.of(matrices("one", 2), matrices("two", 3));
    MergePlan plan = Plans.of(base, experts, OptMergeMethod.LORA, 1);
    int engineThreads = EngineThreads.count();

    run(plan, dir.resolve("single"), options().withThreads(1));
    run(plan, dir.resolve("several"), options().withThreads(3));
    // One matrix takes 70 · 300 · 40 bytes: of three, only one fits at a time.
    run(plan, dir.resolve("tight"), new MergeOptions(3, 1 << 20, options().flags()));

    assertThat(contents(dir.resolve("several"))).isEqualTo(contents(dir.resolve("single")));
    assertThat(contents(dir.resolve("tight"))).isEqualTo(contents(dir.resolve("single")));
    assertThat(EngineThreads.count()).isEqualTo(engineThreads);
  }

  private Path matrices(String name, int seed) throws IOException {
    TestCheckpoints folder = TestCheckpoints.folder(dir.resolve(name));
    for (int layer = 0; layer < 6; layer++) {
      folder.random("layer" + layer, DType.F32, List.of(70L, 300L), 10 * seed + layer);
    }
    return folder.write();
  }

  @Test
  void a_shard_stays_a_shard() throws IOException {
    Path base =
        TestCheckpoints.folder(dir.resolve("base"))
            .random("a", DType.F32, List.of(3L), 1)
            .random("b", DType.F32, List.of(3L), 2)
            .shards(2)
            .write();
    Path expert =
        TestCheckpoints.folder(dir.resolve("expert"))
            .random("a", DType.F32, List.of(3L), 3)
            .random("b", DType.F32, List.of(3L), 4)
            .write();

    run(Plans.of(base, List.of(expert), new Plans.Sum(), 1), dir.resolve("out"), options());

    // base + (expert - base): equal up to the rounding of one subtraction and one addition
    assertThat(TestCheckpoints.values(dir.resolve("out"), "b"))
        .containsExactly(
            TestCheckpoints.values(expert, "b"), org.assertj.core.api.Assertions.within(1e-8f));
    assertThat(dir.resolve("out/model-00002-of-00002.safetensors")).exists();
    assertThat(Files.readString(dir.resolve("out/model.safetensors.index.json"))).contains("\"b\"");
  }

  @Test
  void continues_where_it_was_interrupted_and_writes_the_same_bytes() throws IOException {
    Path base = large("base", 0, DType.F32);
    List<Path> experts = List.of(large("one", 1, DType.F32), large("two", 2, DType.F32));
    MergePlan plan = Plans.of(base, experts, new Plans.NormalisedSum(), 0.3);
    run(plan, dir.resolve("whole"), options());
    Path out = dir.resolve("out");

    for (int tensors : new int[] {0, 2, 3}) {
      assertThatThrownBy(
              () ->
                  Merger.run(
                      plan, out, options().withFlags(MergeOptions.Flag.RESUME), failAfter(tensors)))
          .hasMessage("stop");
      assertThat(out).doesNotExist();
    }
    MergeResult result = run(plan, out, options().withFlags(MergeOptions.Flag.RESUME));

    assertThat(result.resumed()).isBetween(8, 11);
    assertThat(contents(out)).isEqualTo(contents(dir.resolve("whole")));
  }

  @Test
  void does_not_trust_a_finished_tensor_whose_bytes_changed() throws IOException {
    Path base = large("base", 0, DType.F32);
    Path expert = large("one", 1, DType.F32);
    MergePlan plan = Plans.of(base, List.of(expert), new Plans.Sum(), 1);
    run(plan, dir.resolve("whole"), options());
    Path out = dir.resolve("out");
    assertThatThrownBy(() -> Merger.run(plan, out, options().withThreads(1), failAfter(5)))
        .hasMessage("stop");
    Path staged = dir.resolve(".out.optmerge/checkpoint/model.safetensors");
    try (var channel = java.nio.channels.FileChannel.open(staged, StandardOpenOption.WRITE)) {
      channel.write(java.nio.ByteBuffer.wrap(new byte[] {9, 9, 9, 9}), 2000);
    }
    Files.writeString(
        dir.resolve(".out.optmerge/journal.jsonl"), "{\"name\": \"torn", StandardOpenOption.APPEND);

    run(plan, out, options().withFlags(MergeOptions.Flag.RESUME));

    assertThat(contents(out)).isEqualTo(contents(dir.resolve("whole")));
  }

  @Test
  void an_unfinished_merge_is_neither_overwritten_nor_mixed_with_another() {
    Path base = large("base", 0, DType.F32);
    MergePlan plan = Plans.of(base, List.of(large("one", 1, DType.F32)), new Plans.Sum(), 1);
    MergePlan other = Plans.of(base, List.of(large("two", 2, DType.F32)), new Plans.Sum(), 1);
    Path out = dir.resolve("out");
    assertThatThrownBy(() -> Merger.run(plan, out, options(), failAfter(2))).hasMessage("stop");

    assertThatThrownBy(() -> run(plan, out, options()))
        .hasMessage(
            "an unfinished merge into %s is in %s; --resume continues it, --force discards it"
                .formatted(out, dir.resolve(".out.optmerge")));
    assertThatThrownBy(() -> run(other, out, options().withFlags(MergeOptions.Flag.RESUME)))
        .hasMessageContaining("is of another recipe, other inputs or another version");
    run(other, out, options().withFlags(MergeOptions.Flag.FORCE));
    assertThat(out).isDirectory();
  }

  @Test
  void refuses_values_that_are_not_finite_and_names_file_tensor_and_place() {
    Path base = small("base", 1, 2, 3, 4);
    Path expert = small("expert", 1, 2, Float.NaN, 4);
    MergePlan plan = Plans.of(base, List.of(expert), new Plans.Sum(), 1);

    assertThatThrownBy(() -> run(plan, dir.resolve("out"), options()))
        .isInstanceOf(MergeException.class)
        .hasMessage(
            "%s: tensor 'a.weight' holds NaN at [1, 0]; a merge would spread it. Repair the checkpoint, or pass --allow-nonfinite to merge it all the same"
                .formatted(expert.resolve("model.safetensors")));
    assertThat(dir.resolve("out")).doesNotExist();

    MergeResult allowed = run(Plans.allowingNonFinite(plan), dir.resolve("out2"), options());
    assertThat(allowed.warnings())
        .containsExactly("tensor 'a.weight' holds 1 NaN or infinite values");
    assertThat(Verifier.verify(dir.resolve("out2"), 1, Progress.NONE).problems()).isEmpty();
  }

  @Test
  void refuses_a_result_that_the_output_type_cannot_hold() {
    Path base = small("base", 1, 2, 3, 60000);
    Path expert = small("expert", 1, 2, 3, 70000);

    assertThatThrownBy(
            () ->
                run(
                    Plans.of(base, List.of(expert), new Plans.Sum(), 1, DType.F16),
                    dir.resolve("out"),
                    options()))
        .hasMessageContaining(
            "output tensor 'a.weight': the merged value at [1, 1] is Infinity in float16, although"
                + " every input is finite");
  }

  @Test
  void refuses_output_folders_that_would_lose_something() throws IOException {
    Path base = small("base", 1, 2, 3, 4);
    Path expert = small("expert", 2, 2, 3, 4);
    MergePlan plan = Plans.of(base, List.of(expert), new Plans.Sum(), 1);
    Map<String, String> before = contents(expert);
    Path occupied = Files.createDirectories(dir.resolve("occupied"));
    Files.writeString(occupied.resolve("notes.txt"), "mine");
    Path file = Files.writeString(dir.resolve("file"), "x");

    assertThatThrownBy(() -> run(plan, expert, options().withFlags(MergeOptions.Flag.FORCE)))
        .hasMessage(
            "output folder %s is the input model %s; it would overwrite what it reads. Choose another output folder"
                .formatted(expert, expert));
    assertThatThrownBy(() -> run(plan, expert.resolve("inside"), options()))
        .hasMessageContaining("lie one inside the other");
    assertThatThrownBy(() -> run(plan, occupied, options()))
        .hasMessage(
            "output folder %s is not empty; choose another, or --force to replace what an earlier merge left there"
                .formatted(occupied));
    assertThatThrownBy(() -> run(plan, occupied, options().withFlags(MergeOptions.Flag.FORCE)))
        .hasMessageContaining("was not made by a merge");
    assertThatThrownBy(() -> run(plan, file, options()))
        .hasMessage("output %s exists and is not a folder".formatted(file));
    assertThatThrownBy(() -> run(plan, file.resolve("out"), options()))
        .hasMessage(
            "cannot make output folder %s: %s is a file".formatted(file.resolve("out"), file));
    Files.createSymbolicLink(dir.resolve("link"), expert);
    assertThatThrownBy(
            () -> run(plan, dir.resolve("link"), options().withFlags(MergeOptions.Flag.FORCE)))
        .hasMessageContaining("is the input model");
    assertThat(contents(expert)).isEqualTo(before);
    assertThat(occupied.resolve("notes.txt")).hasContent("mine");
  }

  @Test
  void force_replaces_what_a_merge_made_and_keeps_what_it_did_not() throws IOException {
    Path sharded =
        TestCheckpoints.folder(dir.resolve("base"))
            .random("a", DType.F32, List.of(3L), 1)
            .random("b", DType.F32, List.of(3L), 2)
            .shards(2)
            .write();
    Path expert =
        TestCheckpoints.folder(dir.resolve("expert"))
            .random("a", DType.F32, List.of(3L), 3)
            .random("b", DType.F32, List.of(3L), 4)
            .write();
    Path out = dir.resolve("out");
    run(Plans.of(sharded, List.of(expert), new Plans.Sum(), 1), out, options());
    Files.writeString(out.resolve("notes.txt"), "mine");

    run(
        Plans.of(expert, List.of(sharded), new Plans.Sum(), 1),
        out,
        options().withFlags(MergeOptions.Flag.FORCE));

    assertThat(contents(out).keySet())
        .containsExactly("README.md", "model.safetensors", "notes.txt", "optmerge.json");
    assertThat(out.resolve("notes.txt")).hasContent("mine");
  }

  @Test
  void an_empty_folder_may_be_the_output_and_a_missing_parent_is_made() throws IOException {
    Path base = small("base", 1, 2, 3, 4);
    MergePlan plan = Plans.of(base, List.of(small("expert", 2, 2, 3, 4)), new Plans.Sum(), 1);

    run(plan, Files.createDirectories(dir.resolve("empty")), options());
    run(plan, dir.resolve("some/where/out"), options());

    assertThat(dir.resolve("empty/model.safetensors")).exists();
    assertThat(dir.resolve("some/where/out/model.safetensors")).exists();
  }

  @Test
  void refuses_a_model_that_the_disk_cannot_hold_before_writing() throws IOException {
    // A file of 2^42 bytes that is all hole: no disk under test has that much room.
    long elements = 1L << 40;
    Path base = Files.createDirectories(dir.resolve("base"));
    String header =
        "{\"huge\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
            .formatted(elements, 4 * elements);
    try (var channel =
        java.nio.channels.FileChannel.open(
            base.resolve("model.safetensors"),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE)) {
      channel.write(java.nio.ByteBuffer.wrap(TestCheckpoints.file(header)));
      channel.write(java.nio.ByteBuffer.wrap(new byte[1]), 8 + header.length() + 4 * elements - 1);
    }

    assertThatThrownBy(
            () ->
                run(
                    Plans.of(base, List.of(base), new Plans.Sum(), 1),
                    dir.resolve("out"),
                    options()))
        .hasMessageContaining("free");
    assertThat(Files.list(dir)).containsExactly(base);
  }

  @Test
  void an_empty_tensor_and_a_scalar_are_merged_too() {
    Path base =
        TestCheckpoints.folder(dir.resolve("base"))
            .tensor("empty", DType.F32, List.of(0L, 3L))
            .tensor("scalar", DType.F32, List.of(), 1)
            .write();
    Path expert =
        TestCheckpoints.folder(dir.resolve("expert"))
            .tensor("empty", DType.F32, List.of(0L, 3L))
            .tensor("scalar", DType.F32, List.of(), 3)
            .write();

    run(
        Plans.of(base, List.of(expert), new Plans.NormalisedSum(), 1),
        dir.resolve("out"),
        options());

    // τ = 2, divided by its norm 2
    assertThat(TestCheckpoints.values(dir.resolve("out"), "scalar")).containsExactly(2);
    assertThat(TestCheckpoints.values(dir.resolve("out"), "empty")).isEmpty();
  }

  private static MergeOptions options() {
    return MergeOptions.DEFAULT.withThreads(2);
  }

  private static MergeResult run(MergePlan plan, Path out, MergeOptions options) {
    return Merger.run(plan, out, options, Progress.NONE);
  }

  private Path small(String name, float... values) {
    return TestCheckpoints.folder(dir.resolve(name))
        .tensor("a.weight", DType.F32, List.of(2L, 2L), values)
        .write();
  }

  /** Eleven tensors, the first of several blocks. */
  private Path large(String name, long seed, DType dtype) {
    TestCheckpoints folder =
        TestCheckpoints.folder(dir.resolve(name)).random("big", dtype, List.of(700L, 333L), seed);
    for (int i = 0; i < 10; i++) {
      folder.random("small." + i, dtype, List.of(10L, 7L + i), 100 * seed + i);
    }
    return folder.write();
  }

  private static Progress failAfter(int tensors) {
    AtomicInteger left = new AtomicInteger(tensors);
    return new Progress() {
      @Override
      public void finishedPart(String name) {
        if (left.getAndDecrement() <= 0) {
          throw new IllegalStateException("stop");
        }
      }
    };
  }

  static Map<String, String> contents(Path folder) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        contents.put(folder.relativize(file).toString(), Sha256.of(file));
      }
    }
    return contents;
  }
}
