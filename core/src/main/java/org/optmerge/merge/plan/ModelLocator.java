package org.optmerge.merge.plan;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.LoraAdapter;

/**
 * Finds the folders that a recipe's models are in. A name is tried as a path, in each of the given
 * folders in turn; then as {@code base+adapter}; then as a hub id that was fetched before, in the
 * hub's cache. Nothing is downloaded.
 */
final class ModelLocator {
  /**
   * Where a model is.
   *
   * @param checkpoint a checkpoint; null if only an adapter is named, which applies to the base
   * @param adapter an adapter that is applied to it; null if none
   */
  record Location(@Nullable Path checkpoint, @Nullable Path adapter) {}

  private final List<Path> folders;
  private final @Nullable Path hubCache;

  /**
   * @param folders what relative paths are relative to, the first that has them
   * @param hubCache where hub ids are looked up; null: nowhere
   */
  ModelLocator(List<Path> folders, @Nullable Path hubCache) {
    this.folders =
        folders.stream().map(Path::toAbsolutePath).map(Path::normalize).distinct().toList();
    this.hubCache = hubCache;
  }

  /** The cache of Hugging Face's client, where its environment variables say. */
  static @Nullable Path defaultHubCache() {
    String cache = System.getenv("HF_HUB_CACHE");
    if (cache != null && !cache.isBlank()) {
      return Path.of(cache);
    }
    String home = System.getenv("HF_HOME");
    if (home != null && !home.isBlank()) {
      return Path.of(home, "hub");
    }
    return Path.of(System.getProperty("user.home", "."), ".cache", "huggingface", "hub");
  }

  /**
   * Finds a model.
   *
   * @throws IllegalArgumentException if it is nowhere; the message says where it was looked for
   */
  Location locate(String text) {
    Optional<Path> whole = find(text);
    if (whole.isPresent()) {
      return LoraAdapter.isAdapter(whole.get())
          ? new Location(null, whole.get())
          : new Location(whole.get(), null);
    }
    for (int plus = text.lastIndexOf('+'); plus > 0; plus = text.lastIndexOf('+', plus - 1)) {
      Optional<Path> left = find(text.substring(0, plus));
      Optional<Path> right = find(text.substring(plus + 1));
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
        return new Location(left.get(), right.get());
      }
    }
    throw new IllegalArgumentException(notFound(text));
  }

  private String notFound(String text) {
    int plus = text.lastIndexOf('+');
    if (plus > 0) {
      String left = text.substring(0, plus);
      String right = text.substring(plus + 1);
      if (find(left).isPresent() != find(right).isPresent()) {
        return "model '%s': there is no '%s'; looked at %s"
            .formatted(
                text,
                find(left).isPresent() ? right : left,
                places(find(left).isPresent() ? right : left));
      }
    }
    return "model '%s' is not there; looked at %s; nothing is downloaded, so give the path of a folder"
        .formatted(text, places(text));
  }

  private String places(String text) {
    List<String> places = new ArrayList<>();
    for (Path folder : folders) {
      path(text).ifPresent(path -> places.add(folder.resolve(path).normalize().toString()));
    }
    if (hubCache != null && isHubId(text)) {
      places.add(hubFolder(hubCache, text).toString());
    }
    return places.stream().distinct().collect(Collectors.joining(" and "));
  }

  private Optional<Path> find(String text) {
    Optional<Path> path = path(text);
    if (path.isEmpty()) {
      return Optional.empty();
    }
    for (Path folder : folders) {
      Path candidate = folder.resolve(path.get()).normalize();
      if (Files.exists(candidate)) {
        return Optional.of(candidate);
      }
    }
    return inHubCache(text);
  }

  private static Optional<Path> path(String text) {
    try {
      if (text.equals("~") || text.startsWith("~/")) {
        return Optional.of(Path.of(System.getProperty("user.home", ".") + text.substring(1)));
      }
      return Optional.of(Path.of(text));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private static boolean isHubId(String text) {
    return text.matches("[\\w.-]+/[\\w.-]+(@[\\w.-]+)?");
  }

  private static Path hubFolder(Path cache, String text) {
    String id = text.contains("@") ? text.substring(0, text.indexOf('@')) : text;
    return cache.resolve("models--" + id.replace("/", "--"));
  }

  private Optional<Path> inHubCache(String text) {
    if (hubCache == null || !isHubId(text)) {
      return Optional.empty();
    }
    Path folder = hubFolder(hubCache, text);
    String revision = text.contains("@") ? text.substring(text.indexOf('@') + 1) : "main";
    Path reference = folder.resolve("refs").resolve(revision);
    try {
      String commit =
          Files.isRegularFile(reference) ? Files.readString(reference).strip() : revision;
      Path snapshot = folder.resolve("snapshots").resolve(commit);
      return Files.isDirectory(snapshot) ? Optional.of(snapshot) : Optional.empty();
    } catch (java.io.IOException | InvalidPathException e) {
      return Optional.empty();
    }
  }
}
