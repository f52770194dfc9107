package org.optmerge.merge.plan;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;

/**
 * What a model has beside its weights.
 *
 * @param folder where its files lie
 * @param derived those that its weight files hold, by name
 */
record ModelFiles(Path folder, Map<String, byte[]> derived) {
  static ModelFiles of(Checkpoint checkpoint) {
    return new ModelFiles(checkpoint.folder(), checkpoint.derivedFiles());
  }

  static ModelFiles of(Path folder) {
    return new ModelFiles(folder, Map.of());
  }

  boolean has(String name) {
    return derived.containsKey(name) || Files.isRegularFile(folder.resolve(name));
  }

  /** A file's content; empty if there is none. */
  Optional<byte[]> read(String name) {
    byte[] content = derived.get(name);
    if (content != null) {
      return Optional.of(content);
    }
    Path file = folder.resolve(name);
    try {
      return Files.isRegularFile(file) ? Optional.of(Files.readAllBytes(file)) : Optional.empty();
    } catch (IOException e) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, e), e);
    }
  }
}
