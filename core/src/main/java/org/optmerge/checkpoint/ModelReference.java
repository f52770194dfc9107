package org.optmerge.checkpoint;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A model as commands and recipes name it: a checkpoint, an adapter, or {@code BASE+ADAPTER}, with
 * more adapters behind it.
 *
 * @param text as it was written
 * @param base the part of the text that names the checkpoint; of adapters alone, the whole text
 * @param checkpoint a checkpoint; null if the text names adapters alone
 * @param adapters PEFT adapters that are applied to the checkpoint, in this order
 */
public record ModelReference(
    String text, String base, @Nullable Path checkpoint, List<Path> adapters) {
  public ModelReference {
    adapters = List.copyOf(adapters);
  }

  /**
   * The folders that a text names, where it is found. A folder of that very name comes first, so
   * that a {@code +} may be part of a name; otherwise each {@code +} is tried, the last one first.
   *
   * @param find the folder of a name, such as a path or a hub id, if it is there
   * @return empty if a folder is not there
   * @throws IllegalArgumentException if a folder behind a {@code +} is no adapter
   */
  public static Optional<ModelReference> find(String text, Function<String, Optional<Path>> find) {
    Optional<Path> whole = find.apply(text);
    if (whole.isPresent()) {
      Path folder = whole.get();
      return Optional.of(
          LoraAdapter.isAdapter(folder)
              ? new ModelReference(text, text, null, List.of(folder))
              : new ModelReference(text, text, folder, List.of()));
    }
    for (int plus = text.lastIndexOf('+'); plus > 0; plus = text.lastIndexOf('+', plus - 1)) {
      Optional<Path> right = find.apply(text.substring(plus + 1));
      Optional<ModelReference> left =
          right.isPresent() ? find(text.substring(0, plus), find) : Optional.empty();
      if (left.isPresent()) {
        if (!LoraAdapter.isAdapter(right.get())) {
          throw new IllegalArgumentException(
              "model '%s': '%s' is no adapter, it has no adapter_config.json"
                  .formatted(text, right.get()));
        }
        return Optional.of(left.get().with(text, right.get()));
      }
    }
    return Optional.empty();
  }

  private ModelReference with(String longer, Path adapter) {
    List<Path> all = new ArrayList<>(adapters);
    all.add(adapter);
    return new ModelReference(longer, checkpoint == null ? longer : base, checkpoint, all);
  }

  /** The checkpoint, if there is one, and the adapters. */
  public List<Path> folders() {
    List<Path> folders = new ArrayList<>(adapters);
    if (checkpoint != null) {
      folders.add(0, checkpoint);
    }
    return folders;
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
