package org.optmerge.merge;

import static org.optmerge.checkpoint.SafetensorsLayout.PAGE;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Sha256;

/**
 * The SHA-256 of a file, computed behind the threads that read or write its tensors, while those
 * bytes are still in the page cache.
 */
final class TrailingDigest implements AutoCloseable {
  private static final int CHUNK = 1 << 20;

  private final Path file;
  private final FileChannel channel;
  private final MessageDigest digest = Sha256.begin();
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(CHUNK + PAGE).alignedSlice(PAGE).limit(CHUNK).slice();

  /** The unit of hashing before the end, so that the page cache can be bypassed. */
  private final int granularity;

  /** Finished stretches that do not yet touch the finished beginning: first byte to end. */
  private final NavigableMap<Long, Long> ahead = new TreeMap<>();

  /** Held by the one thread that reads and hashes. */
  private final ReentrantLock hashing = new ReentrantLock();

  private long contiguous;
  private long hashed;

  /**
   * @param start bytes at the beginning that are final already, such as the header
   * @param direct read past the page cache, for a file that was written so
   */
  @SuppressWarnings("MustBeClosedChecker")
  TrailingDigest(Path file, long start, boolean direct) throws IOException {
    this.file = file;
    FileChannel opened = direct ? openDirect(file) : null;
    this.granularity = opened == null ? 1 : PAGE;
    this.channel = opened == null ? FileChannel.open(file, StandardOpenOption.READ) : opened;
    this.contiguous = start;
  }

  @SuppressWarnings("MustBeClosedChecker")
  private static @Nullable FileChannel openDirect(Path file) {
    try {
      return FileChannel.open(file, StandardOpenOption.READ, ExtendedOpenOption.DIRECT);
    } catch (IOException | UnsupportedOperationException e) {
      return null;
    }
  }

  /**
   * Notes that the bytes from {@code from} to {@code to} are final; returns how many wait to be
   * hashed.
   */
  long done(long from, long to) {
    synchronized (ahead) {
      ahead.merge(from, to, Math::max);
      while (!ahead.isEmpty() && ahead.firstKey() <= contiguous) {
        contiguous = Math.max(contiguous, ahead.pollFirstEntry().getValue());
      }
      return contiguous - hashed;
    }
  }

  /** Hashes what is final up to now, unless another thread is at it. */
  void advance() {
    if (hashing.tryLock()) {
      try {
        long end;
        synchronized (ahead) {
          end = contiguous / granularity * granularity;
        }
        // Tensors of packed numbers are longer in memory than in their file.
        hash(Math.min(end, channel.size() / granularity * granularity));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } finally {
        hashing.unlock();
      }
    }
  }

  /** Hashes to the end of the file and returns the digest in hexadecimal. */
  String finish() throws IOException {
    hashing.lock();
    try {
      hash(channel.size());
      return Sha256.hex(digest.digest());
    } finally {
      hashing.unlock();
    }
  }

  private void hash(long end) {
    try {
      long at = hashed;
      while (at < end) {
        long wanted = Math.min(CHUNK, end - at);
        buffer.clear().limit(Math.toIntExact(roundUp(wanted)));
        int read = channel.read(buffer, at);
        if (read < wanted) {
          throw new MergeException(
              "%s became shorter while it was merged; run the merge again when it no longer changes"
                  .formatted(file));
        }
        digest.update(buffer.flip().limit((int) wanted));
        at += wanted;
      }
      synchronized (ahead) {
        hashed = Math.max(hashed, at);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private long roundUp(long bytes) {
    return (bytes + granularity - 1) / granularity * granularity;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
