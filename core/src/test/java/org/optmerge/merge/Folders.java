package org.optmerge.merge;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.optmerge.TestCheckpoints;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.recipe.RecipeParser;

/** Tiny models and adapters as people bring them, and the merge of them, for tests. */
public final class Folders {
  public static final String EMBED = "model.embed_tokens.weight";
  public static final String QUERY = "model.layers.0.self_attn.q_proj.weight";
  public static final String UP = "model.layers.0.mlp.up_proj.weight";
  public static final String HEAD = "lm_head.weight";

  private final Path root;
  private final Random random = new Random(1);

  public Folders(Path root) {
    this.root = root;
  }

  /** A float32 matrix, vector or stack. */
  public record Values(List<Long> shape, float[] values) {
    public Values {
      shape = List.copyOf(shape);
    }

    /** The values plus others of the same number, times a factor. */
    public Values plus(float factor, Values other) {
      float[] sum = values.clone();
      for (int i = 0; i < sum.length; i++) {
        sum[i] += factor * other.values[i];
      }
      return new Values(shape, sum);
    }

    /** The product of two matrices. */
    public Values times(Values other) {
      int m = Math.toIntExact(shape.get(0));
      int r = Math.toIntExact(shape.get(1));
      int n = Math.toIntExact(other.shape.get(1));
      float[] product = new float[m * n];
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          double sum = 0;
          for (int k = 0; k < r; k++) {
            sum += (double) values[i * r + k] * other.values[k * n + j];
          }
          product[i * n + j] = (float) sum;
        }
      }
      return new Values(List.of((long) m, (long) n), product);
    }

    /** The transposed matrix. */
    public Values transposed() {
      int m = Math.toIntExact(shape.get(0));
      int n = Math.toIntExact(shape.get(1));
      float[] turned = new float[values.length];
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          turned[j * m + i] = values[i * n + j];
        }
      }
      return new Values(List.of((long) n, (long) m), turned);
    }

    /** Some rows, or some entries along the first extent. */
    public Values rows(int from, int to) {
      List<Long> extents = new ArrayList<>(shape);
      extents.set(0, (long) to - from);
      int width = values.length / Math.toIntExact(shape.get(0));
      return new Values(extents, java.util.Arrays.copyOfRange(values, from * width, to * width));
    }

    /** The same numbers in another shape. */
    public Values as(long... extents) {
      return new Values(java.util.Arrays.stream(extents).boxed().toList(), values);
    }

    /** Tensors one below the other. */
    public static Values stacked(List<Values> parts) {
      List<Long> extents = new ArrayList<>(parts.get(0).shape);
      extents.set(0, parts.stream().mapToLong(part -> part.shape.get(0)).sum());
      float[] all = new float[parts.stream().mapToInt(part -> part.values.length).sum()];
      int at = 0;
      for (Values part : parts) {
        System.arraycopy(part.values, 0, all, at, part.values.length);
        at += part.values.length;
      }
      return new Values(extents, all);
    }
  }

  /** Random values. */
  public Values random(long... shape) {
    List<Long> extents = java.util.Arrays.stream(shape).boxed().toList();
    int size = Math.toIntExact(extents.stream().reduce(1L, Math::multiplyExact));
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return new Values(extents, values);
  }

  /** A language model of one layer. */
  public Map<String, Values> llama() {
    Map<String, Values> tensors = new LinkedHashMap<>();
    tensors.put(EMBED, random(16, 8));
    tensors.put(QUERY, random(8, 8));
    tensors.put(UP, random(12, 8));
    tensors.put(HEAD, random(16, 8));
    return tensors;
  }

  /** The same tensors, all trained. */
  public Map<String, Values> tuned(Map<String, Values> tensors) {
    Map<String, Values> tuned = new LinkedHashMap<>();
    tensors.forEach(
        (name, it) ->
            tuned.put(
                name,
                it.plus(0.1f, random(it.shape().stream().mapToLong(Long::longValue).toArray()))));
    return tuned;
  }

  /** Factors of rank 2 of a change of a weight of these extents; α/r is 2. */
  public Map<String, Values> lora(String weight, long m, long n) {
    String module = "base_model.model." + weight.substring(0, weight.length() - ".weight".length());
    Map<String, Values> factors = new LinkedHashMap<>();
    factors.put(module + ".lora_A.weight", random(2, n));
    factors.put(module + ".lora_B.weight", random(m, 2));
    return factors;
  }

  /** The change that factors of {@link #lora} make: 2 · B · A. */
  public static Values change(Map<String, Values> factors, String weight) {
    String module = "base_model.model." + weight.substring(0, weight.length() - ".weight".length());
    Values product =
        factors.get(module + ".lora_B.weight").times(factors.get(module + ".lora_A.weight"));
    return product.plus(1, product);
  }

  /** Writes a model; settings are members of its config.json. */
  public Path model(String folder, Map<String, Values> tensors, String... settings) {
    List<String> members =
        new ArrayList<>(List.of("\"num_hidden_layers\": 1", "\"vocab_size\": 16"));
    boolean family = false;
    for (String setting : settings) {
      members.add(setting);
      family |= setting.startsWith("\"model_type\"");
    }
    if (!family) {
      members.add("\"architectures\": [\"LlamaForCausalLM\"]");
      members.add("\"model_type\": \"llama\"");
    }
    return written(TestCheckpoints.folder(root.resolve(folder)), tensors)
        .config("{" + String.join(", ", members) + "}")
        .write();
  }

  /** Writes an adapter of rank 2 and α 4; settings are members of its configuration. */
  public Path adapter(String folder, Map<String, Values> tensors, String... settings) {
    List<String> members =
        new ArrayList<>(List.of("\"peft_type\": \"LORA\"", "\"r\": 2", "\"lora_alpha\": 4"));
    members.addAll(List.of(settings));
    return written(TestCheckpoints.adapter(root.resolve(folder), 2, 4), tensors)
        .config("{" + String.join(", ", members) + "}")
        .write();
  }

  /** Writes a safetensors file of any name into a folder. */
  public void file(String folder, String name, Map<String, Values> tensors) {
    Path other = written(TestCheckpoints.folder(root.resolve(".made")), tensors).write();
    try {
      Path target = root.resolve(folder).resolve(name);
      Files.createDirectories(target.getParent());
      Files.move(
          other.resolve("model.safetensors"),
          target,
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes a file that is no safetensors. */
  public void bytes(String folder, String name, byte... content) {
    try {
      Path target = root.resolve(folder).resolve(name);
      Files.createDirectories(target.getParent());
      Files.write(target, content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static TestCheckpoints written(TestCheckpoints made, Map<String, Values> tensors) {
    tensors.forEach((name, it) -> made.tensor(name, DType.F32, it.shape(), it.values()));
    return made;
  }

  /** A merge of one model onto {@code base} with weight 1. */
  public static String add(String model, String... more) {
    return "merge_method: mergekit:task_arithmetic\nbase_model: base\nmodels:\n- {model: %s, parameters: {weight: 1.0}}\n%s"
        .formatted(model, String.join("\n", more));
  }

  /** A merge that was carried out. */
  public record Merged(
      Map<String, Values> tensors, List<String> notices, String config, String provenance) {
    public Values get(String tensor) {
      return Optional.ofNullable(tensors.get(tensor))
          .orElseThrow(() -> new AssertionError("no " + tensor + " in " + tensors.keySet()));
    }

    public String said() {
      return String.join("\n", notices);
    }
  }

  /** Merges; the output is {@code out}. */
  public Merged merge(String recipe) {
    try (MergePlan plan = Planner.plan(RecipeParser.parse(recipe, "r.yaml", root))) {
      Path out = root.resolve("out");
      Merger.run(
          plan,
          out,
          new MergeOptions(1, 1L << 28, java.util.EnumSet.of(MergeOptions.Flag.FORCE)),
          Progress.NONE);
      return read(out, plan.notices());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Merged read(Path folder, List<String> notices) throws IOException {
    Map<String, Values> tensors = new LinkedHashMap<>();
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      for (TensorInfo tensor : checkpoint.tensors()) {
        tensors.put(
            tensor.name(),
            new Values(tensor.shape(), TestCheckpoints.values(checkpoint, tensor.name())));
      }
    }
    Path config = folder.resolve("config.json");
    return new Merged(
        tensors,
        notices,
        Files.exists(config) ? Files.readString(config) : "",
        Files.readString(folder.resolve("optmerge.json")));
  }
}
