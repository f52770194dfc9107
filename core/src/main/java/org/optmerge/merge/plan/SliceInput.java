package org.optmerge.merge.plan;

import java.util.Objects;
import org.optmerge.merge.recipe.Position;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.weights.InputModel;

/**
 * An entry of the recipe with its model opened.
 *
 * @param source the entry
 * @param model what it names
 */
record SliceInput(Recipe.Source source, InputModel model) {
  /** The place where the recipe names the model. */
  Position at() {
    return source.model().at();
  }

  /** The layers taken, in a recipe with slices. */
  Recipe.LayerRange layers() {
    return Objects.requireNonNull(source.layers());
  }
}
