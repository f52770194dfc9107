package org.optmerge.merge.plan;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.merge.recipe.Recipe;

/**
 * A slice with its models opened.
 *
 * @param slice as the recipe has it
 * @param base θ_0; null where weights are merged
 * @param inputs the models that are merged, in order
 */
record OpenSlice(Recipe.Slice slice, @Nullable SliceInput base, List<SliceInput> inputs) {
  OpenSlice {
    inputs = List.copyOf(inputs);
  }

  /** The model whose tensors say what there is: the base, if there is one. */
  SliceInput reference() {
    return base != null ? base : inputs.get(0);
  }
}
