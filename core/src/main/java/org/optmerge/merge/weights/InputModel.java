package org.optmerge.merge.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
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

  private static final Pattern VOCABULARY =
      Pattern.compile(
          "(.*\\.)?(embed_tokens|wte|word_embeddings|tok_embeddings|embed_in|embed_out|shared|lm_head|output)\\.weight");

  private final String name;
  private final Checkpoint checkpoint;
  private final @Nullable AdapterFit fit;
  private final @Nullable InputModel under;
  private final ModelTensors tensors;
  private final boolean mayBeQuantised;
  private final Map<String, Path> folders;
  private final List<LoraAdapter> adapters;
  private @Nullable LayerNames layers;
  private final JsonNode config;
  private final boolean hasConfig;
  private final Map<String, String> tied;
  private final List<String> notices;

  /** A checkpoint. */
  public InputModel(String name, Checkpoint checkpoint) {
    this.name = name;
    this.checkpoint = checkpoint;
    this.fit = null;
    this.under = null;
    this.tensors = new ModelTensors.Stored(checkpoint);
    this.mayBeQuantised =
        checkpoint.tensors().stream().anyMatch(tensor -> !WEIGHTS.contains(tensor.dtype()));
    Optional<JsonNode> read = checkpoint.config();
    this.hasConfig = read.isPresent();
    this.config = read.orElseGet(JsonNodeFactory.instance::objectNode);
    this.tied = checkpoint.tied();
    this.folders = Map.of(name, checkpoint.folder());
    this.adapters = List.of();
    this.notices = List.of();
  }

  /** A model with an adapter on it. */
  public InputModel(String name, InputModel under, LoraAdapter adapter) {
    this(name, under, adapter, null);
  }

  /**
   * A model with an adapter on it.
   *
   * @param rename prefixes of the adapter's names and what they are in the model; null: a change of
   *     prefixes is looked for where the names differ
   */
  public InputModel(
      String name, InputModel under, LoraAdapter adapter, @Nullable Map<String, String> rename) {
    this.name = name;
    this.checkpoint = under.checkpoint;
    this.fit = new AdapterFit(under, adapter, rename);
    this.under = under;
    this.tensors = fit;
    this.mayBeQuantised = under.mayBeQuantised;
    this.config = under.config;
    this.hasConfig = under.hasConfig;
    this.tied = under.tied;
    Map<String, Path> all = new LinkedHashMap<>(under.folders);
    all.put(name, adapter.folder());
    this.folders = Collections.unmodifiableMap(all);
    List<LoraAdapter> stacked = new ArrayList<>(under.adapters);
    stacked.add(adapter);
    this.adapters = List.copyOf(stacked);
    this.notices = fit.notices();
  }

  /** A model under the names, and in the layout, of another one. */
  private InputModel(
      InputModel under,
      NameMapping mapping,
      Map<String, Fusion.Whole> wholes,
      Map<String, Fusion.Part> parts,
      List<String> notices) {
    this.name = under.name;
    this.checkpoint = under.checkpoint;
    this.fit = under.fit;
    this.under = null;
    this.tensors = new ModelTensors.Renamed(under, mapping, wholes, parts);
    this.mayBeQuantised = under.mayBeQuantised;
    this.config = under.config;
    this.hasConfig = under.hasConfig;
    Map<String, String> renamed = new LinkedHashMap<>();
    under.tied.forEach((head, it) -> renamed.put(mapping.apply(head), mapping.apply(it)));
    this.tied = Collections.unmodifiableMap(renamed);
    this.folders = under.folders;
    this.adapters = under.adapters;
    this.notices = notices;
  }

  /**
   * This model under the names of another: itself where they are the same, or where no change of
   * prefixes makes nearly all of them so.
   *
   * @param rename prefixes of this model's names and what they are in the other; null: looked for
   * @throws NameMapping.AmbiguousNamesException if two changes fit equally well
   */
  public InputModel named(InputModel reference, @Nullable Map<String, String> rename) {
    if (rename == null && names().equals(reference.names())) {
      return this;
    }
    Set<String> wanted = new LinkedHashSet<>(reference.names());
    wanted.addAll(reference.tied.keySet());
    Set<String> own = new LinkedHashSet<>(names());
    own.addAll(tied.keySet());
    NameMapping mapping =
        rename != null
            ? NameMapping.of(rename, own)
            : NameMapping.search(own, wanted, (mine, other) -> mayBe(mine, reference, other));
    InputModel renamed =
        mapping.isNone() ? this : new InputModel(this, mapping, Map.of(), Map.of(), List.of());
    Set<String> missing = new LinkedHashSet<>(reference.names());
    renamed.names().forEach(missing::remove);
    Set<String> more = new LinkedHashSet<>(renamed.names());
    more.removeAll(new HashSet<>(reference.names()));
    Map<String, Fusion.Whole> wholes = Map.of();
    Map<String, Fusion.Part> parts = Map.of();
    if (rename == null
        && !missing.isEmpty()
        && Fusion.isPlain(modelType())
        && Fusion.isPlain(reference.modelType())) {
      wholes = Fusion.wholes(missing, reference::shape, more, renamed::shape);
      parts = Fusion.parts(missing, reference::shape, more, renamed::shape);
    }
    if (mapping.isNone() && wholes.isEmpty() && parts.isEmpty()) {
      return this;
    }
    List<String> said = new ArrayList<>(notices);
    if (!mapping.isNone()) {
      said.add(
          "model '%s' has other names than '%s' for %d of its tensors: %s"
              .formatted(name, reference.name(), mapping.names().size(), mapping.describe()));
    }
    if (!wholes.isEmpty()) {
      said.add(
          "model '%s' stores in parts what '%s' stores as one tensor, such as '%s'"
              .formatted(name, reference.name(), wholes.keySet().iterator().next()));
    }
    if (!parts.isEmpty()) {
      said.add(
          "model '%s' stores as one tensor what '%s' stores in parts, such as '%s'"
              .formatted(name, reference.name(), parts.keySet().iterator().next()));
    }
    return new InputModel(this, mapping, wholes, parts, said);
  }

  /**
   * This model under the names of another, as {@link #named} finds them.
   *
   * @throws CheckpointException if two changes of prefixes fit equally well
   */
  public InputModel likeNamed(InputModel reference) {
    try {
      return named(reference, null);
    } catch (NameMapping.AmbiguousNamesException e) {
      throw new CheckpointException(
          "model '%s' has other names than '%s', and %s; save one of them under the other's names"
              .formatted(name, reference.name(), e.getMessage()),
          e);
    }
  }

  private List<Long> shape(String tensor) {
    return info(tensor)
        .or(() -> tiedTo(tensor).flatMap(this::info))
        .map(TensorInfo::shape)
        .orElse(List.of());
  }

  /** True if a tensor can be one of another model's: of its shape, or an embedding of its width. */
  private boolean mayBe(String own, InputModel reference, String other) {
    List<Long> mine = shape(own);
    List<Long> others = reference.shape(other);
    return mine.equals(others)
        || (mine.size() == 2
            && others.size() == 2
            && mine.get(1).equals(others.get(1))
            && VOCABULARY.matcher(other).matches());
  }

  /** As the recipe names it. */
  public String name() {
    return name;
  }

  /** The checkpoint that holds the tensors that no adapter changes. */
  public Checkpoint checkpoint() {
    return checkpoint;
  }

  /** The adapters on it, in their order. */
  public List<LoraAdapter> adapters() {
    return adapters;
  }

  /** Bytes of what adapters hold of a tensor beside its values, by the tensor that they change. */
  public Map<String, Long> changes() {
    return tensors.changes();
  }

  /** Findings about names, one sentence each. */
  public List<String> notices() {
    return notices;
  }

  /** {@code config.json} of the checkpoint, or an empty object if it has none that can be read. */
  public JsonNode config() {
    return config;
  }

  public boolean hasConfig() {
    return hasConfig;
  }

  /** {@code model_type} of {@code config.json}. */
  public Optional<String> modelType() {
    JsonNode type = config.path("model_type");
    return type.isTextual() ? Optional.of(type.asText()) : Optional.empty();
  }

  /** Output heads that are not stored, as an embedding serves for them. */
  public Set<String> tiedHeads() {
    return tied.keySet();
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
    return tensors.names();
  }

  /** The layers, found when first asked for. */
  public LayerNames layers() {
    LayerNames found = layers;
    if (found == null) {
      found = under != null ? under.layers() : new LayerNames(names());
      layers = found;
    }
    return found;
  }

  /** The tensor as stored, before any adapter; a replaced one as the adapter has it. */
  public Optional<TensorInfo> info(String tensor) {
    return tensors.info(tensor);
  }

  /** The tensor with every adapter applied. */
  public Optional<Weight> weight(String tensor) {
    return tensors.weight(tensor);
  }

  /**
   * The faults of the adapter on this model, one line each.
   *
   * @param adds whether it may hold whole tensors that the model does not have, such as a connector
   */
  public List<String> adapterProblems(boolean adds) {
    return fit == null ? List.of() : fit.problems(adds);
  }

  /** The folders that are read, by what they are. */
  public Map<String, Path> folders() {
    return folders;
  }
}
