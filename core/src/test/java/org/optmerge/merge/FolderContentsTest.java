package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.optmerge.merge.Folders.EMBED;
import static org.optmerge.merge.Folders.QUERY;
import static org.optmerge.merge.Folders.add;
import static org.optmerge.merge.ReportedMergesTest.assertClose;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.analysis.CheckpointSummary;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.merge.Folders.Merged;
import org.optmerge.merge.Folders.Values;

/** Everything in a folder that holds weights is merged, named, or the reason to refuse. */
class FolderContentsTest {
  private static final String PROJECTOR = "model.mm_projector.0.weight";
  private static final byte[] PICKLE = {(byte) 0x80, 2, 'c'};
  private static final byte[] ZIP = {'P', 'K', 3, 4, 0, 0};

  @TempDir private Path dir;
  private Folders folders;
  private Map<String, Values> base;

  @BeforeEach
  void models() {
    folders = new Folders(dir);
    base = folders.llama();
    base.put(PROJECTOR, folders.random(8, 6));
    folders.model("base", base);
    folders.model("x", folders.tuned(base));
    folders.adapter("ad", folders.lora(QUERY, 8, 8));
  }

  // ---- beside an adapter

  @ParameterizedTest
  @ValueSource(
      strings = {
        "non_lora_trainables.bin",
        "non_lora_state_dict.bin",
        "mm_projector.bin",
        "mm_projector/checkpoint.bin",
        "visual.pt",
        "vit.pth",
        "last.ckpt",
        "head.npz",
        "head.npy",
        "vision.h5",
        "flax.msgpack",
        "state.pkl",
        "mp_rank_00_model_states.pt",
        "pytorch_model_fsdp_0/__0_0.distcp",
        "TRAINABLES.BIN",
        "trainables",
        "weights.custom",
      })
  void trained_weights_that_cannot_be_read_are_refused(String file) {
    folders.bytes("ad", file, file.hashCode() % 2 == 0 ? PICKLE : ZIP);

    assertThatThrownBy(() -> folders.merge(add("base+ad")))
        .hasMessageContaining(file.replace("/", dir.getFileSystem().getSeparator()))
        .hasMessageContaining("may hold trained weights and is not read")
        .hasMessageContaining("or move it out of the folder if it is no part of the adapter");
  }

  @ParameterizedTest
  @CsvSource({
    "training_args.bin, state of the training",
    "optimizer.pt, state of the training",
    "optimizer.bin, state of the training",
    "scheduler.pt, state of the training",
    "scaler.pt, state of the training",
    "rng_state.pth, state of the training",
    "rng_state_3.pth, state of the training",
    "random_states_0.pkl, state of the training",
    "global_step100/mp_rank_00_model_states.pt, an earlier state",
    "global_step100/bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt, an earlier state",
    "checkpoint-500/adapter_model.safetensors, an earlier state",
    "checkpoint-500/optimizer.pt, an earlier state",
    "adapter_model.bin, the weights once more",
    "adapter-f16.gguf, the weights once more",
    "model.onnx, the weights once more",
  })
  void what_is_no_weight_of_its_own_is_named(String file, String kind) {
    folders.bytes("ad", file, PICKLE);

    Merged merged = folders.merge(add("base+ad"));
    assertThat(merged.said()).contains(file).contains("not read: " + kind);
    assertThat(merged.provenance()).contains(file);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model.safetensors",
        "model-00001-of-00002.safetensors",
        "model.safetensors.index.json",
        "pytorch_model.bin",
        "pytorch_model-00001-of-00002.bin",
        "tf_model.h5",
        "flax_model.msgpack"
      })
  void a_whole_model_beside_an_adapter_is_refused_until_one_has_a_folder_of_its_own(String file)
      throws IOException {
    if (file.endsWith(".safetensors")) {
      folders.file("ad", file, folders.tuned(base));
    } else {
      folders.bytes("ad", file, PICKLE);
    }
    assertThatThrownBy(() -> folders.merge(add("base+ad")))
        .hasMessageContaining(file)
        .hasMessageContaining("is a whole model beside an adapter")
        .hasMessageContaining("move one of them to a folder of its own");

    Files.createDirectories(dir.resolve("elsewhere"));
    Files.move(dir.resolve("ad").resolve(file), dir.resolve("elsewhere").resolve(file));
    assertThat(folders.merge(add("base+ad")).tensors()).containsKey(QUERY);
  }

  @ParameterizedTest
  @CsvSource({
    "new_embeddings.safetensors, model.mm_projector.0.weight",
    "non_lora_trainables.safetensors, base_model.model.model.mm_projector.0.weight",
    "mm_projector.safetensors, model.mm_projector.0.weight",
    "vit.safetensors, module.model.mm_projector.0.weight",
    "sub/trained.safetensors, model.mm_projector.0.weight",
    "adapter_model-extra.safetensors, base_model.model.model.mm_projector.0.weight",
    "projector.safetensors, base_model.model.model.mm_projector.0.modules_to_save.default.weight",
  })
  void tensors_beside_an_adapter_are_merged(String file, String name) {
    Values trained = folders.random(8, 6);
    folders.file("ad", file, Map.of(name, trained));

    Merged merged = folders.merge(add("base+ad"));
    assertClose(merged.get(PROJECTOR), trained);
    assertThat(merged.said()).contains("of " + file + " beside the adapter is part of it");
  }

  @ParameterizedTest
  @CsvSource({"model.embed_tokens.weight", "embed_tokens.weight", "input_embeddings"})
  void new_rows_beside_an_adapter_come_after_those_of_the_base(String name) {
    Values rows = folders.random(3, 8);
    folders.file("ad", "new_embeddings.safetensors", Map.of(name, rows));

    Merged merged = folders.merge(add("base+ad"));
    assertThat(merged.said())
        .contains("the 3 rows of '%s' come after the 16 of '%s' in 'base'".formatted(name, EMBED))
        .contains("has 19 rows, 'base' has 16; the first 16 are merged");
    assertClose(merged.get(EMBED), base.get(EMBED));
  }

  @Test
  void tensors_beside_an_adapter_that_the_base_does_not_have_are_refused_or_added() {
    Values trained = folders.random(3, 3);
    folders.file("ad", "head.safetensors", Map.of("value_head.weight", trained));

    assertThatThrownBy(() -> folders.merge(add("base+ad")))
        .hasMessageContaining("'value_head.weight', which 'base' does not have")
        .hasMessageContaining("'extra: union' adds it");
    assertClose(folders.merge(add("base+ad", "extra: union")).get("value_head.weight"), trained);
  }

  @Test
  void another_adapter_in_a_folder_of_its_own_is_named() {
    folders.adapter("ad/second", folders.lora(QUERY, 8, 8));

    Merged merged = folders.merge(add("base+ad"));
    assertThat(merged.said())
        .contains("second" + dir.getFileSystem().getSeparator() + "adapter_model.safetensors")
        .contains("name its folder in the recipe if it is wanted");
    // As the message says.
    assertThat(folders.merge(add("base+ad+ad/second")).get(QUERY).values())
        .isNotEqualTo(merged.get(QUERY).values());
  }

  // ---- beside a whole model

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pytorch_model.bin",
        "pytorch_model-00001-of-00002.bin",
        "tf_model.h5",
        "flax_model.msgpack",
        "consolidated.00.pth",
        "original/consolidated.00.pth",
        "consolidated.safetensors",
        "x.Q4_K_M.gguf",
        "onnx/model.onnx",
        "openvino/openvino_model.bin",
        "training_args.bin",
        "optimizer.pt",
        "checkpoint-10/model.safetensors",
        "checkpoint-10/config.json",
        "global_step5/mp_rank_00_model_states.pt",
      })
  void copies_and_states_beside_a_model_are_named_and_not_carried_over(String file) {
    for (String model : List.of("base", "x")) {
      folders.bytes(model, file, PICKLE);
    }
    Merged merged = folders.merge(add("x"));

    assertThat(dir.resolve("out").resolve(file)).doesNotExist();
    if (!file.endsWith(".json")) {
      assertThat(merged.said()).contains("'base': " + file).contains("'x': " + file);
      assertThat(merged.provenance()).contains(file.replace("\\", "\\\\"));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"spk_dict.pt", "value_head.bin", "mm_projector.bin", "vae.ckpt", "head.npz"})
  void what_belongs_to_no_model_is_carried_over_where_all_have_the_same(String file) {
    folders.bytes("base", file, PICKLE);
    Merged merged = folders.merge(add("x"));
    assertThat(merged.said()).contains("'base': " + file + " is carried over as it is, not merged");
    assertThat(dir.resolve("out").resolve(file)).hasBinaryContent(PICKLE);

    folders.bytes("x", file, PICKLE);
    assertThat(folders.merge(add("x")).said()).doesNotContain("'x': " + file);

    folders.bytes("x", file, ZIP);
    assertThatThrownBy(() -> folders.merge(add("x")))
        .hasMessageContaining("model 'x': " + file + " holds weights")
        .hasMessageContaining("move it out of the folder");
  }

  @Test
  void tensors_that_no_index_names_are_refused_until_they_are_part_of_the_model() {
    Values trained = folders.random(8, 6);
    Map<String, Values> more = Map.of("model.new.weight", trained);
    folders.file("x", "extra_tensors.safetensors", more);
    assertThatThrownBy(() -> folders.merge(add("x")))
        .hasMessageContaining("extra_tensors.safetensors holds weights that no index or name makes")
        .hasMessageContaining("add its tensors to the model's own files");

    // As the message says.
    Map<String, Values> whole = new LinkedHashMap<>(folders.tuned(base));
    whole.putAll(more);
    folders.model("y", whole);
    assertClose(folders.merge(add("y", "extra: copy")).get("model.new.weight"), trained);
  }

  @Test
  void an_earlier_save_beside_the_weights_is_named() {
    folders.file("x", "model-00001-of-00001.safetensors", folders.tuned(base));
    Merged merged = folders.merge(add("x"));

    assertThat(merged.said())
        .contains("'x': model-00001-of-00001.safetensors is not read: the weights once more");
  }

  @Test
  void a_shard_that_the_index_forgets_is_one_all_the_same() throws IOException {
    Map<String, Values> x = folders.tuned(base);
    Map<String, Values> last = Map.of(PROJECTOR, x.get(PROJECTOR));
    Map<String, Values> first = new LinkedHashMap<>(x);
    first.remove(PROJECTOR);
    folders.file("x", "model-00001-of-00002.safetensors", first);
    folders.file("x", "model-00002-of-00002.safetensors", last);
    Files.delete(dir.resolve("x/model.safetensors"));
    StringBuilder index = new StringBuilder();
    for (String name : first.keySet()) {
      index.append(
          "%s\"%s\": \"model-00001-of-00002.safetensors\""
              .formatted(index.length() == 0 ? "" : ", ", name));
    }
    Files.writeString(
        dir.resolve("x/model.safetensors.index.json"), "{\"weight_map\": {" + index + "}}");

    Merged merged = folders.merge(add("x"));
    assertClose(merged.get(PROJECTOR), x.get(PROJECTOR));
    assertThat(merged.said()).contains("model 'x': tensor '" + PROJECTOR + "' is in a weight file");
  }

  // ---- LoRA that is not merged

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model.layers.0.self_attn.q_proj.lora_A.default.weight",
        "model.layers.0.self_attn.q_proj.lora_B.weight",
        "model.layers.0.self_attn.q_proj.base_layer.weight",
        "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight",
        "model.embed_tokens.lora_embedding_A.default",
        "model.embed_tokens.modules_to_save.default.weight",
        "model.layers.0.self_attn.q_proj.lora_magnitude_vector.default.weight",
      })
  void factors_inside_a_checkpoint_are_never_merged_as_weights(String name) {
    for (String model : List.of("base", "x")) {
      Map<String, Values> tensors = new LinkedHashMap<>(folders.tuned(base));
      tensors.put(name, folders.random(2, 8));
      folders.model(model, tensors);
    }
    assertThatThrownBy(() -> folders.merge(add("x")))
        .hasMessageContaining("holds an adapter that is not merged into its weights")
        .hasMessageContaining(name)
        .hasMessageContaining("merge_and_unload");
    // Whoever leaves them to the base says so.
    assertThat(
            folders.merge(add("x", "exclude: '.*(lora|base_layer|modules_to_save).*'")).tensors())
        .containsKey(name);
  }

  @Test
  void what_is_beside_the_weights_is_told_of_a_folder_alone() {
    folders.bytes("ad", "trained.bin", PICKLE);
    folders.bytes("x", "optimizer.pt", PICKLE);
    try (LoraAdapter adapter = LoraAdapter.open(dir.resolve("ad"));
        Checkpoint checkpoint = Checkpoint.open(dir.resolve("x"))) {
      assertThat(CheckpointSummary.aside(adapter.sideFiles()))
          .containsExactly("not read, weights in a format that is not read: trained.bin");
      assertThat(CheckpointSummary.of(checkpoint).warnings())
          .contains("not read, state of the training, no weights of the model: optimizer.pt");
    }
  }
}
