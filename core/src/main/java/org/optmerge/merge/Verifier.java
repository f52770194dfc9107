package org.optmerge.merge;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Stream;
import org.apiguardian.api.API;
import org.optmerge.base.FileErrors;
import org.optmerge.base.Json;
import org.optmerge.base.Progress;
import org.optmerge.base.Sha256;
import org.optmerge.base.Workers;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.weights.NonFinite;

/**
 * Compares a merged checkpoint with what its {@code optmerge.json} says of it, and looks for NaN
 * and infinity.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class Verifier {
  private static final int BLOCK = TensorMerger.BLOCK;

  private Verifier() {}

  /**
   * The findings of a verification.
   *
   * @param files files whose SHA-256 was compared
   * @param tensors tensors whose values were looked at
   * @param problems one sentence each; empty if all is as recorded
   * @param notes what is no fault but worth knowing, such as files that were added since
   */
  public record Verification(int files, int tensors, List<String> problems, List<String> notes) {
    public Verification {
      problems = List.copyOf(problems);
      notes = List.copyOf(notes);
    }

    /** True if all is as recorded. */
    public boolean passed() {
      return problems.isEmpty();
    }
  }

  /**
   * Reads the whole folder.
   *
   * @param threads threads that read
   * @throws MergeException if the folder has no readable {@code optmerge.json}
   */
  public static Verification verify(Path folder, int threads, Progress progress) {
    JsonNode provenance = provenance(folder);
    List<String> problems = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    try {
      progress.started("verifying", bytesOf(provenance), Progress.BYTES);
      progress.parts(provenance.path("tensors").size(), "tensors");
      int files = compareFiles(folder, provenance, problems, notes, progress);
      int tensors = 0;
      try (Checkpoint checkpoint = Checkpoint.open(folder)) {
        compareTensors(checkpoint, provenance, problems);
        lookForNonFinite(checkpoint, provenance, threads, problems, progress);
        tensors = checkpoint.tensors().size();
      } catch (CheckpointException e) {
        problems.add(e.getMessage());
      }
      progress.finished();
      return new Verification(files, tensors, problems, notes);
    } catch (IOException e) {
      throw new MergeException("cannot read %s: %s".formatted(folder, FileErrors.reason(e)), e);
    }
  }

  private static JsonNode provenance(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new MergeException(
          "%s: %s"
              .formatted(
                  folder, Files.exists(folder) ? "is a file, not a folder" : "no such folder"));
    }
    Path file = folder.resolve(Provenance.FILE);
    if (!Files.isRegularFile(file)) {
      throw new MergeException(
          "%s has no %s, so there is nothing to verify it against; it was not made by a merge of this tool"
              .formatted(folder, Provenance.FILE));
    }
    try {
      return Json.plain().readTree(file.toFile());
    } catch (JsonProcessingException e) {
      throw new MergeException(
          "%s is not valid JSON: %s".formatted(file, e.getOriginalMessage()), e);
    } catch (IOException e) {
      throw new MergeException("cannot read %s: %s".formatted(file, FileErrors.reason(e)), e);
    }
  }

  private static long bytesOf(JsonNode provenance) {
    long bytes = 0;
    for (JsonNode output : provenance.path("outputs")) {
      bytes += output.path("bytes").asLong();
    }
    return bytes;
  }

  private static int compareFiles(
      Path folder,
      JsonNode provenance,
      List<String> problems,
      List<String> notes,
      Progress progress)
      throws IOException {
    progress.phase("hashing");
    Set<String> recorded = new HashSet<>();
    recorded.add(Provenance.FILE);
    for (JsonNode output : provenance.path("outputs")) {
      String name = output.path("file").asText();
      recorded.add(name);
      Path file;
      try {
        file = folder.resolve(name);
      } catch (InvalidPathException e) {
        problems.add(
            "a recorded name cannot be that of a file here (%s); is the locale one of UTF-8, such as LC_ALL=C.UTF-8?"
                .formatted(e.getReason()));
        continue;
      }
      if (!file.normalize().startsWith(folder.normalize())) {
        problems.add("%s: recorded file lies outside the folder".formatted(name));
      } else if (!Files.isRegularFile(file)) {
        problems.add("%s: recorded, but missing".formatted(name));
      } else if (Files.size(file) != output.path("bytes").asLong()) {
        problems.add(
            String.format(
                Locale.ROOT,
                "%s: has %,d bytes, recorded were %,d",
                name,
                Files.size(file),
                output.path("bytes").asLong()));
      } else {
        String found = Sha256.of(file);
        if (!found.equals(output.path("sha256").asText())) {
          problems.add(
              "%s: SHA-256 is %s, recorded was %s"
                  .formatted(name, found, output.path("sha256").asText()));
        }
        progress.advanced(Files.size(file));
      }
    }
    try (Stream<Path> files = Files.walk(folder)) {
      files
          .filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString())
          .filter(name -> !recorded.contains(name))
          .sorted()
          .forEach(name -> notes.add("%s: not recorded, added since".formatted(name)));
    }
    return recorded.size() - 1;
  }

  private static void compareTensors(
      Checkpoint checkpoint, JsonNode provenance, List<String> problems) {
    Set<String> recorded = new HashSet<>();
    for (JsonNode tensor : provenance.path("tensors")) {
      String name = tensor.path("name").asText();
      recorded.add(name);
      List<Long> shape = new ArrayList<>();
      tensor.path("shape").forEach(extent -> shape.add(extent.asLong()));
      TensorInfo info = checkpoint.find(name).orElse(null);
      if (info == null) {
        problems.add("tensor '%s': recorded, but missing".formatted(name));
      } else if (!info.shape().equals(shape)
          || !info.dtype().name().equals(tensor.path("dtype").asText())) {
        problems.add(
            "tensor '%s': is %s %s, recorded was %s %s"
                .formatted(name, info.dtype(), info.shape(), tensor.path("dtype").asText(), shape));
      }
    }
    for (TensorInfo info : checkpoint.tensors()) {
      if (!recorded.contains(info.name())) {
        problems.add("tensor '%s': in the files, but not recorded".formatted(info.name()));
      }
    }
  }

  private static void lookForNonFinite(
      Checkpoint checkpoint,
      JsonNode provenance,
      int threads,
      List<String> problems,
      Progress progress) {
    progress.phase("looking for NaN and infinity");
    Set<String> allowed = new HashSet<>();
    for (JsonNode tensor : provenance.path("tensors")) {
      if (tensor.path("non_finite").asLong() > 0) {
        allowed.add(tensor.path("name").asText());
      }
    }
    ConcurrentSkipListMap<String, String> found = new ConcurrentSkipListMap<>();
    List<TensorInfo> suspects =
        checkpoint.tensors().stream()
            .filter(it -> it.dtype().isFloating() && !allowed.contains(it.name()))
            .toList();
    try (Workers workers = Workers.plain(threads, "verify", () -> {})) {
      workers.forEach(suspects, it -> scan(checkpoint, it, found));
    }
    problems.addAll(found.values());
  }

  private static void scan(
      Checkpoint checkpoint, TensorInfo tensor, ConcurrentSkipListMap<String, String> found) {
    float[] values = new float[(int) Math.min(BLOCK, Math.max(1, tensor.size()))];
    for (long at = 0; at < tensor.size(); at += BLOCK) {
      int length = (int) Math.min(BLOCK, tensor.size() - at);
      checkpoint.read(tensor, at, length, values);
      int bad = NonFinite.firstIn(values, length);
      if (bad >= 0) {
        found.put(
            tensor.name(),
            "tensor '%s': holds %s at %s"
                .formatted(
                    tensor.name(), values[bad], NonFinite.position(tensor.shape(), at + bad)));
        return;
      }
    }
  }
}
