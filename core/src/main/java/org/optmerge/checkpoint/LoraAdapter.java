package org.optmerge.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A PEFT LoRA adapter folder: {@code adapter_config.json}, {@code adapter_model.safetensors}, and
 * other safetensors files beside it, which trainers write for what they train whole.
 *
 * <p>Names are those of the model that was adapted, without the wrappers that PEFT and trainers put
 * around it. That model may have another layout of names than the base that a recipe names.
 *
 * @see <a href="https://arxiv.org/abs/2106.09685">Hu et al., LoRA, ICLR 2022, section 4.1</a>
 * @see <a href="https://arxiv.org/abs/2312.03732">Kalajdzievski, rank-stabilised LoRA</a>
 */
public final class LoraAdapter implements AutoCloseable {
  static final String CONFIG = "adapter_config.json";

  private static final String WEIGHTS = "adapter_model.safetensors";

  /**
   * The change of one weight, ΔW = scale · B · A (transposed if {@code fanInFanOut}).
   *
   * <p>For a convolution, A is flattened to two dimensions, and ΔW has the base's values in the
   * base's order with all but the first extent flattened into one.
   *
   * @param b shape (m, r)
   * @param a shape (r, n)
   * @param scale α/r, or α/√r for rank-stabilised LoRA, with the patterns applied
   * @param fanInFanOut true if the weight is stored as (n, m), so that ΔW must be transposed:
   *     always so for an embedding, else as the configuration says, which has one word for all
   *     modules
   * @param embedding true for the factors of an embedding
   */
  public record Delta(
      TensorInfo b, TensorInfo a, double scale, boolean fanInFanOut, boolean embedding) {
    public Delta {
      if (b.shape().size() != 2
          || a.shape().size() != 2
          || !b.shape().get(1).equals(a.shape().get(0))) {
        throw new IllegalArgumentException(
            "B must be (m, r) and A (r, n), are %s and %s".formatted(b.shape(), a.shape()));
      }
    }

    /** The same factors for a weight that is stored the other way round, or not. */
    public Delta transposed(boolean transposed) {
      return new Delta(b, a, scale, transposed, embedding);
    }

    /** The change of some outputs of the module only: rows of B. */
    public Delta rows(long first, long count) {
      long rank = b.shape().get(1);
      TensorInfo part =
          new TensorInfo(
              b.name(),
              b.dtype(),
              List.of(count, rank),
              b.file(),
              b.offset() + Math.multiplyExact(first * rank, b.dtype().bytes()));
      return new Delta(part, a, scale, fanInFanOut, embedding);
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

  /**
   * Rows of an embedding that replace the base's ({@code trainable_token_indices}).
   *
   * @param values shape (number of indices, columns)
   * @param indices which rows
   */
  public record Rows(TensorInfo values, List<Integer> indices) {
    public Rows {
      indices = List.copyOf(indices);
    }
  }

  /**
   * The change of a stack of experts ({@code target_parameters}), which the file names by the
   * module that holds it and not by itself.
   *
   * @param module that holds the stack
   * @param a shape (experts · rank, in)
   * @param b shape (out, rank · experts)
   * @param experts how many
   * @param scale α/r, or α/√r for rank-stabilised LoRA
   */
  public record Stack(String module, TensorInfo a, TensorInfo b, long experts, double scale) {}

  private final Path folder;
  private final Checkpoint tensors;
  private final LoraConfig config;
  private final AdapterReading.Result content;
  private final List<SideFile> sideFiles;

  private LoraAdapter(
      Path folder,
      Checkpoint tensors,
      LoraConfig config,
      AdapterReading.Result content,
      List<SideFile> sideFiles) {
    this.folder = folder;
    this.tensors = tensors;
    this.config = config;
    this.content = content;
    this.sideFiles = List.copyOf(sideFiles);
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
    CheckpointFiles files = CheckpointFiles.ofAdapter(folder, weights);
    Checkpoint tensors = Checkpoint.open(files);
    try {
      AdapterReading reading = new AdapterReading(weights, read);
      tensors.tensors().forEach(reading::add);
      return new LoraAdapter(folder, tensors, read, reading.result(), files.side());
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
   * Low-rank changes by the name of the weight in the model that was adapted, such as {@code
   * model.layers.0.mlp.up_proj.weight}; sorted.
   */
  public Map<String, Delta> deltas() {
    return content.deltas();
  }

  /**
   * Whole tensors that replace the base's ({@code modules_to_save}, biases, a grown vocabulary,
   * what other files hold), by name in the model that was adapted; sorted.
   */
  public Map<String, TensorInfo> replacements() {
    return content.replacements();
  }

  /**
   * Weights under factors as the adapter has them ({@code base_layer}), by name in the model that
   * was adapted; sorted. PEFT saves those of embeddings and heads that are adapted.
   */
  public Map<String, TensorInfo> snapshots() {
    return content.snapshots();
  }

  /** Rows that replace the base's, by name in the model that was adapted; sorted. */
  public Map<String, Rows> rows() {
    return content.rows();
  }

  /** DoRA's norms of outputs, by name of the weight in the model that was adapted; sorted. */
  public Map<String, TensorInfo> magnitudes() {
    return content.magnitudes();
  }

  /** Changes of stacks of experts. */
  public List<Stack> stacks() {
    return content.stacks();
  }

  /** True if the configuration says that bias vectors were trained, and the adapter holds none. */
  public boolean lacksBiases() {
    return config.bias()
        && content.replacements().keySet().stream().noneMatch(name -> name.endsWith("bias"));
  }

  /** What else in the folder holds weights, and is not read; sorted. */
  public List<SideFile> sideFiles() {
    return sideFiles;
  }

  /** The reasons why the folder cannot be used: files of weights that would be left out. */
  public List<String> sideProblems() {
    return sideFiles.stream().flatMap(file -> problem(file).stream()).toList();
  }

  private Optional<String> problem(SideFile file) {
    return switch (file.kind()) {
      case MODEL ->
          Optional.of(
              "adapter '%s': %s is a whole model beside an adapter, so it is not clear which is meant; move one of them to a folder of its own"
                  .formatted(folder, file.file()));
      case UNREADABLE ->
          Optional.of(
              "adapter '%s': %s may hold trained weights and is not read%s; or move it out of the folder if it is no part of the adapter"
                  .formatted(folder, file.file(), conversion(file.file())));
      default -> Optional.empty();
    };
  }

  private static String conversion(Path file) {
    String name = file.toString();
    int dot = name.lastIndexOf('.');
    String stem = dot > 0 ? name.substring(0, dot) : name;
    return name.toLowerCase(Locale.ROOT).matches(".*\\.(bin|pt|pth|ckpt|pkl|pickle)") || dot < 0
        ? ": as a pickle it can run code when it is read; "
            + CheckpointFiles.CONVERT
                .replace("FILE", "'%s'".formatted(name))
                .replace(CheckpointFiles.SINGLE, stem + ".safetensors")
        : ": convert it to %s.safetensors in the same folder".formatted(stem);
  }

  /** The checkpoint that holds the factors and replacements. */
  public Checkpoint tensors() {
    return tensors;
  }

  @Override
  public void close() {
    tensors.close();
  }
}
