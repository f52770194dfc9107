package org.optmerge.merge.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.taskvector.Weight;

/**
 * An input as the merge sees it: a checkpoint, perhaps with an adapter on it.
 *
 * <p>Two entries of a recipe that name the same files share one instance.
 */
public final class InputModel {
  /** Types that hold weights as they are; a checkpoint of only these has nothing quantised. */
  private static final Set<DType> WEIGHTS = EnumSet.of(DType.F64, DType.F32, DType.F16, DType.BF16);

  private final String name;
  private final Checkpoint checkpoint;
  private final @Nullable LoraAdapter adapter;
  private final @Nullable InputModel under;
  private final List<String> names;
  private final boolean mayBeQuantised;
  private @Nullable LayerNames layers;
  private final JsonNode config;
  private final boolean hasConfig;
  private final Map<String, String> tied;

  /** A checkpoint. */
  public InputModel(String name, Checkpoint checkpoint) {
    this.name = name;
    this.checkpoint = checkpoint;
    this.adapter = null;
    this.under = null;
    this.names = checkpoint.tensors().stream().map(TensorInfo::name).toList();
    this.mayBeQuantised =
        checkpoint.tensors().stream().anyMatch(tensor -> !WEIGHTS.contains(tensor.dtype()));
    Optional<JsonNode> read = checkpoint.config();
    this.hasConfig = read.isPresent();
    this.config = read.orElseGet(JsonNodeFactory.instance::objectNode);
    this.tied = checkpoint.tied();
  }

  /** A model with an adapter on it. */
  public InputModel(String name, InputModel under, LoraAdapter adapter) {
    this.name = name;
    this.checkpoint = under.checkpoint;
    this.adapter = adapter;
    this.under = under;
    List<String> all = new ArrayList<>(under.names);
    adapter.replacements().keySet().stream()
        .filter(replaced -> under.info(replaced).isEmpty())
        .forEach(all::add);
    this.names = List.copyOf(all);
    this.mayBeQuantised = under.mayBeQuantised;
    this.config = under.config;
    this.hasConfig = under.hasConfig;
    this.tied = under.tied;
  }

  /** As the recipe names it. */
  public String name() {
    return name;
  }

  /** The checkpoint that holds the tensors that no adapter changes. */
  public Checkpoint checkpoint() {
    return checkpoint;
  }

  public @Nullable LoraAdapter adapter() {
    return adapter;
  }

  /** {@code config.json} of the checkpoint, or an empty object if it has none that can be read. */
  public JsonNode config() {
    return config;
  }

  public boolean hasConfig() {
    return hasConfig;
  }

  /** The embedding that serves for an output head that is not stored. */
  public Optional<String> tiedTo(String head) {
    return Optional.ofNullable(tied.get(head));
  }

  /** The reason why a tensor must not be averaged with others; empty if it may be. */
  public Optional<String> whyNotMergeable(TensorInfo tensor) {
    if (!mayBeQuantised && WEIGHTS.contains(tensor.dtype())) {
      return Optional.empty();
    }
    return checkpoint
        .find(tensor.name())
        .filter(tensor::equals)
        .flatMap(checkpoint::whyNotMergeable);
  }

  /** All tensors, in the order of the checkpoint, then those that only the adapter has. */
  public List<String> names() {
    return names;
  }

  /** The layers, found when first asked for. */
  public LayerNames layers() {
    LayerNames found = layers;
    if (found == null) {
      found = under != null ? under.layers() : new LayerNames(names);
      layers = found;
    }
    return found;
  }

  /** The tensor as stored, before any adapter; a replaced one as the adapter has it. */
  public Optional<TensorInfo> info(String tensor) {
    if (adapter != null && under != null) {
      TensorInfo replacement = adapter.replacements().get(tensor);
      return replacement != null ? Optional.of(replacement) : under.info(tensor);
    }
    return checkpoint.find(tensor);
  }

  /** The tensor with every adapter applied. */
  public Optional<Weight> weight(String tensor) {
    if (adapter == null || under == null) {
      return checkpoint.find(tensor).map(info -> new Weight.Stored(checkpoint, info));
    }
    LoraAdapter changes = adapter;
    TensorInfo replacement = changes.replacements().get(tensor);
    if (replacement != null) {
      return Optional.of(new Weight.Stored(changes.tensors(), replacement));
    }
    LoraAdapter.Delta delta = changes.deltas().get(tensor);
    Optional<Weight> below = under.weight(tensor);
    return delta == null ? below : below.map(weight -> new Weight.Adapted(weight, changes, delta));
  }

  /**
   * The faults of the adapter on this model, one line each.
   *
   * @param adds whether it may hold whole tensors that the model does not have, such as a connector
   */
  public List<String> adapterProblems(boolean adds) {
    List<String> problems = new ArrayList<>();
    if (adapter == null || under == null) {
      return problems;
    }
    for (Map.Entry<String, LoraAdapter.Delta> entry : adapter.deltas().entrySet()) {
      Optional<TensorInfo> target = under.info(entry.getKey());
      if (target.isEmpty()) {
        problems.add(
            "adapter '%s' changes tensor '%s', which '%s' does not have"
                .formatted(adapter.folder(), entry.getKey(), under.name()));
      } else if (!fits(entry.getValue(), target.get().shape())) {
        problems.add(
            "adapter '%s': the change of tensor '%s' is %s, '%s' has shape %s"
                .formatted(
                    adapter.folder(),
                    entry.getKey(),
                    entry.getValue().shape(),
                    under.name(),
                    target.get().shape()));
      }
    }
    for (String replaced : adapter.replacements().keySet()) {
      if (!adds && under.info(replaced).isEmpty()) {
        problems.add(
            "adapter '%s' replaces tensor '%s', which '%s' does not have; 'extra: union' adds it"
                .formatted(adapter.folder(), replaced, under.name()));
      }
    }
    return problems;
  }

  /** A convolution's change has all extents but the first in one. */
  private static boolean fits(LoraAdapter.Delta delta, List<Long> shape) {
    if (shape.isEmpty()) {
      return false;
    }
    long columns = shape.stream().skip(1).reduce(1L, Math::multiplyExact);
    return delta.shape().equals(List.of(shape.get(0), columns));
  }

  /** The folders that are read, by what they are. */
  public Map<String, Path> folders() {
    Map<String, Path> folders = new LinkedHashMap<>();
    if (under != null) {
      folders.putAll(under.folders());
    }
    folders.put(name, adapter == null ? checkpoint.folder() : adapter.folder());
    return folders;
  }
}
