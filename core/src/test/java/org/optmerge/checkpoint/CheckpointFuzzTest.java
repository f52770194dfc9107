package org.optmerge.checkpoint;

import com.code_intelligence.jazzer.junit.DictionaryFile;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.fuzz.Sandbox;

/** The files of a checkpoint and of an adapter, with any bytes in them. */
class CheckpointFuzzTest {
  private static final String DICTIONARY = "/org/optmerge/fuzz/checkpoint.dict";
  private static final Sandbox BOX = Sandbox.open();

  private static TestCheckpoints tensors(TestCheckpoints folder) {
    return folder
        .random("model.embed_tokens.weight", DType.BF16, List.of(4L, 2L), 1)
        .random("model.layers.0.mlp.up_proj.weight", DType.F32, List.of(2L, 2L), 2)
        .random("lm_head.weight", DType.F16, List.of(4L, 2L), 3);
  }

  private static TestCheckpoints lora(String folder) {
    return TestCheckpoints.adapter(BOX.folder().resolve(folder), 2, 4)
        .randomLora("model.layers.0.mlp.up_proj", 3, 2, 4, 5);
  }

  /** Everything that others ask of an open checkpoint. */
  private static void use(Checkpoint checkpoint) {
    checkpoint.config();
    checkpoint.notes();
    checkpoint.tied();
    checkpoint.otherFiles();
    for (TensorInfo tensor : checkpoint.tensors()) {
      if (checkpoint.whyNotMergeable(tensor).isEmpty()) {
        checkpoint.read(tensor, 0, (int) Math.min(64, tensor.size()), new float[64]);
      }
    }
  }

  static Stream<byte[]> headers() throws IOException {
    Path whole = tensors(TestCheckpoints.folder(BOX.folder().resolve("header-seeds"))).write();
    return Stream.of(
        Files.readAllBytes(whole.resolve("model.safetensors")),
        TestCheckpoints.file("{}"),
        TestCheckpoints.file(
            "{\"a\":{\"dtype\":\"I8\",\"shape\":[],\"data_offsets\":[0,1]}}", (byte) 1),
        TestCheckpoints.file(
            "{\"a\":{\"dtype\":\"F4\",\"shape\":[2,3],\"data_offsets\":[0,3]},"
                + "\"b\":{\"dtype\":\"U64\",\"shape\":[0],\"data_offsets\":[3,3]}}   ",
            (byte) 1,
            (byte) 2,
            (byte) 3));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("headers")
  @FuzzTest
  void safetensors(byte[] data) throws Exception {
    BOX.file("header/model.safetensors", data);
    BOX.holds(
        data,
        () -> {
          try (Checkpoint checkpoint = Checkpoint.open(BOX.folder().resolve("header"))) {
            use(checkpoint);
          }
        });
  }

  private static final class Sharded {
    static final Path FOLDER =
        tensors(TestCheckpoints.folder(BOX.folder().resolve("sharded"))).shards(2).write();
  }

  static Stream<byte[]> indexes() throws IOException {
    byte[] index = Files.readAllBytes(Sharded.FOLDER.resolve("model.safetensors.index.json"));
    return Stream.of(
        index,
        "{\"weight_map\":{\"lm_head.weight\":\"../outside.safetensors\"}}".getBytes(),
        "{\"weight_map\":{\"lm_head.weight\":\"model-00001-of-00002.safetensors\"}}".getBytes());
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("indexes")
  @FuzzTest
  void index(byte[] data) throws Exception {
    BOX.file("sharded/model.safetensors.index.json", data);
    BOX.holds(
        data,
        () -> {
          try (Checkpoint checkpoint = Checkpoint.open(Sharded.FOLDER)) {
            use(checkpoint);
          }
        });
  }

  private static final class Configured {
    static final Path FOLDER =
        tensors(TestCheckpoints.folder(BOX.folder().resolve("configured"))).write();
  }

  static Stream<String> modelConfigTexts() {
    return Stream.of(
        "{\"model_type\": \"llama\", \"tie_word_embeddings\": true, \"vocab_size\": 4}",
        "{\"architectures\":[\"Qwen2VLForConditionalGeneration\"],\"text_config\":{\"tie_word_embeddings\":false}}",
        "{\"quantization_config\":{\"quant_method\":\"bitsandbytes\",\"load_in_4bit\":true}}");
  }

  static Stream<byte[]> modelConfigs() {
    return modelConfigTexts().map(String::getBytes);
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("modelConfigs")
  @FuzzTest
  void modelConfig(byte[] data) throws Exception {
    BOX.file("configured/config.json", data);
    BOX.holds(
        data,
        () -> {
          try (Checkpoint checkpoint = Checkpoint.open(Configured.FOLDER)) {
            use(checkpoint);
          }
        });
  }

  private static final class Adapted {
    static final Path FOLDER = lora("adapted").write();
  }

  private static void useAdapter(Path folder) {
    try (LoraAdapter adapter = LoraAdapter.open(folder)) {
      adapter.deltas();
      adapter.replacements();
      adapter.snapshots();
      adapter.rows();
      adapter.magnitudes();
      adapter.sideProblems();
    }
  }

  static Stream<byte[]> adapterConfigs() throws IOException {
    return Stream.of(
        Files.readAllBytes(Adapted.FOLDER.resolve("adapter_config.json")),
        """
        {"peft_type":"LORA","task_type":"CAUSAL_LM","r":2,"lora_alpha":4,"use_rslora":true,"use_dora":false,
         "bias":"lora_only","fan_in_fan_out":false,"rank_pattern":{"^model.*up_proj":2},"alpha_pattern":{"up_proj":8},
         "modules_to_save":["lm_head"],"target_modules":["up_proj"],"layers_to_transform":[0],"layers_pattern":"layers",
         "megatron_config":null,"loftq_config":{},"init_lora_weights":true,"inference_mode":true,
         "base_model_name_or_path":"x","revision":null,"layer_replication":null}
        """
            .getBytes());
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("adapterConfigs")
  @FuzzTest
  void adapterConfig(byte[] data) throws Exception {
    Path folder = Adapted.FOLDER;
    BOX.file("adapted/adapter_config.json", data);
    BOX.holds(data, () -> useAdapter(folder));
  }

  static Stream<byte[]> adapterWeights() throws IOException {
    Path other =
        lora("adapter-seeds")
            .random("base_model.model.lm_head.weight", DType.F32, List.of(2L, 2L), 1)
            .random(
                "base_model.model.model.embed_tokens.lora_embedding_A",
                DType.F32,
                List.of(2L, 3L),
                1)
            .random(
                "base_model.model.model.embed_tokens.lora_embedding_B",
                DType.F32,
                List.of(2L, 2L),
                1)
            .random(
                "base_model.model.model.layers.0.mlp.up_proj.lora_magnitude_vector",
                DType.F32,
                List.of(3L),
                1)
            .write();
    return Stream.of(
        Files.readAllBytes(lora("adapter-seeds-2").write().resolve("adapter_model.safetensors")),
        Files.readAllBytes(other.resolve("adapter_model.safetensors")));
  }

  private static final class Weights {
    static final Path FOLDER = lora("weights").write();
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("adapterWeights")
  @FuzzTest
  void adapterTensors(byte[] data) throws Exception {
    Path folder = Weights.FOLDER;
    BOX.file("weights/adapter_model.safetensors", data);
    BOX.holds(data, () -> useAdapter(folder));
  }
}
