package org.optmerge.merge.random;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.optmerge.merge.random.RandomMerge.Model;

/** A whole fine-tuned model in a folder. */
final class RandomWhole {
  private final RandomMerge merge;
  private final Model model;
  private final Path folder;

  RandomWhole(RandomMerge merge, String name) {
    this.merge = merge;
    this.model = new Model(name);
    this.folder = merge.folder.resolve(name);
  }

  Model write() {
    Family family = merge.family;
    boolean ownHead = merge.tied && merge.chance(15);
    int rows = merge.vocabulary + (merge.chance(15) ? merge.random.nextInt(5) - 2 : 0);
    UnaryOperator<String> layout = merge.layout();
    String dtype = merge.chance(20) ? merge.pick("F32", "BF16", "F16") : "";
    Map<String, Array> stored = new LinkedHashMap<>();
    boolean unequal = merge.chance(2);
    merge.base.tensors.forEach(
        (name, own) -> {
          Array tuned = tuned(name, own, rows, ownHead, unequal);
          model.tensors.put(name, tuned);
          boolean left = merge.tied && name.equals(family.head) && !ownHead && merge.chance(80);
          if (!left) {
            boolean floating = own.isFloating();
            boolean exact = !name.endsWith("correction_bias");
            stored.put(
                layout.apply(name),
                dtype.isEmpty() || !floating || !exact ? tuned : tuned.as(dtype));
          }
        });
    if (rows != merge.vocabulary) {
      merge.story.add("%s has %d rows of %d".formatted(model.text, rows, merge.vocabulary));
    }
    if (merge.tied && !ownHead) {
      model.tensors.put(family.head, model.tensors.get(family.embedding));
    }
    reduce(stored, layout);
    add(stored);
    Map<String, String> files =
        new RandomFiles(merge, folder).write(stored, "model", merge.chance(12));
    model.trained.replaceAll(
        (name, own) -> own.in(files.getOrDefault(layout.apply(name), own.file())));
    Map<Trained, Map<String, Array>> beside = new LinkedHashMap<>();
    model.beside.forEach(
        (own, more) ->
            beside.put(own.in(files.getOrDefault(own.names().get(0), own.file())), more));
    model.beside.clear();
    model.beside.putAll(beside);
    RandomMerge.write(folder.resolve("config.json"), merge.config(rows, merge.tied && !ownHead));
    beside();
    return model;
  }

  private Array tuned(String name, Array own, int rows, boolean ownHead, boolean unequal) {
    Family family = merge.family;
    if (!own.isFloating()) {
      Array other = unequal ? own.with(own.values().clone()) : own;
      if (unequal) {
        merge.story.add("other integers");
        other.values()[0] += 1;
        note(name, name, "model.safetensors");
      }
      return other;
    }
    boolean precise = name.endsWith("correction_bias");
    if (precise || merge.chance(5)) {
      return family.isVocabulary(name) ? own.rows(rows, i -> merge.step(8)) : own;
    }
    note(name, name, "model.safetensors");
    if (ownHead && name.equals(family.head)) {
      merge.story.add("head of its own");
    }
    Array tuned = own.with(merge.moved(own.values()));
    return family.isVocabulary(name) && rows != own.rows()
        ? tuned.rows(rows, i -> merge.step(8))
        : tuned;
  }

  private void note(String name, String stored, String file) {
    model.trained.put(name, new Trained(model.text + "'s " + name, List.of(name, stored), file));
  }

  /** Some tensors are not there: one, or all but the language model's. */
  private void reduce(Map<String, Array> stored, UnaryOperator<String> layout) {
    List<String> names = List.copyOf(model.tensors.keySet());
    boolean text = merge.family.embedding.startsWith("language_model.") && merge.chance(12);
    if (text) {
      merge.story.add("text only");
      Map<String, Array> kept = new LinkedHashMap<>();
      for (String name : names) {
        Array tensor = stored.get(layout.apply(name));
        if (tensor != null && name.startsWith("language_model.")) {
          kept.put(name.substring("language_model.".length()), tensor);
        } else if (!name.startsWith("language_model.")) {
          lose(name);
        }
      }
      stored.clear();
      stored.putAll(kept);
    } else if (merge.chance(8)) {
      String name = names.get(merge.random.nextInt(names.size()));
      if (!merge.family.isVocabulary(name) && stored.remove(layout.apply(name)) != null) {
        merge.story.add("without " + name);
        lose(name);
      }
    }
  }

  private void lose(String name) {
    model.trained.remove(name);
    model.tensors.remove(name);
  }

  private void add(Map<String, Array> stored) {
    if (merge.chance(8)) {
      merge.story.add("more tensors");
      Array more = new Array("F32", new int[] {2, 3}, merge.numbers(6));
      String name =
          merge.pick("classifier.weight", "model.value_head.summary.weight", "audio.proj.weight");
      stored.put(name, more);
      model.beside.put(
          new Trained(model.text + "'s more " + name, List.of(name), "model.safetensors"),
          Map.of(name, more));
    }
    if (merge.chance(4)) {
      String q =
          stored.keySet().stream()
              .filter(it -> it.endsWith("up_proj.weight"))
              .findFirst()
              .orElse("");
      Array whole = stored.remove(q);
      if (whole != null) {
        merge.story.add("unmerged LoRA");
        String module = q.substring(0, q.length() - ".weight".length());
        stored.put(module + ".base_layer.weight", whole);
        String a = module + ".lora_A.default.weight";
        String b = module + ".lora_B.default.weight";
        stored.put(
            a,
            new Array("F32", new int[] {2, whole.shape()[1]}, merge.numbers(2 * whole.shape()[1])));
        stored.put(
            b, new Array("F32", new int[] {whole.rows(), 2}, merge.numbers(2 * whole.rows())));
        model.beside.put(
            new Trained(
                model.text + "'s unmerged factors", List.of(a, b, module), "model.safetensors"),
            Map.of());
      }
    }
  }

  private void beside() {
    if (merge.chance(10)) {
      String file =
          merge.pick(
              "non_lora_trainables.bin",
              "mm_projector.bin",
              "pytorch_model.bin",
              "rows.pt",
              "deep/er/new.pth");
      merge.story.add(file);
      RandomFiles.pickle(folder.resolve(file));
      model.beside.put(
          new Trained(
              model.text + "'s " + file, List.of(file.substring(file.lastIndexOf('/') + 1)), file),
          Map.of());
    }
    if (merge.chance(8)) {
      RandomFiles.pickle(
          folder.resolve(
              merge.pick("optimizer.pt", "training_args.bin", "scheduler.pt", "rng_state.pth")));
    }
    if (merge.chance(8)) {
      String file =
          merge.pick(
              "extra.safetensors", "projector/model.safetensors", "consolidated.safetensors");
      merge.story.add(file);
      Array more = new Array("F32", new int[] {2, 2}, merge.numbers(4));
      Array.write(folder.resolve(file), Map.of("side.weight", more));
      model.beside.put(
          new Trained(model.text + "'s " + file, List.of("side.weight"), file),
          Map.of("side.weight", more));
    }
  }
}
