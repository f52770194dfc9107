package org.optmerge.manifest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.UserCache;

/**
 * The folder of fetched files, and in it one for each manifest.
 *
 * @param root the folder of all
 */
public record DataFolder(Path root) {
  /** The environment variable that names it. */
  public static final String VARIABLE = "OPTMERGE_DATA";

  /**
   * The folder that an environment asks for: {@code OPTMERGE_DATA}, else {@code optmerge} in {@code
   * XDG_CACHE_HOME} or {@code ~/.cache}.
   */
  public static DataFolder ofEnvironment(Map<String, String> environment) {
    String named = environment.getOrDefault(VARIABLE, "").strip();
    return new DataFolder(named.isEmpty() ? UserCache.folder(environment) : Path.of(named));
  }

  /** The folder of a manifest's files. */
  public Path of(Manifest manifest) {
    return root.resolve(SafePath.check(manifest.folder()));
  }

  /** The states of a manifest's files. */
  public enum Presence {
    /** Nothing. */
    ABSENT,
    /** Some of it, or a download that was not finished. */
    PARTIAL,
    /** All of it. */
    PRESENT
  }

  /** The state of a manifest's files, by the names and sizes of files; asks no server. */
  public Presence presence(Manifest manifest) {
    Path folder = of(manifest);
    if (manifest.sources().isEmpty() || !Files.isDirectory(folder)) {
      return Presence.ABSENT;
    }
    Optional<Receipt> receipt = Receipt.of(folder);
    boolean complete = receipt.map(Receipt::complete).orElse(false);
    boolean all = true;
    boolean any = receipt.map(given -> !given.files().isEmpty()).orElse(false);
    for (Source source : manifest.sources()) {
      boolean there;
      if (source instanceof Source.WebFile file) {
        there = isThere(folder, file.path(), file.bytes(), file.unpackInto());
      } else if (source instanceof Source.ByHand byHand) {
        there = byHand.files().stream().allMatch(file -> Files.exists(folder.resolve(file)));
      } else {
        there = complete;
      }
      all &= there;
      any |= there;
    }
    all &=
        receipt
            .map(
                given ->
                    given.files().stream()
                        .allMatch(it -> isThere(folder, it.path(), it.bytes(), it.unpackedInto())))
            .orElse(true);
    return all ? Presence.PRESENT : any || hasPart(folder) ? Presence.PARTIAL : Presence.ABSENT;
  }

  private static boolean isThere(
      Path folder, String path, @Nullable Long bytes, @Nullable String unpackedInto) {
    if (unpackedInto != null) {
      return Files.isDirectory(folder.resolve(unpackedInto));
    }
    Path file = folder.resolve(path);
    return Files.isRegularFile(file) && (bytes == null || size(file) == bytes);
  }

  private static boolean hasPart(Path folder) {
    try (Stream<Path> files = Files.walk(folder, 3)) {
      return files.anyMatch(file -> file.toString().endsWith(".part"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The files of a manifest that match one of these paths or patterns, in the order of their names.
   * A file may also lie in the data folder itself, where other programs keep it.
   */
  public List<Path> find(Manifest manifest, List<String> patterns) {
    List<Path> found = matching(of(manifest), patterns.stream().map(Globs::pattern).toList());
    return found.isEmpty() ? literal(root, patterns) : found;
  }

  private static List<Path> literal(Path folder, List<String> patterns) {
    return patterns.stream()
        .filter(pattern -> pattern.indexOf('*') < 0 && pattern.indexOf('?') < 0)
        .map(folder::resolve)
        .filter(Files::isRegularFile)
        .sorted()
        .toList();
  }

  private static List<Path> matching(Path folder, List<Pattern> patterns) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(folder, 4)) {
      return files
          .filter(Files::isRegularFile)
          .filter(
              file ->
                  Globs.anyMatches(patterns, folder.relativize(file).toString().replace('\\', '/')))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
