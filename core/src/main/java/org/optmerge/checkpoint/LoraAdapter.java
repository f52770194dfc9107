package org.optmerge.checkpoint;

import static org.optmerge.checkpoint.CheckpointException.quote;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A PEFT LoRA adapter folder: {@code adapter_config.json} and {@code adapter_model.safetensors}.
 *
 * @see <a href="https://arxiv.org/abs/2106.09685">Hu et al., LoRA, ICLR 2022, section 4.1</a>
 * @see <a href="https://arxiv.org/abs/2312.03732">Kalajdzievski, rank-stabilised LoRA</a>
 */
public final class LoraAdapter implements AutoCloseable {
  static final String CONFIG = "adapter_config.json";

  private static final String WEIGHTS = "adapter_model.safetensors";

  /** PEFT wraps the base model twice. */
  private static final String PREFIX = "base_model.model.";

  /** The adapter's name is left out when it is saved, but some tools keep it. */
  private static final Pattern FACTOR =
      Pattern.compile(
          "(?<module>.+)\\.lora_(?:(?<linear>[AB])(?:\\.default)?\\.weight"
              + "|embedding_(?<embedding>[AB])(?:\\.default)?)");

  private static final Pattern WHOLE =
      Pattern.compile("\\.modules_to_save(\\.default)?(?=\\.)|\\.base_layer(?=\\.)");

  /** PEFT saves these whole when the vocabulary has grown, whatever the configuration says. */
  private static final Pattern EMBEDDING =
      Pattern.compile("(.*\\.)?(embed_tokens|lm_head)\\.weight");

  /**
   * The change of one weight, ΔW = scale · B · A (transposed if {@code fanInFanOut}).
   *
   * <p>For a convolution, A is flattened to two dimensions, and ΔW has the base's values in the
   * base's order with all but the first extent flattened into one.
   *
   * @param b shape (m, r)
   * @param a shape (r, n)
   * @param scale α/r, or α/√r for rank-stabilised LoRA, with the patterns applied
   * @param fanInFanOut true if the weight is stored as (n, m), so that ΔW must be transposed
   */
  public record Delta(TensorInfo b, TensorInfo a, double scale, boolean fanInFanOut) {
    public Delta {
      if (b.shape().size() != 2
          || a.shape().size() != 2
          || !b.shape().get(1).equals(a.shape().get(0))) {
        throw new IllegalArgumentException(
            "B must be (m, r) and A (r, n), are %s and %s".formatted(b.shape(), a.shape()));
      }
    }

    /** r. */
    public long rank() {
      return a.shape().get(0);
    }

    /** The extents of ΔW as the base stores the weight. */
    public List<Long> shape() {
      long m = b.shape().get(0);
      long n = a.shape().get(1);
      return fanInFanOut ? List.of(n, m) : List.of(m, n);
    }
  }

  private final Path folder;
  private final Checkpoint tensors;
  private final Map<String, Delta> deltas;
  private final Map<String, TensorInfo> replacements;

  private LoraAdapter(
      Path folder,
      Checkpoint tensors,
      Map<String, Delta> deltas,
      Map<String, TensorInfo> replacements) {
    this.folder = folder;
    this.tensors = tensors;
    this.deltas = Collections.unmodifiableMap(deltas);
    this.replacements = Collections.unmodifiableMap(replacements);
  }

  /**
   * Opens and checks an adapter.
   *
   * @throws CheckpointException if a file is missing or malformed, or the adapter is of a kind that
   *     is not additive
   */
  public static LoraAdapter open(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw CheckpointException.at(folder, "no such folder");
    }
    Path config = folder.resolve(CONFIG);
    if (!Files.exists(config)) {
      throw CheckpointException.at(folder, "this is no PEFT adapter: it has no " + CONFIG);
    }
    Path weights = folder.resolve(WEIGHTS);
    if (!Files.exists(weights)) {
      throw CheckpointException.at(
          folder,
          Files.exists(folder.resolve("adapter_model.bin"))
              ? "the weights are in adapter_model.bin, a pickle, which can run code when it is read; "
                  + CheckpointFiles.CONVERT.replace(CheckpointFiles.SINGLE, WEIGHTS)
              : "%s is not there; was the download complete?".formatted(WEIGHTS));
    }
    CheckpointFiles.checkInside(folder, config, ExternalFiles.REFUSE);
    CheckpointFiles.checkInside(folder, weights, ExternalFiles.REFUSE);
    LoraConfig read = LoraConfig.read(config);
    Checkpoint tensors = Checkpoint.open(weights);
    try {
      Reading reading = new Reading(weights, read);
      tensors.tensors().forEach(reading::add);
      return new LoraAdapter(folder, tensors, reading.deltas(), reading.replacements());
    } catch (RuntimeException | Error e) {
      tensors.close();
      throw e;
    }
  }

  /** True if the folder looks like an adapter. */
  public static boolean isAdapter(Path folder) {
    return Files.exists(folder.resolve(CONFIG));
  }

  /** The folder that was opened. */
  public Path folder() {
    return folder;
  }

  /**
   * Low-rank changes by the name of the weight in the base model, such as {@code
   * model.layers.0.mlp.up_proj.weight}; sorted.
   */
  public Map<String, Delta> deltas() {
    return deltas;
  }

  /**
   * Whole tensors that replace the base's ({@code modules_to_save}, biases, a grown vocabulary), by
   * name in the base model; sorted.
   */
  public Map<String, TensorInfo> replacements() {
    return replacements;
  }

  /** The checkpoint that holds the factors and replacements. */
  public Checkpoint tensors() {
    return tensors;
  }

  @Override
  public void close() {
    tensors.close();
  }

  /** Sorts the tensors of an adapter into factors and replacements. */
  private static final class Reading {
    private final Path file;
    private final LoraConfig config;
    private final Map<String, Pair> pairs = new TreeMap<>();
    private final Map<String, TensorInfo> replacements = new TreeMap<>();
    private final List<TensorInfo> unknown = new ArrayList<>();

    Reading(Path file, LoraConfig config) {
      this.file = file;
      this.config = config;
    }

    /** The factors of one module that have been seen. */
    private static final class Pair {
      @Nullable TensorInfo a;
      @Nullable TensorInfo b;
      boolean embedding;
    }

    void add(TensorInfo tensor) {
      if (tensor.name().contains(".lora_magnitude_vector")) {
        throw error(
            tensor,
            "belongs to DoRA, which rescales the rows of the merged weight, so it is no change to be added");
      }
      if (!tensor.dtype().isFloating()) {
        throw error(
            tensor, "holds %s, expected real numbers".formatted(tensor.dtype().torchName()));
      }
      if (!tensor.name().startsWith(PREFIX)) {
        unknown.add(tensor);
        return;
      }
      String name = tensor.name().substring(PREFIX.length());
      Matcher factor = FACTOR.matcher(name);
      if (factor.matches()) {
        addFactor(tensor, factor);
        return;
      }
      String whole = WHOLE.matcher(name).replaceFirst("");
      boolean wanted =
          !whole.contains(".lora_")
              && (config.saves(whole)
                  || (config.bias() && whole.endsWith(".bias"))
                  || EMBEDDING.matcher(whole).matches());
      if (!wanted) {
        unknown.add(tensor);
      } else if (replacements.put(whole, tensor) != null) {
        throw error(tensor, "replaces %s, as another tensor does".formatted(quote(whole)));
      }
    }

    private void addFactor(TensorInfo tensor, Matcher factor) {
      Pair pair = pairs.computeIfAbsent(factor.group("module"), module -> new Pair());
      boolean embedding = factor.group("embedding") != null;
      boolean isA = "A".equals(embedding ? factor.group("embedding") : factor.group("linear"));
      if ((isA ? pair.a : pair.b) != null) {
        throw error(tensor, "is a second factor %s of this module".formatted(isA ? "A" : "B"));
      }
      pair.embedding |= embedding;
      if (isA) {
        pair.a = tensor;
      } else {
        pair.b = tensor;
      }
    }

    Map<String, TensorInfo> replacements() {
      return replacements;
    }

    Map<String, Delta> deltas() {
      if (!unknown.isEmpty()) {
        throw CheckpointException.at(
            file,
            "%d tensors are neither LoRA factors nor named by modules_to_save or bias: %s"
                .formatted(
                    unknown.size(),
                    String.join(
                            ", ",
                            unknown.stream().limit(3).map(tensor -> quote(tensor.name())).toList())
                        + (unknown.size() > 3 ? ", …" : "")));
      }
      if (pairs.isEmpty() && replacements.isEmpty()) {
        throw CheckpointException.at(file, "the adapter holds no tensor");
      }
      Map<String, Delta> deltas = new TreeMap<>();
      pairs.forEach(
          (module, pair) -> {
            String weight = module + ".weight";
            if (replacements.containsKey(weight)) {
              throw error(
                  replacements.get(weight),
                  "the adapter both replaces this weight and changes it by factors");
            }
            deltas.put(weight, delta(module, pair));
          });
      return deltas;
    }

    private Delta delta(String module, Pair pair) {
      TensorInfo a = pair.a;
      TensorInfo b = pair.b;
      if (a == null) {
        throw error(b, "factor B has no factor A beside it");
      }
      if (b == null) {
        throw error(a, "factor A has no factor B beside it");
      }
      if (a.shape().size() < 2
          || b.shape().size() < 2
          || b.shape().subList(2, b.shape().size()).stream().anyMatch(extent -> extent != 1)) {
        throw error(
            a,
            "has shape %s and its factor B %s; expected (r, n) and (m, r)"
                .formatted(a.shape(), b.shape()));
      }
      TensorInfo flatA = flattened(a);
      TensorInfo flatB = flattened(b);
      long rank = flatA.shape().get(0);
      if (flatB.shape().get(1) != rank) {
        throw error(
            a,
            "has shape %s and its factor B %s: the ranks %d and %d differ"
                .formatted(a.shape(), b.shape(), rank, flatB.shape().get(1)));
      }
      if (config.rankOf(module) != rank) {
        throw error(
            a,
            "has rank %d (shape %s), but %s says r = %d for this module"
                .formatted(rank, a.shape(), CONFIG, config.rankOf(module)));
      }
      // An embedding's B · A is (features, vocabulary), its weight (vocabulary, features).
      return new Delta(
          flatB, flatA, config.scaleOf(module), pair.embedding || config.fanInFanOut());
    }

    private static TensorInfo flattened(TensorInfo tensor) {
      if (tensor.shape().size() == 2) {
        return tensor;
      }
      long first = tensor.shape().get(0);
      long rest = first == 0 ? 0 : tensor.size() / first;
      return new TensorInfo(
          tensor.name(), tensor.dtype(), List.of(first, rest), tensor.file(), tensor.offset());
    }

    private CheckpointException error(@Nullable TensorInfo tensor, String problem) {
      return CheckpointException.at(
          file, "tensor %s: %s".formatted(quote(tensor == null ? "" : tensor.name()), problem));
    }
  }
}
