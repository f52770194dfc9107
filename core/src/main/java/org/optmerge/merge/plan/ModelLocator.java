package org.optmerge.merge.plan;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.ModelReference;

/**
 * Finds the folders that a recipe's models are in. A name is tried as a path, in each of the given
 * folders in turn; then as {@code base+adapter}; then as a hub id that was fetched before, in the
 * hub's cache. Nothing is downloaded.
 */
final class ModelLocator {
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
  ModelReference locate(String text) {
    return ModelReference.find(text, this::find)
        .orElseThrow(() -> new IllegalArgumentException(notFound(text)));
  }

  private String notFound(String text) {
    if (text.indexOf('+') > 0) {
      List<String> parts = List.of(text.split("\\+"));
      List<String> absent = parts.stream().filter(part -> find(part).isEmpty()).toList();
      if (!absent.isEmpty() && absent.size() < parts.size()) {
        return "model '%s': there is no '%s'; looked at %s"
            .formatted(text, absent.get(0), places(absent.get(0)));
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
