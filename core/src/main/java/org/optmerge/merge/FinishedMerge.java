package org.optmerge.merge;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.optmerge.base.Json;
import org.optmerge.base.Sha256;
import org.optmerge.checkpoint.Checkpoint;

/**
 * The result of an earlier merge, compared with what a plan would give now: by its recipe, by the
 * bytes of every input and by the files that are copied from the models.
 */
public final class FinishedMerge {
  private final Path folder;
  private final MergePlan plan;
  private final JsonNode recorded;

  private FinishedMerge(Path folder, MergePlan plan, JsonNode recorded) {
    this.folder = folder;
    this.plan = plan;
    this.recorded = recorded;
  }

  /** The result in a folder; empty if there is none. */
  public static Optional<FinishedMerge> in(Path folder, MergePlan plan) throws IOException {
    Path provenance = folder.resolve(Provenance.FILE);
    if (!Files.isRegularFile(provenance)) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          new FinishedMerge(folder, plan, Json.plain().readTree(provenance.toFile())));
    } catch (JsonProcessingException e) {
      throw new MergeException(
          "%s is damaged, so that it cannot be told whether this merge is finished; delete the folder, or choose another"
              .formatted(provenance),
          e);
    }
  }

  /** The first thing that is not as it was, in words; empty if the merge would give the same. */
  public Optional<String> change() throws IOException {
    if (!recorded.path("recipe").equals(Json.plain().readTree(Json.line(plan.recipe())))) {
      return Optional.of("its recipe was another");
    }
    String version = "optmerge " + Provenance.version();
    if (!recorded.path("made_by").asText().equals(version)) {
      return Optional.of("it was made by " + recorded.path("made_by").asText());
    }
    return changedInput().or(this::changedOutput).or(this::changedFile);
  }

  private Optional<String> changedInput() throws IOException {
    Map<String, JsonNode> before = new HashMap<>();
    recorded
        .path("inputs")
        .forEach(it -> before.put(key(it.path("model").asText(), it.path("file").asText()), it));
    KnownDigests known = KnownDigests.ofUser();
    int found = 0;
    for (Map.Entry<Checkpoint, String> input : PlanInputs.of(plan).names().entrySet()) {
      for (Path file : input.getKey().weightFiles()) {
        String name = input.getKey().folder().relativize(file).toString();
        JsonNode was = before.get(key(input.getValue(), name));
        if (was == null) {
          return Optional.of("%s was not there".formatted(file));
        }
        found++;
        if (was.path("bytes").asLong(-1) != Files.size(file) || isOther(file, was, known)) {
          return Optional.of("%s has changed since".formatted(file));
        }
      }
    }
    return found == before.size()
        ? Optional.empty()
        : Optional.of(
            "it read %d files of weights, of which %d are read now"
                .formatted(before.size(), found));
  }

  private static String key(String model, String file) {
    return model + '\n' + file;
  }

  /** By the digest; where none was asked for, a file that is newer than the result is another. */
  private boolean isOther(Path file, JsonNode was, KnownDigests known) throws IOException {
    String digest = was.path("sha256").asText();
    if (digest.isEmpty()) {
      return Files.getLastModifiedTime(file)
              .compareTo(Files.getLastModifiedTime(folder.resolve(Provenance.FILE)))
          > 0;
    }
    Optional<String> remembered = known.identity(file).flatMap(known::find);
    return !digest.equals(remembered.isPresent() ? remembered.get() : Sha256.of(file));
  }

  private Optional<String> changedOutput() {
    try {
      for (JsonNode output : recorded.path("outputs")) {
        Path file = folder.resolve(output.path("file").asText());
        if (!Files.isRegularFile(file)
            || Files.size(file) != output.path("bytes").asLong(-1)
            || !Sha256.of(file).equals(output.path("sha256").asText())) {
          return Optional.of("%s is not as it was written".formatted(file));
        }
      }
    } catch (IOException | InvalidPathException e) {
      return Optional.of("its files cannot be read: " + e.getMessage());
    }
    return Optional.empty();
  }

  /** The other files of the models have no digest of their own: they lie in the result. */
  private Optional<String> changedFile() {
    try {
      for (Map.Entry<String, byte[]> file : plan.rewritten().entrySet()) {
        Path written = folder.resolve(file.getKey());
        if (!Files.isRegularFile(written)
            || !Arrays.equals(Files.readAllBytes(written), file.getValue())) {
          return Optional.of("%s would be another now".formatted(written));
        }
      }
      for (Path file : plan.files()) {
        Path written = folder.resolve(file);
        boolean kept =
            plan.rewritten().containsKey(file.toString()) || file.endsWith(ModelCard.FILE);
        if (!kept
            && (!Files.isRegularFile(written)
                || Files.mismatch(plan.donor().folder().resolve(file), written) >= 0)) {
          return Optional.of("%s has changed since".formatted(plan.donor().folder().resolve(file)));
        }
      }
    } catch (IOException e) {
      return Optional.of("its files cannot be read: " + e.getMessage());
    }
    return Optional.empty();
  }
}
