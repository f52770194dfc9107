package org.optmerge.checkpoint;

import static org.optmerge.checkpoint.CheckpointException.quote;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.LoraAdapter.Delta;

/** Sorts the tensors of an adapter into factors, whole tensors, snapshots of the base, and rows. */
final class AdapterReading {
  /** PEFT wraps the base model twice; it is once where the inner model was saved. */
  private static final Pattern PREFIX = Pattern.compile("(base_model\\.model\\.)+|base_model\\.");

  /** PEFT leaves the adapter's name out when it saves, but some tools keep it. */
  private static final Pattern FACTOR =
      Pattern.compile(
          "(?<module>.+)\\.lora_(?:(?<linear>[AB])(?:\\.(?<name>[^.]+))?\\.weight"
              + "|embedding_(?<embedding>[AB])(?:\\.(?<other>[^.]+))?)");

  private static final Pattern MAGNITUDE =
      Pattern.compile("(?<module>.+)\\.lora_magnitude_vector(\\.[^.]+)?(\\.weight)?");

  private static final Pattern ROWS =
      Pattern.compile("(?<module>.+?)(\\.token_adapter)?\\.trainable_tokens_delta(\\.[^.]+)?");

  private static final Pattern SNAPSHOT =
      Pattern.compile("(?<module>.+?)(\\.token_adapter)?\\.base_layer\\.(?<name>weight|bias)");

  private static final Pattern SAVED = Pattern.compile("\\.modules_to_save(\\.default)?(?=\\.)");

  /** The base's own tensor beside one that is trained whole. */
  private static final Pattern ORIGINAL = Pattern.compile("\\.original_module(?=\\.)");

  /** Parts of names that belong to methods that are not known here, or to what cannot be added. */
  private static final Pattern STRANGE =
      Pattern.compile(".*\\.(lora_|ranknum|ia3_|hada_|lokr_|vera_|oft_|boft_|hra_|fourierft_).*");

  private final Path file;
  private final LoraConfig config;
  private final SortedMap<String, Pair> pairs = new TreeMap<>();
  private final SortedMap<String, TensorInfo> whole = new TreeMap<>();
  private final SortedMap<String, TensorInfo> bases = new TreeMap<>();
  private final SortedMap<String, TensorInfo> originals = new TreeMap<>();
  private final SortedMap<String, TensorInfo> rows = new TreeMap<>();
  private final SortedMap<String, TensorInfo> magnitudes = new TreeMap<>();
  private final Set<String> adapterNames = new TreeSet<>();
  private final List<TensorInfo> unknown = new ArrayList<>();

  /** An adapter's tensors by the names of the model that was adapted. */
  record Result(
      Map<String, Delta> deltas,
      Map<String, TensorInfo> replacements,
      Map<String, TensorInfo> snapshots,
      Map<String, LoraAdapter.Rows> rows,
      Map<String, TensorInfo> magnitudes,
      List<LoraAdapter.Stack> stacks) {
    Result {
      magnitudes = Collections.unmodifiableMap(magnitudes);
      stacks = List.copyOf(stacks);
      deltas = Collections.unmodifiableMap(deltas);
      replacements = Collections.unmodifiableMap(replacements);
      snapshots = Collections.unmodifiableMap(snapshots);
      rows = Collections.unmodifiableMap(rows);
    }
  }

  /** The factors of one module that have been seen. */
  private static final class Pair {
    @Nullable TensorInfo a;
    @Nullable TensorInfo b;
    boolean embedding;
  }

  AdapterReading(Path file, LoraConfig config) {
    this.file = file;
    this.config = config;
  }

  void add(TensorInfo tensor) {
    if (!tensor.dtype().isFloating()) {
      throw error(tensor, "holds %s, expected real numbers".formatted(tensor.dtype().torchName()));
    }
    String name = Wrappers.without(tensor.name());
    Matcher prefix = PREFIX.matcher(name);
    sort(tensor, prefix.lookingAt() ? Wrappers.without(name.substring(prefix.end())) : name);
  }

  private void sort(TensorInfo tensor, String name) {
    Matcher factor = FACTOR.matcher(name);
    Matcher row = ROWS.matcher(name);
    Matcher snapshot = SNAPSHOT.matcher(name);
    Matcher magnitude = MAGNITUDE.matcher(name);
    if (magnitude.matches()) {
      put(magnitudes, magnitude.group("module") + ".weight", tensor);
    } else if (factor.matches()) {
      addFactor(tensor, factor);
    } else if (row.matches()) {
      put(rows, row.group("module") + ".weight", tensor);
    } else if (snapshot.matches()) {
      put(bases, snapshot.group("module") + "." + snapshot.group("name"), tensor);
    } else if (ORIGINAL.matcher(name).find()) {
      put(originals, ORIGINAL.matcher(name).replaceFirst(""), tensor);
    } else if (STRANGE.matcher(name).matches()) {
      unknown.add(tensor);
    } else {
      put(whole, SAVED.matcher(name).replaceFirst(""), tensor);
    }
  }

  private void put(Map<String, TensorInfo> kind, String name, TensorInfo tensor) {
    if (kind.put(name, tensor) != null) {
      throw error(tensor, "replaces %s, as another tensor does".formatted(quote(name)));
    }
  }

  private void addFactor(TensorInfo tensor, Matcher factor) {
    Pair pair = pairs.computeIfAbsent(factor.group("module"), module -> new Pair());
    boolean embedding = factor.group("embedding") != null;
    String adapter = factor.group(embedding ? "other" : "name");
    adapterNames.add(adapter == null ? "" : adapter);
    if (adapterNames.size() > 1) {
      throw error(
          tensor,
          "the file holds factors of several adapters (%s), and nothing says which is meant; save each by itself"
              .formatted(
                  String.join(
                      ", ",
                      adapterNames.stream()
                          .map(it -> it.isEmpty() ? "without name" : it)
                          .toList())));
    }
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

  Result result() {
    originals.forEach(
        (name, tensor) -> {
          if (!whole.containsKey(name)) {
            unknown.add(tensor);
          }
        });
    if (!unknown.isEmpty()) {
      throw CheckpointException.at(
          file,
          "%s neither LoRA factors nor whole weights: %s"
              .formatted(
                  unknown.size() == 1 ? "1 tensor is" : unknown.size() + " tensors are",
                  String.join(
                          ", ",
                          unknown.stream().limit(3).map(tensor -> quote(tensor.name())).toList())
                      + (unknown.size() > 3 ? ", …" : "")));
    }
    if (pairs.isEmpty()
        && magnitudes.isEmpty()
        && whole.isEmpty()
        && rows.isEmpty()
        && bases.isEmpty()) {
      throw CheckpointException.at(file, "the adapter holds no tensor");
    }
    SortedMap<String, Delta> deltas = new TreeMap<>();
    List<LoraAdapter.Stack> stacks = new ArrayList<>();
    pairs.forEach(
        (module, pair) -> {
          String holder = module.replaceFirst("(\\.base_layer)+$", "");
          if (config.holdsTargetParameter(holder)) {
            stacks.add(stack(holder, pair));
            return;
          }
          String weight = module + ".weight";
          TensorInfo replacement = whole.get(weight);
          if (replacement != null) {
            throw error(
                replacement, "the adapter both replaces this weight and changes it by factors");
          }
          deltas.put(weight, delta(module, pair));
        });
    SortedMap<String, LoraAdapter.Rows> rowChanges = new TreeMap<>();
    rows.forEach((weight, tensor) -> rowChanges.put(weight, rows(weight, tensor)));
    // A base layer under nothing is what the adapter holds of it, such as a trained bias.
    SortedMap<String, TensorInfo> snapshots = new TreeMap<>();
    bases.forEach(
        (name, tensor) -> {
          if (deltas.containsKey(name) || rowChanges.containsKey(name)) {
            snapshots.put(name, tensor);
          } else {
            put(whole, name, tensor);
          }
        });
    magnitudes.forEach(
        (weight, tensor) -> {
          Delta delta = deltas.get(weight);
          if (delta == null || delta.embedding()) {
            throw error(
                tensor,
                "belongs to DoRA, but there are no factors of a linear layer beside it; merge it into its base first (peft: model.merge_and_unload().save_pretrained(FOLDER)) and give that folder");
          }
        });
    return new Result(deltas, whole, snapshots, rowChanges, magnitudes, stacks);
  }

  /** Factors of a stack of experts; which one of the module's it is, its shape says. */
  private LoraAdapter.Stack stack(String module, Pair pair) {
    TensorInfo a = pair.a;
    TensorInfo b = pair.b;
    if (a == null || b == null) {
      throw error(a == null ? b : a, "one of the factors A and B has no other beside it");
    }
    int rank = config.rankOf(module);
    if (a.shape().size() != 2
        || b.shape().size() != 2
        || !a.shape().get(0).equals(b.shape().get(1))
        || a.shape().get(0) % rank != 0) {
      throw error(
          a,
          "has shape %s and its factor B %s; expected (experts · %d, in) and (out, %d · experts)"
              .formatted(a.shape(), b.shape(), rank, rank));
    }
    return new LoraAdapter.Stack(module, a, b, a.shape().get(0) / rank, config.scaleOf(module));
  }

  private LoraAdapter.Rows rows(String weight, TensorInfo tensor) {
    String module = weight.substring(0, weight.lastIndexOf('.'));
    List<Integer> indices = config.tokenIndicesOf(module);
    if (tensor.shape().size() != 2 || tensor.shape().get(0) != indices.size()) {
      throw error(
          tensor,
          "has shape %s, but %s lists %d trainable_token_indices for this module"
              .formatted(tensor.shape(), LoraAdapter.CONFIG, indices.size()));
    }
    return new LoraAdapter.Rows(tensor, indices);
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
              .formatted(rank, a.shape(), LoraAdapter.CONFIG, config.rankOf(module)));
    }
    // An embedding's B · A is (features, vocabulary), its weight (vocabulary, features).
    return new Delta(
        flatB,
        flatA,
        config.scaleOf(module),
        pair.embedding || config.fanInFanOut(),
        pair.embedding);
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
    Path at = tensor == null ? file : tensor.file();
    return CheckpointException.at(
        at, "tensor %s: %s".formatted(quote(tensor == null ? "" : tensor.name()), problem));
  }
}
