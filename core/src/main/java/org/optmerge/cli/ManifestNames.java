package org.optmerge.cli;

import java.util.Iterator;
import org.optmerge.manifest.Manifests;

/** The names of manifests and of their benchmarks, for completion. */
final class ManifestNames implements Iterable<String> {
  @Override
  public Iterator<String> iterator() {
    return Manifests.shipped().names().iterator();
  }
}
