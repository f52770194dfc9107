package org.optmerge.merge.plan;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.weights.InputModel;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.NamedMethod;
import org.optmerge.taskvector.Weight;

/** The element types that a merge computes in and writes, and those of its inputs that differ. */
final class ElementTypes {
  /** Entries looked at where a type differs, to show what the numbers are like. */
  private static final int SAMPLE = 4096;

  private record Difference(InputModel model, TensorInfo own, InputModel base, TensorInfo ofBase) {}

  private final Recipe recipe;
  private final NamedMethod named;
  private final MergeMethod method;
  private final Map<String, Difference> differences = new TreeMap<>();

  ElementTypes(Recipe recipe, NamedMethod named, MergeMethod method) {
    this.recipe = recipe;
    this.named = named;
    this.method = method;
  }

  private boolean isMergekit() {
    return named.origin() == NamedMethod.Origin.MERGEKIT;
  }

  /** The one element type of the output; null if each tensor keeps its own. */
  @Nullable DType output() {
    Recipe.Located<DType> out = recipe.outDtype();
    if (out != null) {
      return out.value();
    }
    // In mergekit dtype is the output's too; in recipes of this project it is the arithmetic's.
    Recipe.Located<DType> dtype = recipe.dtype();
    return dtype != null && isMergekit() ? dtype.value() : null;
  }

  DType output(DType stored) {
    DType out = output();
    return out == null ? stored : out;
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
    return differences.values().stream().map(ElementTypes::describe).toList();
  }

  private static String describe(Difference it) {
    return String.format(
        Locale.ROOT,
        "model '%s' has %s where the base has %s, for example '%s': largest of the first values %.3g, the base's %.3g",
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
