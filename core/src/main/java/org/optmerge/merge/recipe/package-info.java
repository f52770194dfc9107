/** Recipes: a YAML file as a checked record, with the place of every setting. */
@NullMarked
package org.optmerge.merge.recipe;

import org.jspecify.annotations.NullMarked;
