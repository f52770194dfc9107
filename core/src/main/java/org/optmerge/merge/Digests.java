package org.optmerge.merge;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.optmerge.base.FileIdentity;
import org.optmerge.base.Workers;
import org.optmerge.checkpoint.TensorInfo;

/**
 * The SHA-256 of the weight files of a merge, computed while they are read and written; those of
 * inputs that were hashed before are known.
 */
final class Digests implements AutoCloseable {
  /** Bytes that wait to be hashed before a thread is sent after them. */
  private static final long STRETCH = 16 << 20;

  private final KnownDigests known;
  private final boolean verify;
  private final Map<Path, TrailingDigest> digests = new LinkedHashMap<>();
  private final Map<Path, String> finished = new LinkedHashMap<>();

  /** Inputs that are hashed, as they were before. */
  private final Map<Path, FileIdentity> inputs = new LinkedHashMap<>();

  /**
   * @param verify hash inputs whose digest is known, too, and compare
   */
  Digests(KnownDigests known, boolean verify) {
    this.known = known;
    this.verify = verify;
  }

  /** Adds a file that is read. */
  void addInput(Path file) throws IOException {
    Optional<FileIdentity> identity = known.identity(file);
    Optional<String> digest = verify ? Optional.empty() : identity.flatMap(known::find);
    if (digest.isPresent()) {
      finished.put(file, digest.get());
    } else {
      identity.ifPresent(it -> inputs.put(file, it));
      add(file, 0, false);
    }
  }

  /**
   * Adds a file that is written.
   *
   * @param start bytes at its beginning that are final already
   */
  void addOutput(Path file, long start) throws IOException {
    add(file, start, true); // it was written past the page cache
  }

  private void add(Path file, long start, boolean direct) throws IOException {
    if (!digests.containsKey(file)) {
      digests.put(file, new TrailingDigest(file, start, direct));
    }
  }

  /** Notes that a tensor's bytes will not change and are likely to be in memory; may hash some. */
  void follow(TensorInfo tensor) {
    TrailingDigest digest = digests.get(tensor.file());
    if (digest != null
        && digest.done(tensor.offset(), tensor.offset() + tensor.bytes()) > STRETCH) {
      digest.advance();
    }
  }

  /**
   * Hashes what is left, files side by side; hexadecimal digests by file.
   *
   * @throws MergeException if an input is to be verified, and is not what it was
   */
  Map<Path, String> finish(Workers pool) {
    List<String> hashes = pool.map(digests.values(), TrailingDigest::finish);
    int at = 0;
    for (Path file : digests.keySet()) {
      finished.put(file, hashes.get(at++));
    }
    inputs.forEach((file, before) -> note(file, before, finished.getOrDefault(file, "")));
    return Map.copyOf(finished);
  }

  private void note(Path file, FileIdentity before, String digest) {
    Optional<String> expected = known.find(before);
    if (expected.isPresent() && !expected.get().equals(digest)) {
      known.forget(before);
      throw new MergeException(
          "%s has changed since it was last merged, though its length and times have not: its SHA-256 is %s, was %s. Is the disk sound? Fetch the file anew; or, if it is as it must be, run the merge again"
              .formatted(file, digest, expected.get()));
    }
    if (expected.isEmpty() && known.identity(file).equals(Optional.of(before))) {
      known.remember(before, digest);
    }
  }

  @Override
  public void close() throws IOException {
    for (TrailingDigest digest : digests.values()) {
      digest.close();
    }
  }
}
