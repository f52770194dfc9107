package org.optmerge.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.TestCheckpoints;

class CheckpointFilesTest {
  private static final String FIRST = "model-00001-of-00002.safetensors";
  private static final String SECOND = "model-00002-of-00002.safetensors";

  @TempDir Path dir;

  private static TestCheckpoints model(Path folder) {
    return TestCheckpoints.folder(folder)
        .tensor("a", DType.F32, List.of(1L), 1)
        .tensor("b", DType.F32, List.of(1L), 2);
  }

  private Path sharded() {
    return model(dir.resolve("model")).shards(2).write();
  }

  private static Path index(Path folder) {
    return folder.resolve(ShardIndex.FILE_NAME);
  }

  private static void replaceInIndex(Path folder, String what, String by) throws IOException {
    String text = Files.readString(index(folder));
    assertThat(text).contains(what);
    Files.writeString(index(folder), text.replace(what, by));
  }

  private static void assertRefused(Path opened, String message) {
    assertThatThrownBy(() -> Checkpoint.open(opened))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(message);
  }

  /** Read with one note, whose words are also the reason of a refusal where that is asked for. */
  private static void assertNoted(Path folder, String note, String... tensors) {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.notes()).anyMatch(it -> it.contains(note));
      assertThat(checkpoint.tensors()).extracting(TensorInfo::name).contains(tensors);
      assertThatThrownBy(checkpoint::requireIndex)
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(index(folder) + ": ")
          .hasMessageContaining(note)
          .hasMessageEndingWith("; repair the index, or leave out --strict-index");
    }
  }

  @Test
  void a_missing_shard() throws IOException {
    Path folder = sharded();
    Files.delete(folder.resolve(SECOND));
    assertRefused(
        folder,
        index(folder)
            + ": weight_map puts tensor 'b' into '%s', which is not there; was the download complete?"
                .formatted(SECOND));
  }

  @Test
  void a_tensor_that_the_shard_does_not_have() throws IOException {
    Path folder = sharded();
    replaceInIndex(folder, "\"b\":", "\"c\": \"" + FIRST + "\", \"b\":");
    assertNoted(
        folder,
        "tensor 'c' is named by model.safetensors.index.json and is in no weight file",
        "a");
  }

  @Test
  void a_tensor_in_another_shard_than_the_index_says() throws IOException {
    Path folder = sharded();
    replaceInIndex(folder, "\"a\": \"" + FIRST, "\"a\": \"SWAP");
    replaceInIndex(folder, "\"b\": \"" + SECOND, "\"b\": \"" + FIRST);
    replaceInIndex(folder, "SWAP", SECOND);
    assertNoted(
        folder,
        "tensor 'a' is in another weight file than model.safetensors.index.json says (and 1 more tensors)",
        "a",
        "b");
  }

  @Test
  void a_tensor_that_the_index_does_not_name() throws IOException {
    Path folder = sharded();
    TestCheckpoints.folder(dir.resolve("other"))
        .tensor("b", DType.F32, List.of(1L), 2)
        .tensor("c", DType.F32, List.of(1L), 2)
        .write();
    Files.delete(folder.resolve(SECOND));
    Files.move(dir.resolve("other/model.safetensors"), folder.resolve(SECOND));
    assertNoted(
        folder,
        "tensor 'c' is in a weight file and is not named by model.safetensors.index.json, and is read",
        "b",
        "c");
  }

  @Test
  void a_tensor_in_two_shards() throws IOException {
    Path folder = sharded();
    model(dir.resolve("other")).write();
    Files.delete(folder.resolve(SECOND));
    Files.move(dir.resolve("other/model.safetensors"), folder.resolve(SECOND));
    assertNoted(
        folder,
        "1 tensors, such as 'a', are in two weight files; model.safetensors.index.json decides for '%s'"
            .formatted(FIRST),
        "a");
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.find("a").orElseThrow().file()).isEqualTo(folder.resolve(FIRST));
    }
  }

  @Test
  void complete_numbered_shards_without_an_index() throws IOException {
    Path folder = sharded();
    Files.delete(index(folder));
    assertNoted(
        folder, "there is no model.safetensors.index.json; the 2 numbered weight files", "a", "b");

    Files.delete(folder.resolve(FIRST));
    assertRefused(
        folder,
        folder
            + ": weight file 1 of 2 is not there, and no model.safetensors.index.json says what it"
            + " holds; was the download complete?");
  }

  @Test
  void a_tensor_twice_in_the_index() throws IOException {
    Path folder = sharded();
    replaceInIndex(folder, "\"b\":", "\"a\":");
    assertRefused(
        folder,
        index(folder)
            + ": weight_map has tensor 'a' twice, in '%s' and '%s'".formatted(FIRST, SECOND));
  }

  @ParameterizedTest
  @ValueSource(strings = {"../outside.safetensors", "x/../../outside.safetensors"})
  void a_shard_outside_the_folder(String name) throws IOException {
    Path folder = sharded();
    Files.copy(folder.resolve(SECOND), dir.resolve("outside.safetensors"));
    replaceInIndex(folder, SECOND, name);
    assertRefused(
        folder,
        index(folder)
            + ": weight_map puts tensor 'b' into '%s', outside the folder; ".formatted(name)
            + ExternalFiles.HINT);
  }

  @Test
  void a_shard_by_its_absolute_path() throws IOException {
    Path folder = sharded();
    Path outside = Files.move(folder.resolve(SECOND), dir.resolve("outside.safetensors"));
    replaceInIndex(folder, SECOND, outside.toString());
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("outside the folder; " + ExternalFiles.HINT);

    try (Checkpoint checkpoint = Checkpoint.open(folder, ExternalFiles.ALLOW)) {
      assertThat(TestCheckpoints.values(checkpoint, "b")).containsExactly(2);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "pytorch_model.bin | weight_map puts tensor 'b' into 'pytorch_model.bin', which is no .safetensors file",
        "a\\u0000.safetensors | weight_map puts tensor 'b' into 'a\\u0000.safetensors', which is no file name",
      })
  void shards_that_cannot_be_safetensors_files(String name, String problem) throws IOException {
    Path folder = sharded();
    replaceInIndex(folder, SECOND, name);
    assertRefused(folder, index(folder) + ": " + problem);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[] | the index must be a JSON object, found an array",
        "`` | the index must be a JSON object, found nothing",
        "{} | the index has no weight_map",
        "{\"weight_map\": {}} | weight_map names no tensor",
        "{\"weight_map\": []} | weight_map must be an object, found an array",
        "{\"weight_map\": {\"a\": 1}} | weight_map: tensor 'a' must be given a file name, found a number",
        "{\"weight_map\": {}, \"weight_map\": {}} | the index has weight_map twice",
      })
  void an_index_that_is_none(String text, String problem) throws IOException {
    Path folder = sharded();
    Files.writeString(index(folder), text);
    assertRefused(folder, index(folder) + ": " + problem);
  }

  @ParameterizedTest
  @ValueSource(ints = {20, 1_000_000})
  void an_index_that_is_cut_off_or_nested_too_deep(int depth) throws IOException {
    Path folder = sharded();
    Files.writeString(index(folder), "{\"metadata\": " + "[".repeat(depth));
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(index(folder) + ": the index is not valid JSON at character ");
  }

  @Test
  void what_else_an_index_says_is_of_no_consequence() throws IOException {
    Path folder = sharded();
    replaceInIndex(folder, "\"total_size\": 8", "\"total_size\": 8.5, \"more\": {\"x\": [1]}");
    replaceInIndex(folder, "\"weight_map\"", "\"future\": [{}], \"weight_map\"");
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.tensors()).hasSize(2);
    }
  }

  @Test
  void a_single_file_beside_the_shards_of_another_checkpoint() {
    Path folder = sharded();
    model(folder).shards(1).write();
    assertRefused(
        folder,
        folder
            + ": two checkpoints in one folder: model.safetensors, and the 2 shards of"
            + " model.safetensors.index.json; programs differ in which they read, so delete the stale"
            + " one");
  }

  @Test
  void an_index_of_the_single_file() throws IOException {
    Path folder = model(dir.resolve("model")).write();
    Files.writeString(
        index(folder),
        "{\"weight_map\": {\"a\": \"model.safetensors\", \"b\": \"model.safetensors\"}}");
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.weightFiles()).containsExactly(folder.resolve("model.safetensors"));
      assertThat(checkpoint.otherFiles()).isEmpty();
    }
  }

  @Test
  void one_file_of_another_name_is_taken_and_two_are_not() throws IOException {
    Path folder = model(dir.resolve("model")).write();
    Files.move(folder.resolve("model.safetensors"), folder.resolve("weights.safetensors"));
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.weightFiles()).containsExactly(folder.resolve("weights.safetensors"));
    }
    Files.copy(folder.resolve("weights.safetensors"), folder.resolve("more.safetensors"));
    assertRefused(
        folder,
        folder
            + ": 2 .safetensors files, but neither model.safetensors nor model.safetensors.index.json"
            + " says which belong together: more.safetensors, weights.safetensors");
  }

  @Test
  void a_single_file_is_a_checkpoint_of_its_own() {
    Path file =
        model(dir)
            .file("config.json", "{\"model_type\": \"x\"}")
            .write()
            .resolve("model.safetensors");
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertThat(checkpoint.folder()).isEqualTo(dir);
      assertThat(checkpoint.tensors()).hasSize(2);
      assertThat(checkpoint.config()).isPresent();
      assertThat(checkpoint.otherFiles()).isEmpty();
    }
  }

  @Test
  void folders_without_safetensors() throws IOException {
    assertRefused(dir.resolve("none"), dir.resolve("none") + ": no such file or folder");
    assertRefused(
        dir,
        dir
            + ": no weights here: expected model.safetensors, or shards with model.safetensors.index.json");

    Files.createDirectory(dir.resolve("snapshots"));
    assertRefused(
        dir, dir + ": this is a model of the hub's cache; give one of its snapshots/REVISION");

    Files.write(dir.resolve("pytorch_model-00001-of-00002.bin"), new byte[1]);
    assertRefused(
        dir,
        dir
            + ": the weights are in pytorch_model.bin, a pickle, which can run code when it is read;"
            + " convert it first, for example in Python: safetensors.torch.save_file({k:"
            + " v.contiguous().clone() for k, v in torch.load(FILE, map_location='cpu',"
            + " weights_only=True).items()}, 'model.safetensors', metadata={'format': 'pt'})");

    Path pickle = dir.resolve("model.pth");
    Files.write(pickle, new byte[1]);
    assertRefused(
        pickle, pickle + ": expected a folder or a .safetensors file; " + CheckpointFiles.CONVERT);
  }

  @Test
  void an_adapter_is_no_model() {
    TestCheckpoints.adapter(dir, 1, 1).randomLora("fc", 1, 1, 1, 1).write();
    assertRefused(
        dir,
        dir
            + ": this is a LoRA adapter (adapter_config.json), not a whole model; give it as"
            + " BASE+ADAPTER");
  }

  @Test
  void links_that_lead_out_of_the_folder() throws IOException {
    Path elsewhere = model(dir.resolve("elsewhere")).config("{}").write();
    Path folder = Files.createDirectory(dir.resolve("model"));
    Path link = folder.resolve("model.safetensors");
    Files.createSymbolicLink(link, elsewhere.resolve("model.safetensors"));
    assertRefused(
        folder,
        "%s: is a link to %s, outside the folder; %s"
            .formatted(
                link, elsewhere.resolve("model.safetensors").toRealPath(), ExternalFiles.HINT));
    try (Checkpoint checkpoint = Checkpoint.open(folder, ExternalFiles.ALLOW)) {
      assertThat(checkpoint.tensors()).hasSize(2);
    }

    Files.delete(link);
    Files.copy(elsewhere.resolve("model.safetensors"), link);
    Files.createSymbolicLink(folder.resolve("config.json"), elsewhere.resolve("config.json"));
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(folder.resolve("config.json") + ": is a link to ");

    Files.delete(elsewhere.resolve("config.json"));
    assertRefused(
        folder,
        folder.resolve("config.json")
            + ": is a link to a file that is not there; was the download complete?");
  }

  @Test
  void a_link_to_the_folder_and_links_within_it() throws IOException {
    Path folder = model(dir.resolve("model")).config("{}").write();
    Files.move(folder.resolve("model.safetensors"), folder.resolve("real.safetensors"));
    Files.createSymbolicLink(folder.resolve("model.safetensors"), Path.of("real.safetensors"));
    Path link = Files.createSymbolicLink(dir.resolve("link"), folder);
    try (Checkpoint checkpoint = Checkpoint.open(link)) {
      assertThat(checkpoint.tensors()).hasSize(2);
      assertThat(checkpoint.otherFiles()).contains(Path.of("config.json"));
    }
  }

  @Test
  void the_hubs_cache_keeps_its_files_outside_the_snapshot() throws IOException {
    Path hub = dir.resolve("models--org--name");
    Path blobs = model(hub.resolve("blobs")).config("{}").write();
    Path snapshot = Files.createDirectories(hub.resolve("snapshots/0123abcd"));
    for (String name : List.of("model.safetensors", "config.json")) {
      Files.move(blobs.resolve(name), blobs.resolve("hash-of-" + name));
      Files.createSymbolicLink(snapshot.resolve(name), Path.of("../../blobs/hash-of-" + name));
    }
    try (Checkpoint checkpoint = Checkpoint.open(snapshot)) {
      assertThat(TestCheckpoints.values(checkpoint, "a")).containsExactly(1);
      assertThat(checkpoint.otherFiles()).containsExactly(Path.of("config.json"));
    }
  }

  @Test
  void other_files_are_told_from_weights_in_other_files() throws IOException {
    Path folder = sharded();
    TestCheckpoints files = model(dir.resolve("unused"));
    for (String name :
        List.of(
            // belong to the model
            "config.json",
            ".gitattributes",
            "spk_dict.pt",
            "sub/model.safetensors",
            "training_args.bin",
            // its weights once more
            "pytorch_model.bin",
            "pytorch_model.bin.index.json",
            "model-00003-of-00003.safetensors",
            "consolidated.safetensors",
            "original/consolidated.00.pth",
            "model.fp16.safetensors",
            "name.Q4_K_M.gguf",
            "tf_model.h5",
            // none of the model's
            ".git/objects/pack",
            ".cache/huggingface/download/x.metadata")) {
      files.file(name, "x");
    }
    Path unused = files.write();
    Files.delete(unused.resolve("model.safetensors"));
    List<Path> found;
    try (Stream<Path> walk = Files.walk(unused)) {
      found = walk.filter(Files::isRegularFile).toList();
    }
    for (Path file : found) {
      Path target = folder.resolve(unused.relativize(file));
      Files.createDirectories(target.getParent());
      Files.move(file, target);
    }

    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.weightFiles())
          .containsExactly(folder.resolve(FIRST), folder.resolve(SECOND));
      assertThat(checkpoint.otherFiles())
          .extracting(Path::toString)
          .containsExactly(".gitattributes", "config.json", "spk_dict.pt", "sub/model.safetensors");
      assertThat(checkpoint.sideFiles())
          .filteredOn(file -> file.kind() != SideFile.Kind.COPY)
          .containsExactly(
              new SideFile(Path.of("spk_dict.pt"), SideFile.Kind.UNREADABLE),
              new SideFile(Path.of("sub/model.safetensors"), SideFile.Kind.TENSORS),
              new SideFile(Path.of("training_args.bin"), SideFile.Kind.STATE));
      assertThat(checkpoint.sideFiles())
          .filteredOn(file -> file.kind() == SideFile.Kind.COPY)
          .extracting(file -> file.file().toString())
          .containsExactly(
              "consolidated.safetensors",
              "model-00003-of-00003.safetensors",
              "model.fp16.safetensors",
              "name.Q4_K_M.gguf",
              "original/consolidated.00.pth",
              "pytorch_model.bin",
              "pytorch_model.bin.index.json",
              "tf_model.h5");
    }
  }

  @Test
  void a_folder_named_relative_to_the_working_one_has_its_weights_once() {
    Path folder =
        TestCheckpoints.folder(dir.resolve("model"))
            .random("a.weight", DType.F32, List.of(2L, 2L), 1)
            .config("{}")
            .write();

    try (Checkpoint checkpoint =
        Checkpoint.open(Path.of("").toAbsolutePath().relativize(folder.toAbsolutePath()))) {
      assertThat(checkpoint.sideFiles()).isEmpty();
      assertThat(checkpoint.otherFiles()).containsExactly(Path.of("config.json"));
    }
  }
}
