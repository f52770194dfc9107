package org.optmerge.merge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;
import org.optmerge.base.Json;
import org.optmerge.method.scaling.Energies;

/**
 * The journal of an unfinished merge, the tensors that are done, and those that were measured to
 * find λ: one JSON line each, after a line that names the plan. Each line ends with the CRC-32C of
 * what it says.
 *
 * <p>A line is written only after its tensor's bytes were. Its checksum is compared with the file
 * before it is trusted, so that nothing need be forced to disk on the way. A line that is torn or
 * damaged is passed over, since its tensor can be made again; only the first one has to be whole.
 */
final class Journal {
  /** Between what a line says and its checksum. */
  private static final char SEPARATOR = '\t';

  private final FileChannel channel;
  private final Path file;
  private final Map<String, TensorOutcome> finished = new LinkedHashMap<>();
  private final Map<String, Energies> measured = new LinkedHashMap<>();

  private Journal(FileChannel channel, Path file) {
    this.channel = channel;
    this.file = file;
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
    Journal journal = new Journal(channel, workspace.journalFile());
    if (resume && journal.load(workspace.folder(), fingerprint)) {
      return journal;
    }
    channel.truncate(0);
    journal.append(Json.object().put("format", 1).put("plan", fingerprint));
    channel.force(true); // without it nothing else of the journal can be used
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
      String line = new String(bytes, end, at - end, StandardCharsets.UTF_8);
      end = at + 1;
      if (first) {
        checkPlan(line, folder, fingerprint);
        first = false;
      } else {
        note(line);
      }
    }
    channel.truncate(end);
    channel.position(end);
    return !first;
  }

  private static void checkPlan(String line, Path folder, String fingerprint) {
    String plan;
    try {
      plan = Json.plain().readTree(content(line)).path("plan").asText();
    } catch (IOException e) {
      throw new MergeException(
          "the journal of the unfinished merge in %s is damaged, so that it cannot be told what that was a merge of; run it with --force to start over"
              .formatted(folder),
          e);
    }
    if (!plan.equals(fingerprint)) {
      throw new MergeException(
          "the unfinished merge in %s is of another recipe, other inputs or another version; run it with --force to start over"
              .formatted(folder));
    }
  }

  /**
   * A line without its checksum.
   *
   * @throws IOException if it is not the line that was written
   */
  private static String content(String line) throws IOException {
    int end = line.lastIndexOf(SEPARATOR);
    if (end < 0 || !checksum(line.substring(0, end)).equals(line.substring(end + 1))) {
      throw new IOException("a line that does not have its checksum");
    }
    return line.substring(0, end);
  }

  private static String checksum(String content) {
    CRC32C crc = new CRC32C();
    crc.update(content.getBytes(StandardCharsets.UTF_8));
    return Long.toHexString(crc.getValue());
  }

  /** Takes what a line says; what a damaged one said is made again. */
  private void note(String line) {
    try {
      JsonNode said = Json.plain().readTree(content(line));
      if (said.has("measured")) {
        measured.put(
            said.path("measured").asText(),
            Json.plain().treeToValue(said.path("energies"), Energies.class));
      } else {
        TensorOutcome outcome = Json.plain().treeToValue(said, TensorOutcome.class);
        if (outcome != null && outcome.isPossible()) {
          finished.put(outcome.name(), outcome);
        }
      }
    } catch (IOException e) {
      // Torn or damaged, as after a loss of power.
    }
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

  /**
   * Notes a tensor whose bytes are in the file.
   *
   * @throws MergeException if the journal is no longer there, and so nothing that was finished
   */
  synchronized void append(TensorOutcome outcome) throws IOException {
    if (!Files.exists(file)) {
      throw new MergeException(
          "%s was deleted while the merge worked in it; run it again".formatted(file.getParent()));
    }
    append(Json.plain().<ObjectNode>valueToTree(outcome));
  }

  private void append(ObjectNode line) throws IOException {
    String content = Json.line(line);
    ByteBuffer bytes =
        ByteBuffer.wrap(
            (content + SEPARATOR + checksum(content) + "\n").getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
