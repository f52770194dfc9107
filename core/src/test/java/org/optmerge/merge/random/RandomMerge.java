package org.optmerge.merge.random;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;

/**
 * A random merge: folders as people have them, and what is in them, known from having put it there.
 *
 * <p>All numbers are small multiples of powers of two, so that every type holds them exactly, and
 * every number of an expert differs from the base's, so that none can be lost unseen.
 */
final class RandomMerge {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A base, or an expert as it is when loaded. */
  static final class Model {
    final String text;
    final Map<String, Array> tensors = new LinkedHashMap<>();

    /** For each tensor that training changed, where its numbers are. */
    final Map<String, Trained> trained = new LinkedHashMap<>();

    /** What no tensor of the base stands for: it must be in the output, or be named. */
    final Map<Trained, Map<String, Array>> beside = new LinkedHashMap<>();

    double weight = 1;

    Model(String text) {
      this.text = text;
    }
  }

  final long seed;
  final Path folder;
  final Random random;
  final Family family;
  final Model base = new Model("base");

  /** Where the base's tensors are, if they are in several files. */
  final Map<String, String> files = new LinkedHashMap<>();

  final List<Model> experts = new ArrayList<>();
  final List<String> story = new ArrayList<>();
  final int vocabulary;
  final int layers;
  final boolean tied;
  String method = "task_arithmetic";
  String recipe = "";
  String excluded = "";

  RandomMerge(long seed, Path folder) {
    this.seed = seed;
    this.folder = folder;
    this.random = new Random(seed * 0x9E3779B97F4A7C15L);
    this.family = pick(Family.values());
    this.vocabulary = 6 + random.nextInt(5);
    this.layers = 1 + random.nextInt(2);
    this.tied = chance(35);
    story.add(family + (tied ? " tied" : ""));
    writeBase();
    if (chance(20)) {
      method = "linear";
    }
    int count = chance(40) ? 2 : 1;
    for (int i = 0; i < count; i++) {
      String name = "e" + (i + 1);
      experts.add(
          chance(45) ? new RandomAdapter(this, name).write() : new RandomWhole(this, name).write());
    }
    writeRecipe();
  }

  boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  @SafeVarargs
  final <T> T pick(T... choices) {
    return choices[random.nextInt(choices.length)];
  }

  /** A multiple of an eighth, not zero. */
  double step(int most) {
    return (1 + random.nextInt(most)) * (random.nextBoolean() ? 0.125 : -0.125);
  }

  double[] numbers(int count) {
    return random.doubles(count).map(any -> step(24)).toArray();
  }

  double[] moved(double[] from) {
    double[] to = from.clone();
    for (int i = 0; i < to.length; i++) {
      to[i] += step(8);
    }
    return to;
  }

  private void writeBase() {
    String dtype = pick("F32", "F32", "BF16", "F16");
    family
        .shapes(vocabulary, layers)
        .forEach(
            (name, shape) ->
                base.tensors.put(
                    name,
                    new Array(
                        chance(6) ? pick("F32", "BF16") : dtype,
                        shape,
                        numbers(Array.size(shape)))));
    if (chance(12) && !dtype.equals("F32")) {
      story.add("precise");
      double[] bias = new double[16];
      for (int i = 0; i < bias.length; i++) {
        bias[i] = (float) (6.817 + i * 0.246 / 255);
      }
      base.tensors.put(precise(), new Array("F32", new int[] {16}, bias));
    }
    if (chance(15)) {
      base.tensors.put(
          "model.position_ids", new Array("I64", new int[] {1, 4}, new double[] {0, 1, 2, 3}));
    }
    if (chance(8)) {
      base.tensors.put(
          "model.mask.bias", new Array("U8", new int[] {2, 2}, new double[] {1, 0, 1, 1}));
    }
    if (chance(4)) {
      story.add("scales");
      base.tensors.put(
          "model.layers.0.mlp.powers",
          new Array("F8_E8M0", new int[] {4}, new double[] {127, 126, 125, 124}));
    }
    if (mostlyFloat32()) {
      base.tensors.remove(precise()); // which the recipe may round with all the others
    }
    Map<String, Array> stored = new LinkedHashMap<>(base.tensors);
    if (tied) {
      Array embedding = base.tensors.get(family.embedding);
      base.tensors.put(family.head, embedding);
      stored.put(family.head, embedding);
      if (chance(75)) {
        stored.remove(family.head);
      } else {
        story.add("head stored");
      }
    }
    Path here = folder.resolve("base");
    files.putAll(new RandomFiles(this, here).write(stored, "model", chance(12)));
    write(here.resolve("config.json"), config(vocabulary, tied));
    write(here.resolve("tokenizer_config.json"), JSON.createObjectNode());
    if (chance(6)) {
      story.add("base beside");
      String file = pick("mm_projector.bin", "extra_rows.pt");
      Array.put(here.resolve(file), ("PK\3\4" + seed).getBytes(StandardCharsets.ISO_8859_1));
      base.beside.put(new Trained("a file of the base", List.of(file), file), Map.of());
    }
  }

  private boolean mostlyFloat32() {
    Map<String, Integer> numbers = new HashMap<>();
    base.tensors
        .values()
        .forEach(it -> numbers.merge(it.dtype(), it.values().length, Integer::sum));
    int wide = numbers.getOrDefault("F32", 0);
    int narrow = Math.max(numbers.getOrDefault("BF16", 0), numbers.getOrDefault("F16", 0));
    // The head counts only where it is stored, so the matter must be clear without it.
    return 3 * wide > narrow;
  }

  /** A router's bias, which models of half precision keep in float32. */
  String precise() {
    return family.embedding.replaceFirst("[^.]+\\.weight$", "")
        + "layers.0.mlp.gate.e_score_correction_bias";
  }

  ObjectNode config(int rows, boolean tie) {
    ObjectNode config = JSON.createObjectNode();
    config.putArray("architectures").add(family.architecture);
    config.put("model_type", family.modelType);
    ObjectNode inner = family == Family.INTERN ? config.putObject("llm_config") : config;
    inner.put("vocab_size", rows);
    inner.put("num_hidden_layers", layers);
    inner.put("hidden_size", Family.D);
    inner.put("tie_word_embeddings", tie);
    if (inner != config) {
      config.put("tie_word_embeddings", tie);
    }
    return config;
  }

  static void write(Path file, ObjectNode json) {
    Array.put(file, json.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** The layout under which an expert is stored; mostly the base's. */
  UnaryOperator<String> layout() {
    Map<String, UnaryOperator<String>> layouts = family.layouts();
    if (layouts.isEmpty() || chance(75)) {
      return name -> name;
    }
    String name = layouts.keySet().iterator().next();
    story.add("layout " + name);
    return layouts.get(name);
  }

  private void writeRecipe() {
    StringBuilder text = new StringBuilder();
    text.append("merge_method: ").append(method).append('\n');
    if (method.equals("task_arithmetic")) {
      text.append("base_model: base\n");
    }
    text.append("models:\n");
    if (method.equals("linear")) {
      text.append("- {model: base, parameters: {weight: 1}}\n");
    }
    for (Model expert : experts) {
      expert.weight = pick(1.0, 1.0, 0.5, 0.25);
      text.append(
          "- {model: %s, parameters: {weight: %s}}\n".formatted(expert.text, expert.weight));
    }
    option(text, 20, "dtype", "float32", "bfloat16", "float16");
    option(text, 25, "extra", "report", "copy", "union", "error");
    if (method.equals("task_arithmetic")) {
      option(text, 20, "missing", "base", "skip");
    }
    if (method.equals("task_arithmetic") && chance(8)) {
      excluded = ".*q_proj.*";
      text.append("exclude: '.*q_proj.*'\n");
    }
    recipe = text.toString();
  }

  private void option(StringBuilder text, int percent, String key, String... values) {
    if (chance(percent)) {
      text.append(key).append(": ").append(pick(values)).append('\n');
    }
  }

  @Override
  public String toString() {
    return "seed %d: %s\n%s".formatted(seed, String.join(", ", story), recipe);
  }
}
