package org.optmerge.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/**
 * A format of weights other than safetensors that {@link Checkpoint} can open. Formats are found by
 * Java's {@link ServiceLoader}, so that this package does not depend on any of them.
 */
public interface WeightFormat {
  /**
   * Opens a file of this format, or a folder whose weights are of it.
   *
   * @return empty if it is not of this format
   * @throws CheckpointException if it is, but cannot be used
   */
  Optional<WeightStore> open(Path path, ExternalFiles external);

  /** The first format that takes a path. */
  static Optional<WeightStore> find(Path path, ExternalFiles external) {
    for (WeightFormat format : Known.FORMATS) {
      Optional<WeightStore> store = format.open(path, external);
      if (store.isPresent()) {
        return store;
      }
    }
    return Optional.empty();
  }

  /** The formats there are, looked for when first needed. */
  final class Known {
    private static final List<WeightFormat> FORMATS =
        ServiceLoader.load(WeightFormat.class).stream().map(ServiceLoader.Provider::get).toList();

    private Known() {}
  }
}
