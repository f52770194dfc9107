package org.optmerge.cli;

import java.util.Iterator;
import org.optmerge.merge.recipe.ParameterPreset;

/** The names of parameter presets, for completion. */
final class PresetNames implements Iterable<String> {
  @Override
  public Iterator<String> iterator() {
    return ParameterPreset.labels().iterator();
  }
}
