package org.optmerge.merge.weights;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.LoraAdapter.Delta;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.taskvector.Weight;

/**
 * An adapter on a model: its tensors by the model's names, each the right way round, or the reasons
 * why it does not fit.
 */
final class AdapterFit implements ModelTensors {
  /** Modules of GPT-2 and its relatives that store their weight as (in, out). */
  private static final Pattern CONV1D =
      Pattern.compile(".*\\.(c_attn|c_proj|c_fc|q_attn)\\.weight");

  private static final Set<String> CONV1D_FAMILIES =
      Set.of("gpt2", "openai-gpt", "imagegpt", "decision_transformer", "clvp");

  private static final Pattern EMBEDDING =
      Pattern.compile(
          "(.*\\.)?(embed_tokens|wte|word_embeddings|tok_embeddings|embed_in|shared)\\.weight");

  private static final Pattern HEAD =
      Pattern.compile("(.*\\.)?(lm_head|output|embed_out)\\.weight");

  private final InputModel under;
  private final LoraAdapter adapter;
  private final NameMapping mapping;
  private final List<String> problems = new ArrayList<>();
  private final List<String> notices = new ArrayList<>();

  /** Whole tensors that the model does not have, which are faults unless they may be added. */
  private final List<String> unknown = new ArrayList<>();

  private final Map<String, TensorInfo> infos = new LinkedHashMap<>();
  private final Map<String, Weight> weights = new LinkedHashMap<>();
  private final Map<String, Long> changes = new LinkedHashMap<>();
  private final List<String> names;

  AdapterFit(InputModel under, LoraAdapter adapter, @Nullable Map<String, String> rename) {
    this.under = under;
    this.adapter = adapter;
    this.mapping = mapping(rename);
    changes.putAll(under.changes());
    adapter.replacements().forEach(this::replace);
    adapter.deltas().forEach(this::change);
    adapter.rows().forEach(this::replaceRows);
    adapter.stacks().forEach(this::changeStack);
    if (adapter.lacksBiases()) {
      notices.add(
          "adapter '%s': its configuration says that biases were trained, and it holds none; PEFT leaves those of adapted layers out under 'bias: lora_only'"
              .formatted(adapter.folder()));
    }
    if (!mapping.isNone()) {
      notices.add(
          "adapter '%s' has other names than '%s': %s"
              .formatted(adapter.folder(), under.name(), mapping.describe()));
    }
    Set<String> all = new LinkedHashSet<>(under.names());
    all.addAll(weights.keySet());
    names = List.copyOf(all);
  }

  // ---- names

  private Set<String> ownNames() {
    Set<String> own = new LinkedHashSet<>(adapter.deltas().keySet());
    own.addAll(adapter.replacements().keySet());
    own.addAll(adapter.rows().keySet());
    return own;
  }

  private NameMapping mapping(@Nullable Map<String, String> rename) {
    Set<String> own = ownNames();
    if (rename != null) {
      return NameMapping.of(rename, own);
    }
    Set<String> reference = new LinkedHashSet<>(under.names());
    reference.addAll(under.tiedHeads());
    try {
      return NameMapping.search(own, reference, this::mayBe);
    } catch (NameMapping.AmbiguousNamesException e) {
      problems.add(
          "adapter '%s': %s; say which with 'rename:'".formatted(adapter.folder(), e.getMessage()));
      return NameMapping.NONE;
    }
  }

  private boolean mayBe(String own, String name) {
    List<Long> shape = shapeOf(name);
    Delta delta = adapter.deltas().get(own);
    if (delta != null) {
      List<Long> flat = flat(shape);
      return flat.equals(delta.transposed(false).shape())
          || flat.equals(delta.transposed(true).shape());
    }
    TensorInfo whole = adapter.replacements().get(own);
    List<Long> extents =
        whole != null
            ? whole.shape()
            : Optional.ofNullable(adapter.rows().get(own))
                .map(rows -> rows.values().shape())
                .orElse(List.of());
    return extents.equals(shape) || hasColumnsOf(extents, shape);
  }

  private List<Long> shapeOf(String name) {
    return under
        .info(name)
        .or(() -> under.tiedTo(name).flatMap(under::info))
        .map(TensorInfo::shape)
        .orElse(List.of());
  }

  private static boolean hasColumnsOf(List<Long> own, List<Long> shape) {
    return own.size() == 2 && shape.size() == 2 && own.get(1).equals(shape.get(1));
  }

  /** A convolution's change has all extents but the first in one. */
  private static List<Long> flat(List<Long> shape) {
    return shape.size() < 2
        ? shape
        : List.of(shape.get(0), shape.stream().skip(1).reduce(1L, Math::multiplyExact));
  }

  // ---- whole tensors

  private void replace(String own, TensorInfo tensor) {
    String name = alias(mapping.apply(own));
    Weight.Stored whole = new Weight.Stored(adapter.tensors(), tensor);
    Optional<TensorInfo> base = under.info(name);
    if (base.isEmpty()) {
      if (under.tiedTo(name).isEmpty()) {
        unknown.add(name);
      }
    } else if (!base.get().shape().equals(tensor.shape())) {
      if (!hasColumnsOf(tensor.shape(), base.get().shape())) {
        problems.add(
            "adapter '%s': tensor '%s' has shape %s, '%s' has %s"
                .formatted(
                    adapter.folder(),
                    tensor.name(),
                    tensor.shape(),
                    under.name(),
                    base.get().shape()));
        return;
      }
      if (isNewRows(tensor, base.get())) {
        addRows(name, tensor, base.get());
        return;
      }
    }
    infos.put(name, tensor);
    weights.put(name, whole);
  }

  /** Rows for new tokens lie in a file of their own, and are few beside the vocabulary. */
  private boolean isNewRows(TensorInfo tensor, TensorInfo base) {
    boolean beside = !tensor.file().equals(adapter.tensors().weightFiles().get(0));
    return beside && 2 * tensor.shape().get(0) < base.shape().get(0);
  }

  private void addRows(String name, TensorInfo tensor, TensorInfo base) {
    long rows = base.shape().get(0) + tensor.shape().get(0);
    List<Long> shape = List.of(rows, base.shape().get(1));
    under
        .weight(name)
        .ifPresent(
            weight -> {
              infos.put(
                  name,
                  new TensorInfo(base.name(), base.dtype(), shape, base.file(), base.offset()));
              weights.put(
                  name,
                  new Weight.Joined(
                      List.of(weight, new Weight.Stored(adapter.tensors(), tensor)), shape));
            });
    notices.add(
        "adapter '%s': the %d rows of '%s' come after the %d of '%s' in '%s'"
            .formatted(
                adapter.folder(),
                tensor.shape().get(0),
                tensor.name(),
                base.shape().get(0),
                name,
                under.name()));
  }

  /** Some serving programs name new rows by what they are for. */
  private String alias(String name) {
    String bare = name.endsWith(".weight") ? name.substring(0, name.length() - 7) : name;
    Pattern kind =
        bare.equals("input_embeddings")
            ? EMBEDDING
            : bare.equals("output_embeddings") ? HEAD : null;
    if (kind == null) {
      return name;
    }
    List<String> found =
        under.names().stream().filter(candidate -> kind.matcher(candidate).matches()).toList();
    return found.size() == 1 ? found.get(0) : name;
  }

  // ---- low-rank changes

  private void change(String own, Delta delta) {
    String name = mapping.apply(own);
    TensorInfo snapshot = adapter.snapshots().get(own);
    TensorInfo base = snapshot != null ? snapshot : under.info(name).orElse(null);
    Optional<Weight> below = below(name, snapshot);
    if (base == null || below.isEmpty()) {
      changeTiedOrFused(own, name, delta);
      return;
    }
    oriented(name, delta, base.shape())
        .ifPresent(
            fitting -> {
              if (snapshot != null) {
                infos.put(name, snapshot);
              }
              Weight changed = new Weight.Adapted(below.get(), adapter, fitting);
              put(name, rescaled(own, changed, fitting), delta);
            });
  }

  /** With DoRA's norms, if the adapter has them for the weight. */
  private Weight rescaled(String own, Weight changed, Delta delta) {
    TensorInfo magnitude = adapter.magnitudes().get(own);
    if (magnitude == null) {
      return changed;
    }
    long outputs = delta.b().shape().get(0);
    if (magnitude.size() != outputs) {
      problems.add(
          "adapter '%s': tensor '%s' has %d entries, the layer has %d outputs"
              .formatted(adapter.folder(), magnitude.name(), magnitude.size(), outputs));
    }
    return new Weight.Rescaled(
        changed, new Weight.Stored(adapter.tensors(), magnitude), delta.fanInFanOut());
  }

  // ---- stacks of experts

  /** Finds the stack of a module that a change fits, as the file does not name it. */
  private void changeStack(LoraAdapter.Stack stack) {
    String module = mapping.apply(stack.module());
    List<Long> inOut = List.of(stack.experts(), stack.a().shape().get(1), stack.b().shape().get(0));
    List<Long> outIn = List.of(stack.experts(), stack.b().shape().get(0), stack.a().shape().get(1));
    List<String> fitting =
        under.names().stream()
            .filter(name -> name.startsWith(module + "."))
            .filter(name -> shapeOf(name).equals(inOut) || shapeOf(name).equals(outIn))
            .filter(name -> !changes.containsKey(name))
            .toList();
    if (fitting.size() != 1 || inOut.equals(outIn)) {
      problems.add(
          "adapter '%s': the change of experts %s fits %s of '%s' in '%s'; merge it into its base first (peft: model.merge_and_unload().save_pretrained(FOLDER)) and give that folder"
              .formatted(
                  adapter.folder(),
                  inOut,
                  fitting.isEmpty()
                      ? "no tensor"
                      : fitting.size() > 1 ? "several tensors" : "either way round a tensor",
                  module,
                  under.name()));
      return;
    }
    String name = fitting.get(0);
    Weight below = under.weight(name).orElseThrow();
    weights.put(
        name,
        new Weight.Stack(
            below,
            new Weight.Stored(adapter.tensors(), stack.a()),
            new Weight.Stored(adapter.tensors(), stack.b()),
            stack.scale(),
            !shapeOf(name).equals(inOut)));
    changes.merge(name, stack.a().bytes() + stack.b().bytes(), Long::sum);
  }

  // ---- the weight under a change

  /**
   * The weight under a change: the adapter's own copy of it if there is one, which counts where a
   * vocabulary was resized. A copy of the checkpoint's says nothing of an adapter between.
   */
  private Optional<Weight> below(String name, @Nullable TensorInfo snapshot) {
    Optional<Weight> below = under.weight(name);
    if (snapshot == null) {
      return below;
    }
    Weight.Stored copy = new Weight.Stored(adapter.tensors(), snapshot);
    boolean between =
        below.isPresent()
            && !(below.get() instanceof Weight.Stored)
            && below.get().stored().hasBytesOf(copy);
    return between ? below : Optional.of(copy);
  }

  private void put(String name, Weight weight, Delta delta) {
    weights.put(name, weight);
    changes.merge(name, delta.a().bytes() + delta.b().bytes(), Long::sum);
  }

  private void changeTiedOrFused(String own, String name, Delta delta) {
    if (adapter.magnitudes().containsKey(own)) {
      problems.add(
          "adapter '%s': DoRA of '%s', which '%s' does not store as it is; merge it into its base first (peft: model.merge_and_unload().save_pretrained(FOLDER)) and give that folder"
              .formatted(adapter.folder(), name, under.name()));
      return;
    }
    Optional<String> embedding = under.tiedTo(name);
    if (embedding.isPresent()) {
      TensorInfo base = under.info(embedding.get()).orElseThrow();
      Weight below = under.weight(embedding.get()).orElseThrow();
      oriented(name, delta, base.shape())
          .ifPresent(
              fitting -> {
                infos.put(name, base);
                put(name, new Weight.Adapted(below, adapter, fitting), delta);
              });
      return;
    }
    Optional<FusedChange> fused = FusedChange.find(under, name, delta);
    if (fused.isPresent()) {
      fused
          .get()
          .weights(this::current, adapter)
          .forEach((target, weight) -> put(target, weight, delta));
      return;
    }
    unknown.add(name);
    problems.add(
        "adapter '%s' changes tensor '%s', which '%s' does not have"
            .formatted(adapter.folder(), name, under.name()));
  }

  private Optional<Weight> current(String name) {
    Weight changed = weights.get(name);
    return changed != null ? Optional.of(changed) : under.weight(name);
  }

  /** The change the way round in which the weight is stored; a problem if neither way fits. */
  private Optional<Delta> oriented(String name, Delta delta, List<Long> shape) {
    List<Long> flat = flat(shape);
    boolean straight = flat.equals(delta.transposed(false).shape());
    boolean transposed = flat.equals(delta.transposed(true).shape());
    if (!straight && !transposed) {
      problems.add(
          "adapter '%s': the change of tensor '%s' is %s, '%s' has shape %s"
              .formatted(adapter.folder(), name, delta.shape(), under.name(), shape));
      return Optional.empty();
    }
    if (straight && transposed) {
      return square(name, delta);
    }
    return Optional.of(delta.transposed(transposed));
  }

  /**
   * A square weight does not say which way round it is; its family does, or the other modules of
   * its name. PEFT's one flag for all modules is what the last of them left behind.
   */
  private Optional<Delta> square(String name, Delta delta) {
    if (delta.embedding()) {
      return Optional.of(delta.transposed(true));
    }
    if (!CONV1D.matcher(name).matches()) {
      // Every other module that PEFT adapts stores (out, in); it turns the flag off while loading.
      return Optional.of(delta.transposed(false));
    }
    Optional<String> family = under.modelType();
    Boolean known = family.map(CONV1D_FAMILIES::contains).orElseGet(this::byOtherModules);
    if (known == null && !delta.fanInFanOut()) {
      problems.add(
          "adapter '%s': tensor '%s' is square, and nothing says whether it is stored as (in, out); add a config.json with its model_type to '%s'"
              .formatted(adapter.folder(), name, under.name()));
      return Optional.empty();
    }
    return Optional.of(delta.transposed(known == null || known));
  }

  /** Whether modules of such names are stored as (in, out), by those that are not square. */
  private @Nullable Boolean byOtherModules() {
    for (Map.Entry<String, Delta> entry : adapter.deltas().entrySet()) {
      String name = mapping.apply(entry.getKey());
      Delta delta = entry.getValue();
      if (CONV1D.matcher(name).matches()
          && !delta.transposed(false).shape().equals(delta.transposed(true).shape())) {
        return flat(shapeOf(name)).equals(delta.transposed(true).shape());
      }
    }
    return null;
  }

  // ---- rows

  private void replaceRows(String own, LoraAdapter.Rows rows) {
    String name = mapping.apply(own);
    TensorInfo snapshot = adapter.snapshots().get(own);
    Optional<Weight> below = below(name, snapshot);
    if (below.isEmpty()) {
      unknown.add(name);
      problems.add(
          "adapter '%s' replaces rows of tensor '%s', which '%s' does not have"
              .formatted(adapter.folder(), name, under.name()));
      return;
    }
    List<Long> shape = below.get().shape();
    int highest = rows.indices().stream().mapToInt(Integer::intValue).max().orElse(0);
    if (!hasColumnsOf(rows.values().shape(), shape) || highest >= shape.get(0)) {
      problems.add(
          "adapter '%s': rows up to %d of shape %s do not fit tensor '%s' of '%s', which has %s"
              .formatted(
                  adapter.folder(), highest, rows.values().shape(), name, under.name(), shape));
      return;
    }
    if (snapshot != null) {
      infos.put(name, snapshot);
    }
    Weight.Stored values = new Weight.Stored(adapter.tensors(), rows.values());
    Weight changed = weights.getOrDefault(name, below.get());
    weights.put(name, new Weight.WithRows(changed, values, rows.indices()));
    changes.merge(name, rows.values().bytes(), Long::sum);
  }

  // ---- the outcome

  /**
   * The faults, one line each.
   *
   * @param adds whether it may hold whole tensors that the model does not have, such as a connector
   */
  List<String> problems(boolean adds) {
    List<String> all = new ArrayList<>(adapter.sideProblems());
    int own = ownNames().size();
    if (2 * unknown.size() > own && !(adds && problems.isEmpty())) {
      all.add(
          "adapter '%s': %d of the %d tensors that it changes are not in '%s', such as '%s'; it is for another model, or for this one under names that no change of prefixes explains: 'rename:' says which prefix is which"
              .formatted(adapter.folder(), unknown.size(), own, under.name(), unknown.get(0)));
      problems.stream().filter(problem -> problem.contains("fit in two ways")).forEach(all::add);
      return all;
    }
    all.addAll(problems);
    if (!adds) {
      for (String name : unknown) {
        if (weights.containsKey(name)) {
          all.add(
              "adapter '%s' replaces tensor '%s', which '%s' does not have; 'extra: union' adds it"
                  .formatted(adapter.folder(), name, under.name()));
        }
      }
    }
    return all;
  }

  List<String> notices() {
    return notices;
  }

  @Override
  public List<String> names() {
    return names;
  }

  @Override
  public Optional<TensorInfo> info(String tensor) {
    TensorInfo own = infos.get(tensor);
    return own != null ? Optional.of(own) : under.info(tensor);
  }

  @Override
  public Optional<Weight> weight(String tensor) {
    return current(tensor);
  }

  @Override
  public Map<String, Long> changes() {
    return Collections.unmodifiableMap(changes);
  }
}
