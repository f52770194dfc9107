package org.optmerge.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.optmerge.TestCheckpoints;
import org.optmerge.base.Sha256;
import org.optmerge.checkpoint.DType;

/**
 * A base, two experts and two adapters of a few tensors, and recipes over them.
 *
 * @param dir the folder that holds them
 */
record TinyModels(Path dir) {
  static final String CONFIG =
      "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\"}";

  static final String LINEAR =
      """
      merge_method: linear
      models:
        - {model: one, parameters: {weight: 0.5}}
        - {model: two, parameters: {weight: 0.5}}
      """;

  static final String TIES =
      """
      merge_method: ties
      base_model: base
      models: [{model: one}, {model: two}]
      parameters: {weight: 0.5, density: 0.4}
      """;

  /** Writes base and experts. */
  static TinyModels in(Path dir, int tensors, long rows, long columns, int shards) {
    TinyModels models = new TinyModels(dir);
    for (String name : List.of("base", "one", "two")) {
      models.write(name, tensors, rows, columns, shards);
    }
    return models;
  }

  /** Small ones. */
  static TinyModels in(Path dir) {
    return in(dir, 6, 16, 12, 1);
  }

  Path write(String name, int tensors, long rows, long columns, int shards) {
    TestCheckpoints folder = TestCheckpoints.folder(dir.resolve(name)).config(CONFIG);
    for (int i = 0; i < tensors; i++) {
      folder.random(tensor(i), DType.BF16, List.of(rows, columns), 1000L * name.hashCode() + i);
    }
    return (shards > 1 ? folder.shards(shards) : folder).write();
  }

  /** Adapters of rank 2 over the matrices of the base. */
  TinyModels adapters(int tensors, long rows, long columns) {
    for (String name : List.of("lora-one", "lora-two")) {
      TestCheckpoints folder = TestCheckpoints.adapter(dir.resolve(name), 2, 4);
      for (int i = 0; i < tensors; i++) {
        String module = "base_model.model." + tensor(i).replace(".weight", "");
        long seed = 1000L * name.hashCode() + 2L * i;
        folder.random(module + ".lora_A.weight", DType.F32, List.of(2L, columns), seed);
        folder.random(module + ".lora_B.weight", DType.F32, List.of(rows, 2L), seed + 1);
      }
      folder.write();
    }
    return this;
  }

  static String tensor(int number) {
    return "model.layers.%d.mlp.up_proj.weight".formatted(number);
  }

  Path recipe(String text) {
    try {
      return Files.writeString(dir.resolve("recipe-%08x.yaml".formatted(text.hashCode())), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path weights(String model) {
    return dir.resolve(model).resolve("model.safetensors");
  }

  /** Digests of all files below a folder, by name. */
  static Map<String, String> contents(Path folder) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        contents.put(folder.relativize(file).toString(), Sha256.of(file));
      }
    }
    return contents;
  }

  static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
    }
  }
}
