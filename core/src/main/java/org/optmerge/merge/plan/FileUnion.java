package org.optmerge.merge.plan;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;

/**
 * Adds what a merged model needs beside its tensors to use what only some parents have: settings of
 * {@code config.json}, such as a modality's encoder, and files, such as a processor's.
 *
 * <p>What the base has stays as it is. Where it has nothing, the first model that has something
 * gives it; if a later one has something else there, that is said.
 */
final class FileUnion {
  private static final String CONFIG = "config.json";

  /** Files that describe the weights of one folder, or that a merge wrote. */
  private static final Set<String> OF_ONE_FOLDER =
      Set.of(CONFIG, "optmerge.json", "README.md", "model.safetensors.index.json");

  /** A file larger than this is none that a model needs to start. */
  static final long LARGEST = 64L << 20;

  private final Checkpoint donor;
  private final Map<String, byte[]> rewritten;
  private final PlanFindings findings;

  private FileUnion(Checkpoint donor, Map<String, byte[]> rewritten, PlanFindings findings) {
    this.donor = donor;
    this.rewritten = rewritten;
    this.findings = findings;
  }

  /**
   * Adds what the others have.
   *
   * @param rewritten files of the output that differ from the donor's; added to
   */
  static void add(
      Checkpoint donor,
      List<Checkpoint> others,
      Map<String, byte[]> rewritten,
      PlanFindings findings) {
    FileUnion union = new FileUnion(donor, rewritten, findings);
    Set<Checkpoint> all = new LinkedHashSet<>(others);
    all.remove(donor);
    try {
      union.addSettings(all);
      union.addFiles(all);
    } catch (IOException e) {
      throw new CheckpointException("cannot be read: " + e.getMessage(), e);
    }
  }

  private void addSettings(Set<Checkpoint> others) throws IOException {
    byte[] bytes = rewritten.get(CONFIG);
    Path file = donor.folder().resolve(CONFIG);
    if (bytes == null && !Files.isRegularFile(file)) {
      return;
    }
    JsonNode config = parse(bytes == null ? Files.readAllBytes(file) : bytes);
    if (!(config instanceof ObjectNode own)) {
      return;
    }
    Map<String, Checkpoint> added = new LinkedHashMap<>();
    for (Checkpoint other : others) {
      if (other.config().orElse(null) instanceof ObjectNode settings) {
        add(own, settings, "", other, added);
      }
    }
    if (!added.isEmpty()) {
      rewritten.put(CONFIG, Json.pretty(own).getBytes(StandardCharsets.UTF_8));
    }
  }

  private static JsonNode parse(byte[] bytes) throws IOException {
    try {
      return Json.plain().readTree(bytes);
    } catch (JsonProcessingException e) {
      return Json.plain().missingNode();
    }
  }

  /**
   * Adds the members that are not there.
   *
   * @param added by path, the models that gave what the donor does not have
   */
  private void add(
      ObjectNode own,
      ObjectNode settings,
      String path,
      Checkpoint from,
      Map<String, Checkpoint> added) {
    for (Map.Entry<String, JsonNode> setting : settings.properties()) {
      String name = path + setting.getKey();
      JsonNode there = own.get(setting.getKey());
      if (there == null) {
        own.set(setting.getKey(), setting.getValue().deepCopy());
        note(name, setting.getValue(), from, added);
      } else if (there instanceof ObjectNode inner
          && setting.getValue() instanceof ObjectNode more) {
        add(inner, more, name + ".", from, added);
      } else if (!there.equals(setting.getValue())) {
        differs("config.json: '%s'".formatted(name), added.get(name), from);
      }
    }
  }

  private static void note(
      String name, JsonNode value, Checkpoint from, Map<String, Checkpoint> added) {
    added.put(name, from);
    for (Map.Entry<String, JsonNode> inner : value.properties()) {
      note(name + "." + inner.getKey(), inner.getValue(), from, added);
    }
  }

  /**
   * @param first null if it is the base's, which says of itself what it is
   */
  private void differs(String what, @Nullable Checkpoint first, Checkpoint second) {
    if (first == null) {
      return;
    }
    findings.notice(
        "%s differs between '%s' and '%s'; the first's is taken"
            .formatted(what, first.folder().getFileName(), second.folder().getFileName()));
  }

  private void addFiles(Set<Checkpoint> others) throws IOException {
    Set<Path> own = new LinkedHashSet<>(donor.otherFiles());
    Map<Path, Checkpoint> added = new LinkedHashMap<>();
    for (Checkpoint other : others) {
      for (Path file : other.otherFiles()) {
        Path from = other.folder().resolve(file);
        if (own.contains(file)
            || OF_ONE_FOLDER.contains(file.toString())
            || Files.size(from) > LARGEST) {
          continue;
        }
        byte[] content = Files.readAllBytes(from);
        byte[] before = rewritten.putIfAbsent(file.toString(), content);
        if (before == null) {
          added.put(file, other);
        } else if (!Arrays.equals(before, content)) {
          differs("file '%s'".formatted(file), added.get(file), other);
        }
      }
    }
  }
}
