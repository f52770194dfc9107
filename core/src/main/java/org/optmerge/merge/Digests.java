package org.optmerge.merge;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.optmerge.base.Workers;
import org.optmerge.checkpoint.TensorInfo;

/** The SHA-256 of the weight files of a merge, computed while they are read and written. */
final class Digests implements AutoCloseable {
  /** Bytes that wait to be hashed before a thread is sent after them. */
  private static final long STRETCH = 16 << 20;

  private final Map<Path, TrailingDigest> digests = new LinkedHashMap<>();

  /**
   * Adds a file.
   *
   * @param start bytes at its beginning that are final already
   * @param direct read past the page cache
   */
  void add(Path file, long start, boolean direct) throws IOException {
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

  /** Hashes what is left, files side by side; hexadecimal digests by file. */
  Map<Path, String> finish(Workers pool) {
    List<String> hashes = pool.map(digests.values(), TrailingDigest::finish);
    Map<Path, String> finished = new LinkedHashMap<>();
    digests.keySet().forEach(file -> finished.put(file, hashes.get(finished.size())));
    return finished;
  }

  @Override
  public void close() throws IOException {
    for (TrailingDigest digest : digests.values()) {
      digest.close();
    }
  }
}
