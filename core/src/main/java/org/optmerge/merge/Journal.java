package org.optmerge.merge;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.optmerge.base.Json;
import org.optmerge.method.scaling.Energies;

/**
 * The journal of an unfinished merge, the tensors that are done, and those that were measured to
 * find λ: one JSON line each, after a line that names the plan.
 *
 * <p>A line is written only after its tensor's bytes were. Its checksum is compared with the file
 * before it is trusted, so that nothing need be forced to disk on the way. A torn last line is
 * ignored.
 */
final class Journal {
  private final FileChannel channel;
  private final Map<String, TensorOutcome> finished = new LinkedHashMap<>();
  private final Map<String, Energies> measured = new LinkedHashMap<>();

  private Journal(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Reads or begins the journal of a plan.
   *
   * @param workspace holds the file, and closes it
   * @param fingerprint the plan's
   * @param resume whether lines that are there count
   * @throws MergeException if it is of another plan
   */
  static Journal open(Workspace workspace, String fingerprint, boolean resume) throws IOException {
    FileChannel channel = workspace.journal();
    Journal journal = new Journal(channel);
    if (resume && journal.load(workspace.folder(), fingerprint)) {
      return journal;
    }
    channel.truncate(0);
    journal.append(Json.object().put("format", 1).put("plan", fingerprint));
    return journal;
  }

  /** Reads what is there; false if not even the first line is whole. */
  private boolean load(Path folder, String fingerprint) throws IOException {
    // Through the channel that holds the lock: closing any other one of the file would release it.
    byte[] bytes = new byte[Math.toIntExact(channel.size())];
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining() && channel.read(buffer, buffer.position()) >= 0) {}
    int end = 0;
    boolean first = true;
    for (int at = 0; at < bytes.length; at++) {
      if (bytes[at] != '\n') {
        continue;
      }
      ObjectNode line =
          (ObjectNode)
              Json.plain().readTree(new String(bytes, end, at - end, StandardCharsets.UTF_8));
      end = at + 1;
      if (first) {
        if (!line.path("plan").asText().equals(fingerprint)) {
          throw new MergeException(
              "the unfinished merge in %s is of another recipe, other inputs or another version; run it with --force to start over"
                  .formatted(folder));
        }
        first = false;
      } else if (line.has("measured")) {
        measured.put(
            line.path("measured").asText(),
            Json.plain().treeToValue(line.path("energies"), Energies.class));
      } else {
        TensorOutcome outcome = Json.plain().treeToValue(line, TensorOutcome.class);
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

  /** The sizes that earlier runs took to find λ, by parameter. */
  Map<String, Energies> measured() {
    return measured;
  }

  /** Notes the sizes of a parameter. */
  synchronized void append(String parameter, Energies energies) throws IOException {
    ObjectNode line = Json.object().put("measured", parameter);
    line.set("energies", Json.plain().valueToTree(energies));
    append(line);
  }

  /** Notes a tensor whose bytes are in the file. */
  synchronized void append(TensorOutcome outcome) throws IOException {
    append(Json.plain().<ObjectNode>valueToTree(outcome));
  }

  private void append(ObjectNode line) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap((Json.line(line) + "\n").getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
