package org.optmerge.cli;

import java.util.Iterator;
import org.optmerge.method.MergeMethods;

/** The merge methods' names, for completion. */
final class MethodNames implements Iterable<String> {
  @Override
  public Iterator<String> iterator() {
    return MergeMethods.names().iterator();
  }
}
