package org.optmerge.merge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.FileIdentity;
import org.optmerge.base.Sha256;
import org.optmerge.checkpoint.Checkpoint;

/**
 * The files that a merge reads, as they were when it began: what was true for the plan must be true
 * at the end, or the result is of no inputs that there ever were.
 *
 * <p>Files of weights are looked at in samples of their content as well: lengths and times can be
 * those of another file, which {@code cp -p} and {@code rsync -t} put in place.
 */
final class InputWatch {
  private static final int BLOCK = 4096;

  /** Blocks of a file that are looked at, spread evenly over it. */
  private static final int BLOCKS = 256;

  private final Map<Path, Seen> seen;

  /**
   * A file when the merge began.
   *
   * @param sample the digest of some of its content; null for files that are read once, as a whole
   */
  private record Seen(FileIdentity identity, @Nullable String sample) {}

  private InputWatch(Map<Path, Seen> seen) {
    this.seen = seen;
  }

  /** Looks at all files of weights, and at those that are copied. */
  static InputWatch begin(PlanInputs inputs, MergePlan plan) throws IOException {
    Map<Path, Seen> seen = new LinkedHashMap<>();
    for (Checkpoint input : inputs.names().keySet()) {
      for (Path file : input.weightFiles()) {
        // As of the moment when its header was read.
        FileIdentity opened = input.opened().get(file);
        seen.put(file, new Seen(opened == null ? FileIdentity.near(file) : opened, sample(file)));
      }
    }
    for (Path file : plan.files()) {
      Path original = plan.donor().folder().resolve(file);
      if (!plan.rewritten().containsKey(file.toString())) {
        seen.put(original, new Seen(FileIdentity.near(original), null));
      }
    }
    return new InputWatch(seen);
  }

  /** Marks by which a file of weights is known again by a later run, perhaps after a restart. */
  String marks(Path file) throws IOException {
    Seen before = seen.get(file);
    if (before == null || before.sample == null) {
      throw new IllegalArgumentException("%s is no file of weights of this merge".formatted(file));
    }
    return "%s %d %d %s"
        .formatted(
            file.toRealPath(),
            before.identity.bytes(),
            before.identity.modified() / 1_000_000,
            before.sample);
  }

  /** The first file that is not what it was, and what has become of it; empty if there is none. */
  Optional<String> change() throws IOException {
    for (Map.Entry<Path, Seen> entry : seen.entrySet()) {
      Path file = entry.getKey();
      FileIdentity before = entry.getValue().identity;
      FileIdentity now;
      try {
        now = FileIdentity.near(file);
      } catch (NoSuchFileException e) {
        return Optional.of("%s is gone".formatted(file));
      }
      if (now.equals(before)) {
        continue;
      }
      if (now.bytes() != before.bytes()) {
        return Optional.of("%s has %d bytes, had %d".formatted(file, now.bytes(), before.bytes()));
      }
      // A change of the inode alone may be one of its permissions or of its links.
      String sample = entry.getValue().sample;
      boolean sameContent =
          now.modified() == before.modified() && (sample == null || sample.equals(sample(file)));
      if (!sameContent) {
        return Optional.of("%s was written to or replaced".formatted(file));
      }
    }
    return Optional.empty();
  }

  /** The digest of blocks that are spread over a file, its beginning and its end among them. */
  static String sample(Path file) throws IOException {
    MessageDigest digest = Sha256.begin();
    try (FileChannel channel = FileChannel.open(file)) {
      long bytes = channel.size();
      digest.update(Long.toString(bytes).getBytes(StandardCharsets.US_ASCII));
      ByteBuffer buffer = ByteBuffer.allocate(BLOCK);
      long last = Math.max(0, bytes - BLOCK);
      long at = -1;
      for (int i = 0; i < BLOCKS; i++) {
        long next = Math.round((double) last * i / (BLOCKS - 1));
        if (next == at) {
          continue;
        }
        at = next;
        buffer.clear();
        while (buffer.hasRemaining() && channel.read(buffer, at + buffer.position()) >= 0) {}
        digest.update(buffer.flip());
      }
    }
    return Sha256.hex(digest.digest());
  }
}
