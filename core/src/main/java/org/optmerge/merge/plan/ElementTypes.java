package org.optmerge.merge.plan;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.recipe.RecipeException;
import org.optmerge.merge.weights.InputModel;
import org.optmerge.method.DoubleMerge;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.NamedMethod;
import org.optmerge.taskvector.Weight;

/** The element types that a merge computes in and writes, and those of its inputs that differ. */
final class ElementTypes {
  /** Entries looked at where a type differs, to show what the numbers are like. */
  private static final int SAMPLE = 4096;

  /** Methods that gave the base's type in mergekit 0.1.4, whatever the others' were. */
  private static final Set<String> CASTING_BEFORE_0_1_5 =
      Set.of(
          "slerp",
          "task_arithmetic",
          "ties",
          "dare_ties",
          "dare_linear",
          "breadcrumbs",
          "breadcrumbs_ties",
          "della",
          "della_linear");

  private record Difference(InputModel model, TensorInfo own, InputModel base, TensorInfo ofBase) {}

  private final Recipe recipe;
  private final NamedMethod named;
  private final MergeMethod method;
  private final Map<String, Difference> differences = new TreeMap<>();
  private final Map<InputModel, DType> ownTypes = new HashMap<>();
  private final SortedSet<String> keptWider = new TreeSet<>();
  private boolean inFloat32;
  private boolean inHalf;

  ElementTypes(Recipe recipe, NamedMethod named, MergeMethod method) {
    this.recipe = recipe;
    this.named = named;
    this.method = method;
  }

  private boolean isMergekit() {
    return named.origin() == NamedMethod.Origin.MERGEKIT;
  }

  /**
   * The one element type that the recipe gives the output; null if each tensor has that of its
   * inputs.
   */
  @Nullable DType output() {
    Recipe.Located<DType> out = recipe.outDtype();
    if (out != null) {
      return out.value();
    }
    // In mergekit dtype is the output's too; in recipes of this project it is the arithmetic's.
    Recipe.Located<DType> dtype = recipe.dtype();
    return dtype != null && isMergekit() ? dtype.value() : null;
  }

  /**
   * The element type of an output tensor.
   *
   * @param info the reference's tensor
   * @param common the type that all inputs have in common
   */
  DType output(InputModel reference, TensorInfo info, DType common) {
    Recipe.Located<DType> out = recipe.outDtype();
    DType given = output();
    if (given == null) {
      return isMergekit() ? common : info.dtype();
    }
    if (isKeptWider(reference, info) && isNarrower(given, info.dtype())) {
      keptWider.add(info.name());
      if (out == null) {
        return info.dtype();
      }
    }
    return given;
  }

  /** The element type of a tensor of one model that is not merged. */
  DType output(InputModel model, TensorInfo info) {
    return output(model, info, info.dtype());
  }

  /** True if a model keeps a tensor in a wider type than most of its weights. */
  private boolean isKeptWider(InputModel model, TensorInfo info) {
    return isNarrower(ownTypes.computeIfAbsent(model, ElementTypes::ownType), info.dtype());
  }

  /** The type of a model: as its configuration says, or the one of most of its numbers. */
  static DType ownType(InputModel model) {
    for (String key : List.of("torch_dtype", "dtype")) {
      JsonNode said = model.config().findValue(key);
      Optional<DType> type =
          said == null || !said.isTextual() ? Optional.empty() : DType.ofTorch(said.asText());
      if (type.isPresent() && isWeight(type.get())) {
        return type.get();
      }
    }
    Map<DType, Long> numbers = new EnumMap<>(DType.class);
    for (String name : model.names()) {
      model
          .info(name)
          .filter(info -> isWeight(info.dtype()))
          .ifPresent(info -> numbers.merge(info.dtype(), info.size(), Long::sum));
    }
    return numbers.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse(DType.F32);
  }

  private static boolean isWeight(DType type) {
    return type == DType.F64 || type == DType.F32 || type == DType.F16 || type == DType.BF16;
  }

  private static boolean isNarrower(DType type, DType than) {
    return isWeight(type) && isWeight(than) && type.bytes() < than.bytes();
  }

  /**
   * The type that holds what all have, as PyTorch promotes types: the wider one, and float32 for
   * float16 with bfloat16.
   */
  DType common(InputModel reference, TensorInfo info, List<Weight> inputs) {
    if (recipe.mergekit().version() == Recipe.MergekitVersion.V0_1_4
        && (!isMergekit() || CASTING_BEFORE_0_1_5.contains(named.name()))) {
      return info.dtype();
    }
    DType common = info.dtype();
    for (Weight input : inputs) {
      for (DType stored : input.dtypes()) {
        common = promoted(common, stored);
      }
    }
    return common;
  }

  private static DType promoted(DType one, DType other) {
    if (one == other || !isWeight(other)) {
      return one;
    }
    return one.bytes() == other.bytes() ? DType.F32 : one.bytes() > other.bytes() ? one : other;
  }

  /**
   * The type to which mergekit casts inputs before any arithmetic; null if they stay as they are.
   *
   * @param common the type that all inputs have in common
   * @param out the output's
   */
  @Nullable DType inputs(DType common, DType out) {
    Recipe.Located<DType> dtype = recipe.dtype();
    if (!isMergekit()) {
      if (dtype != null && dtype.value() == DType.F64) {
        throw inFloat32(dtype);
      }
      inFloat32 |= common == DType.F64;
      return null;
    }
    // What stays wider than the recipe says is not rounded before it is merged either.
    boolean kept = dtype != null && recipe.outDtype() == null && isNarrower(dtype.value(), out);
    DType type = dtype == null || kept ? common : dtype.value();
    inHalf |= type == DType.F16 || type == DType.BF16;
    if (type == DType.F64 && !DoubleMerge.has(method)) {
      if (dtype != null) {
        throw inFloat32(dtype);
      }
      inFloat32 = true;
      return null;
    }
    return type;
  }

  private RecipeException inFloat32(Recipe.Located<DType> dtype) {
    return recipe.error(
        dtype.at(),
        "'%s' computes in float32; give 'dtype: float32' and, if that is meant, 'out_dtype: float64'"
            .formatted(named.name()));
  }

  /**
   * The official code takes task vectors in the type of the checkpoint, or the one it was told to
   * load; so rounded they are merged here. What mergekit would round at every step is not rounded.
   */
  @Nullable DType taskVectors(DType stored) {
    if (isMergekit() || method.operand() == MergeMethod.Operand.WEIGHTS) {
      return null;
    }
    Recipe.Located<DType> dtype = recipe.dtype();
    DType type = dtype == null ? stored : dtype.value();
    return type == DType.F16 || type == DType.BF16 ? type : null;
  }

  /** Books a tensor whose type is not the base's; one of each kind is told. */
  void differs(InputModel model, TensorInfo own, InputModel base, TensorInfo ofBase) {
    differences.putIfAbsent(
        model.name() + " " + own.dtype() + " " + ofBase.dtype(),
        new Difference(model, own, base, ofBase));
  }

  /** Notices of types that differ, with the size of some values. */
  List<String> notices() {
    List<String> notices =
        new ArrayList<>(
            differences.values().stream()
                .filter(it -> !mayBeMistaken(it))
                .map(ElementTypes::describe)
                .toList());
    DType given = output();
    if (isMergekit()) {
      notices.addAll(MergekitDifferences.of(named.name(), inHalf));
    }
    if (inFloat32) {
      notices.add(
          "weights that are stored in float64 are computed with in float32 by '%s'"
              .formatted(named.name()));
    }
    if (!keptWider.isEmpty() && given != null) {
      String tensors =
          keptWider.size() == 1
              ? "tensor '%s'".formatted(keptWider.first())
              : "%d tensors, such as '%s',".formatted(keptWider.size(), keptWider.first());
      notices.add(
          recipe.outDtype() == null
              ? "%s the model itself keeps wider than %s; this stays so ('out_dtype: %s' narrows it too)"
                  .formatted(tensors, given.torchName(), given.torchName())
              : "%s the model itself keeps wider than %s; 'out_dtype' narrows this, leave it out to keep it"
                  .formatted(tensors, given.torchName()));
    }
    return notices;
  }

  /** Differences that may be mistakes of a file, in words. */
  List<String> warnings() {
    return differences.values().stream()
        .filter(ElementTypes::mayBeMistaken)
        .map(ElementTypes::describe)
        .toList();
  }

  /** Both types have 16 bits, so that a file can take one for the other and still be read. */
  private static boolean mayBeMistaken(Difference it) {
    return it.own().dtype().bytes() == it.ofBase().dtype().bytes();
  }

  private static String describe(Difference it) {
    return String.format(
        Locale.ROOT,
        "model '%s' has %s where the base has %s, for example '%s': largest of the first values"
            + " %.3g, the base's %.3g",
        it.model().name(),
        it.own().dtype(),
        it.ofBase().dtype(),
        it.own().name(),
        largest(it.model(), it.own()),
        largest(it.base(), it.ofBase()));
  }

  private static float largest(InputModel model, TensorInfo info) {
    Optional<Weight> weight = model.weight(info.name());
    if (weight.isEmpty() || !(weight.get() instanceof Weight.Stored stored)) {
      return Float.NaN;
    }
    int length = (int) Math.min(SAMPLE, info.size());
    float[] values = new float[length];
    stored.checkpoint().read(stored.tensor(), 0, length, values);
    float largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }
}
