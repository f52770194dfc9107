package org.optmerge.merge;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which tensors of an unfinished merge are done: one JSON line each, after a line that names the
 * plan.
 *
 * <p>A line is written only after its tensor's bytes were. Its checksum is compared with the file
 * before it is trusted, so that nothing need be forced to disk on the way. A torn last line is
 * ignored.
 */
final class Journal implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final FileChannel channel;
  private final Map<String, TensorOutcome> finished = new LinkedHashMap<>();

  private Journal(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Opens the journal of a plan, and locks it against a second merge into the same folder.
   *
   * @param fingerprint the plan's
   * @param resume whether lines that are there count
   * @throws MergeException if another merge holds it, or it is of another plan
   */
  @SuppressWarnings("MustBeClosedChecker")
  static Journal open(Path file, String fingerprint, boolean resume) throws IOException {
    boolean present = Files.exists(file);
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    Journal journal = new Journal(channel);
    try {
      lock(channel, file);
      if (resume && present && journal.load(file, fingerprint)) {
        return journal;
      }
      channel.truncate(0);
      journal.append(JSON.createObjectNode().put("format", 1).put("plan", fingerprint));
      return journal;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static void lock(FileChannel channel, Path file) throws IOException {
    @Nullable FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      throw new MergeException(
          "another merge into the same folder is running (it holds %s); wait for it or choose another output folder"
              .formatted(file));
    }
  }

  /** Reads what is there; false if not even the first line is whole. */
  private boolean load(Path file, String fingerprint) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int end = 0;
    boolean first = true;
    for (int at = 0; at < bytes.length; at++) {
      if (bytes[at] != '\n') {
        continue;
      }
      ObjectNode line =
          (ObjectNode) JSON.readTree(new String(bytes, end, at - end, StandardCharsets.UTF_8));
      end = at + 1;
      if (first) {
        if (!line.path("plan").asText().equals(fingerprint)) {
          throw new MergeException(
              "the unfinished merge in %s is of another recipe, other inputs or another version; run it with --force to start over"
                  .formatted(file.getParent()));
        }
        first = false;
      } else {
        TensorOutcome outcome = JSON.treeToValue(line, TensorOutcome.class);
        finished.put(outcome.name(), outcome);
      }
    }
    channel.truncate(end);
    channel.position(end);
    return !first;
  }

  /** The tensors that earlier runs finished, by name. */
  Map<String, TensorOutcome> finished() {
    return finished;
  }

  /** Notes a tensor whose bytes are in the file. */
  synchronized void append(TensorOutcome outcome) throws IOException {
    append(JSON.<ObjectNode>valueToTree(outcome));
  }

  private void append(ObjectNode line) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.wrap((JSON.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
