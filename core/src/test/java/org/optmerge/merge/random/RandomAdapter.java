package org.optmerge.merge.random;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.optmerge.merge.random.RandomMerge.Model;

/** A PEFT adapter in a folder. */
final class RandomAdapter {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int RANK = 2;

  private final RandomMerge merge;
  private final Model model;
  private final Path folder;
  private final UnaryOperator<String> layout;
  private final Map<String, Array> stored = new LinkedHashMap<>();
  private final Set<String> targets = new TreeSet<>();
  private final Set<String> saved = new TreeSet<>();
  private final ObjectNode config = JSON.createObjectNode();
  private final double alpha;
  private final boolean rankStabilised;
  private boolean dora;
  private final boolean stacked;

  RandomAdapter(RandomMerge merge, String name) {
    this(
        merge,
        name,
        merge.method.equals("linear") || merge.chance(50) ? "base+" + name : name,
        merge.chance(8));
  }

  private RandomAdapter(RandomMerge merge, String name, String text, boolean stacked) {
    this.merge = merge;
    this.stacked = stacked && text.startsWith("base+");
    this.model = new Model(this.stacked ? text + "+" + name + "b" : text);
    this.folder = merge.folder.resolve(name);
    this.layout = merge.layout();
    this.alpha = merge.pick(1.0, 2.0, 4.0);
    this.rankStabilised = merge.chance(8);
  }

  Model write() {
    merge.story.add("adapter " + model.text);
    model.tensors.putAll(merge.base.tensors);
    dora = merge.chance(5);
    merge.base.tensors.forEach(
        (name, own) -> {
          if (merge.family.isLinear(name, own.shape())
              && own.isFloating()
              && (model.trained.isEmpty() || merge.chance(60))) {
            low(name, own);
          }
        });
    vocabulary();
    config.put("peft_type", "LORA");
    config.put("task_type", "CAUSAL_LM");
    config.put("r", RANK);
    config.put("lora_alpha", alpha);
    config.put("bias", "none");
    config.put("use_rslora", rankStabilised);
    if (dora) {
      merge.story.add("DoRA");
      config.put("use_dora", true);
    }
    config.put("fan_in_fan_out", merge.family == Family.GPT2 && merge.chance(50));
    targets.forEach(config.withArray("target_modules")::add);
    saved.forEach(config.withArray("modules_to_save")::add);
    beside();
    String weights = "adapter_model.safetensors";
    if (merge.chance(4)) {
      merge.story.add("pickled adapter");
      RandomFiles.pickle(folder.resolve("adapter_model.bin"));
      Trained all =
          new Trained("a pickled adapter", List.of("adapter_model.bin"), "adapter_model.bin");
      model.trained.replaceAll((name, trained) -> all);
    } else {
      Array.write(folder.resolve(weights), stored);
    }
    RandomMerge.write(folder.resolve("adapter_config.json"), config);
    if (stacked) {
      stack();
    }
    return model;
  }

  /** A second adapter on the first. */
  private void stack() {
    merge.story.add("stacked");
    stored.clear();
    dora = false;
    Map.copyOf(model.tensors)
        .forEach(
            (name, own) -> {
              if (merge.family.isLinear(name, own.shape()) && own.isFloating()) {
                low(name, own);
              }
            });
    Path second = folder.resolveSibling(folder.getFileName() + "b");
    config.put("use_dora", false);
    config.remove("modules_to_save");
    Array.write(second.resolve("adapter_model.safetensors"), stored);
    RandomMerge.write(second.resolve("adapter_config.json"), config);
  }

  private String module(String name) {
    String own = layout.apply(name);
    return "base_model.model." + own.replaceFirst("\\.weight$", "");
  }

  private static String last(String module) {
    return module.substring(module.lastIndexOf('.') + 1);
  }

  private double scale() {
    return alpha / (rankStabilised ? Math.sqrt(RANK) : RANK);
  }

  private void low(String name, Array own) {
    boolean transposed = merge.family.isTransposed(name);
    int out = own.shape()[transposed ? 1 : 0];
    int in = own.shape()[transposed ? 0 : 1];
    double[] a = halves(RANK * in);
    double[] b = halves(out * RANK);
    double[] tuned = own.values().clone();
    for (int i = 0; i < out; i++) {
      for (int j = 0; j < in; j++) {
        double change = 0;
        for (int k = 0; k < RANK; k++) {
          change += b[i * RANK + k] * a[k * in + j];
        }
        tuned[transposed ? j * out + i : i * in + j] += scale() * change;
      }
    }
    String module = module(name);
    stored.put(module + ".lora_A.weight", new Array("F32", new int[] {RANK, in}, a));
    stored.put(module + ".lora_B.weight", new Array("F32", new int[] {out, RANK}, b));
    if (dora) {
      double[] magnitudes =
          merge.random.doubles(out).map(any -> 1 + 0.125 * merge.random.nextInt(8)).toArray();
      stored.put(module + ".lora_magnitude_vector", new Array("F32", new int[] {out}, magnitudes));
      rescale(tuned, magnitudes, out, in, transposed);
    }
    targets.add(last(module));
    train(name, own.with(tuned), module);
  }

  /** Each row of a layer has the length that DoRA trained for it. */
  private static void rescale(
      double[] weight, double[] lengths, int out, int in, boolean transposed) {
    for (int i = 0; i < out; i++) {
      double sum = 0;
      for (int j = 0; j < in; j++) {
        double value = weight[transposed ? j * out + i : i * in + j];
        sum += value * value;
      }
      for (int j = 0; j < in; j++) {
        weight[transposed ? j * out + i : i * in + j] *= lengths[i] / Math.sqrt(sum);
      }
    }
  }

  private double[] halves(int count) {
    return merge.random.doubles(count).map(any -> merge.pick(-1.0, -0.5, 0.5, 1.0)).toArray();
  }

  private void train(String name, Array tuned, String module) {
    model.tensors.put(name, tuned);
    model.trained.put(
        name,
        new Trained(model.text + "'s " + name, List.of(name, module), "adapter_model.safetensors"));
  }

  private void vocabulary() {
    Family family = merge.family;
    Array embedding = merge.base.tensors.get(family.embedding);
    String module = module(family.embedding);
    if (merge.chance(10)) {
      merge.story.add("embedding saved");
      Array whole = embedding.with(merge.moved(embedding.values())).as("F32");
      stored.put(module + ".weight", whole);
      saved.add(last(module));
      train(family.embedding, whole, module);
      if (merge.tied) {
        model.tensors.put(family.head, whole);
      }
    } else if (merge.chance(8)) {
      merge.story.add("embedding LoRA");
      int rows = embedding.rows();
      double[] a = halves(RANK * rows);
      double[] b = halves(Family.D * RANK);
      double[] tuned = embedding.values().clone();
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < Family.D; j++) {
          for (int k = 0; k < RANK; k++) {
            tuned[i * Family.D + j] += scale() * b[j * RANK + k] * a[k * rows + i];
          }
        }
      }
      stored.put(module + ".lora_embedding_A", new Array("F32", new int[] {RANK, rows}, a));
      stored.put(module + ".lora_embedding_B", new Array("F32", new int[] {Family.D, RANK}, b));
      targets.add(last(module));
      if (merge.chance(70)) {
        stored.put(module + ".base_layer.weight", embedding.as("F32"));
      }
      train(family.embedding, embedding.with(tuned), module);
      if (merge.tied) {
        model.tensors.put(family.head, embedding.with(tuned));
      }
    }
    if (merge.chance(10)) {
      merge.story.add("head saved");
      Array head = merge.base.tensors.get(family.head);
      Array whole = head.with(merge.moved(head.values())).as("F32");
      stored.put(module(family.head) + ".weight", whole);
      saved.add(last(module(family.head)));
      train(family.head, whole, module(family.head));
    } else if (merge.chance(6)) {
      merge.story.add("head LoRA");
      low(family.head, merge.base.tensors.get(family.head));
      if (merge.chance(50)) {
        stored.put(
            module(family.head) + ".base_layer.weight",
            merge.base.tensors.get(family.head).as("F32"));
      }
    }
  }

  private void beside() {
    if (merge.chance(15)) {
      String file =
          merge.pick(
              "non_lora_trainables.bin",
              "non_lora_state_dict.bin",
              "mm_projector.bin",
              "new.pt",
              "pytorch_model.bin");
      merge.story.add(file);
      RandomFiles.pickle(folder.resolve(file));
      model.beside.put(new Trained(model.text + "'s " + file, List.of(file), file), Map.of());
    }
    if (merge.chance(8)) {
      RandomFiles.pickle(
          folder.resolve(merge.pick("optimizer.pt", "training_args.bin", "scheduler.pt")));
    }
    if (merge.chance(12)) {
      side();
    }
  }

  /** A whole tensor of the base in a file of its own. */
  private void side() {
    String file =
        merge.pick("new_embeddings.safetensors", "projector.safetensors", "model.safetensors");
    List<String> others =
        merge.base.tensors.keySet().stream()
            .filter(name -> !model.trained.containsKey(name) && !merge.family.isVocabulary(name))
            .filter(name -> merge.base.tensors.get(name).isFloating())
            .toList();
    if (others.isEmpty()) {
      return;
    }
    merge.story.add("side " + file);
    String name = others.get(merge.random.nextInt(others.size()));
    Array own = merge.base.tensors.get(name);
    Array whole = own.with(merge.moved(own.values())).as("F32");
    Array.write(folder.resolve(file), Map.of(layout.apply(name), whole));
    model.tensors.put(name, whole);
    model.trained.put(
        name,
        new Trained(model.text + "'s " + file, List.of(name, layout.apply(name), file), file));
  }
}
