package org.optmerge.checkpoint;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A model as commands and recipes name it: a checkpoint, an adapter, or {@code BASE+ADAPTER}.
 *
 * @param text as it was written
 * @param base the part of the text that names the checkpoint; the whole text if no adapter is added
 * @param checkpoint a checkpoint; null if the text names an adapter alone
 * @param adapter a PEFT adapter that is applied to the checkpoint; null if none
 */
public record ModelReference(
    String text, String base, @Nullable Path checkpoint, @Nullable Path adapter) {
  /**
   * The folders that a text names, where it is found. A folder of that very name comes first, so
   * that a {@code +} may be part of a name; otherwise each {@code +} is tried, the last one first.
   *
   * @param find the folder of a name, such as a path or a hub id, if it is there
   * @return empty if a folder is not there
   * @throws IllegalArgumentException if there are two folders, but not a checkpoint and an adapter
   */
  public static Optional<ModelReference> find(String text, Function<String, Optional<Path>> find) {
    Optional<Path> whole = find.apply(text);
    if (whole.isPresent()) {
      Path folder = whole.get();
      return Optional.of(
          LoraAdapter.isAdapter(folder)
              ? new ModelReference(text, text, null, folder)
              : new ModelReference(text, text, folder, null));
    }
    for (int plus = text.lastIndexOf('+'); plus > 0; plus = text.lastIndexOf('+', plus - 1)) {
      String base = text.substring(0, plus);
      Optional<Path> left = find.apply(base);
      Optional<Path> right = find.apply(text.substring(plus + 1));
      if (left.isPresent() && right.isPresent()) {
        if (!LoraAdapter.isAdapter(right.get())) {
          throw new IllegalArgumentException(
              "model '%s': '%s' is no adapter, it has no adapter_config.json"
                  .formatted(text, right.get()));
        }
        if (LoraAdapter.isAdapter(left.get())) {
          throw new IllegalArgumentException(
              "model '%s': '%s' is an adapter itself; expected checkpoint+adapter"
                  .formatted(text, left.get()));
        }
        return Optional.of(new ModelReference(text, base, left.get(), right.get()));
      }
    }
    return Optional.empty();
  }

  /**
   * The folders that a text names by their paths.
   *
   * @throws IllegalArgumentException if one is not there, or is of the wrong kind
   */
  public static ModelReference of(String text) {
    return find(text, ModelReference::existing)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "model '%s' is not there; give the path of a folder, or BASE+ADAPTER"
                        .formatted(text)));
  }

  private static Optional<Path> existing(String text) {
    try {
      return Optional.of(Path.of(text)).filter(path -> !text.isEmpty() && Files.exists(path));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }
}
