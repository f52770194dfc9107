package org.optmerge.merge;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.FileIdentity;
import org.optmerge.base.Json;
import org.optmerge.base.Sha256;
import org.optmerge.base.UserCache;

/**
 * The SHA-256 of files that were hashed before, so that a second merge of the same experts reads
 * them once. A small file each, in the user's cache folder.
 *
 * <p>A file is the same if device, inode, length, and the times of its content's and its inode's
 * last change are. A program can set the first of these times but not the second. A file that
 * changed moments before it was hashed is not remembered: a second change might fall on the same
 * tick of the file system's clock.
 */
final class KnownDigests {
  /** Files shorter than this are hashed faster than asked for. */
  static final long SHORTEST = 16 << 20;

  /** Digests that are kept; the oldest half goes when there are more. */
  private static final int MOST = 4000;

  /** Older than this a change is told from a later one by every file system. */
  private static final long SECONDS_TO_SETTLE = 3;

  private final Path folder;
  private final long shortest;
  private final Clock clock;

  KnownDigests(Path folder, long shortest, Clock clock) {
    this.folder = folder;
    this.shortest = shortest;
    this.clock = clock;
  }

  /** The user's. */
  static KnownDigests ofUser() {
    return new KnownDigests(
        UserCache.folder(System.getenv()).resolve("digests"), SHORTEST, Clock.systemUTC());
  }

  /** The file's identity, if its digest may be remembered. */
  Optional<FileIdentity> identity(Path file) {
    Instant settled = clock.instant().minusSeconds(SECONDS_TO_SETTLE);
    long latest = TimeUnit.SECONDS.toNanos(settled.getEpochSecond()) + settled.getNano();
    return FileIdentity.of(file)
        .filter(it -> it.bytes() >= shortest)
        .filter(it -> it.changed() < latest && it.modified() < latest);
  }

  /** The digest in hexadecimal, if it is known. */
  Optional<String> find(FileIdentity identity) {
    Path entry = entry(identity);
    if (!Files.isRegularFile(entry)) {
      return Optional.empty();
    }
    try {
      JsonNode known = Json.plain().readTree(entry.toFile());
      String digest = known.path("sha256").asText();
      return known.path("file").asText().equals(identity.toString()) && digest.length() == 64
          ? Optional.of(digest)
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // damaged: it is made again
    }
  }

  /** Remembers a digest, if the cache can be written. */
  void remember(FileIdentity identity, String digest) {
    try {
      AtomicFiles.write(
          entry(identity),
          Json.line(Json.object().put("file", identity.toString()).put("sha256", digest)));
      tidy();
    } catch (IOException | UncheckedIOException e) {
      // The next merge hashes the file again.
    }
  }

  /** Forgets a digest that turned out wrong. */
  void forget(FileIdentity identity) {
    try {
      Files.deleteIfExists(entry(identity));
    } catch (IOException e) {
      throw new MergeException("cannot remove %s".formatted(entry(identity)), e);
    }
  }

  private Path entry(FileIdentity identity) {
    return folder.resolve(Sha256.of(identity.toString()).substring(0, 32) + ".json");
  }

  private void tidy() throws IOException {
    List<Path> entries;
    try (Stream<Path> files = Files.list(folder)) {
      entries = files.toList();
    }
    if (entries.size() > MOST) {
      List<Path> byAge =
          entries.stream().sorted(Comparator.comparing(KnownDigests::written)).toList();
      for (Path oldest : byAge.subList(0, MOST / 2)) {
        Files.deleteIfExists(oldest);
      }
    }
  }

  private static FileTime written(Path entry) {
    try {
      return Files.getLastModifiedTime(entry);
    } catch (IOException e) {
      return FileTime.fromMillis(0); // gone meanwhile
    }
  }
}
