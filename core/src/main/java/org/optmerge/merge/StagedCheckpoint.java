package org.optmerge.merge;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.optmerge.base.Sha256;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.ShardIndex;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.weights.PlannedTensor;

/**
 * Makes a checkpoint of merged weight files: index, the donor's other files, provenance, a last
 * look.
 */
final class StagedCheckpoint {
  /** What the index and the provenance say of a tensor takes less. */
  private static final long BYTES_A_TENSOR = 500;

  private final Path folder;
  private final MergePlan plan;

  StagedCheckpoint(Path folder, MergePlan plan) {
    this.folder = folder;
    this.plan = plan;
  }

  /** Bytes that come beside the weights: files that are copied, index and provenance. */
  long bytesBesideWeights() throws IOException {
    long bytes = plan.tensors().size() * BYTES_A_TENSOR;
    for (Path file : plan.files()) {
      byte[] rewritten = plan.rewritten().get(file.toString());
      bytes +=
          rewritten == null ? Files.size(plan.donor().folder().resolve(file)) : rewritten.length;
    }
    return bytes;
  }

  /**
   * Index, model card and provenance, and a last look; the other files have been copied.
   *
   * @param hashes SHA-256 by weight file, of inputs (where asked for) and outputs
   * @param modelCard whether a {@code README.md} is wanted even if the donor has one
   */
  void complete(
      PlanInputs inputs,
      Map<Path, String> hashes,
      Map<String, TensorOutcome> outcomes,
      boolean modelCard)
      throws IOException {
    if (plan.indexed()) {
      index().write(folder.resolve(ShardIndex.FILE_NAME));
    }
    Path card = folder.resolve(ModelCard.FILE);
    if (modelCard || !Files.exists(card)) {
      Files.writeString(card, ModelCard.of(plan));
    }
    Provenance.write(folder, plan, inputHashes(inputs, hashes), outputHashes(hashes), outcomes);
    compareWithPlan();
  }

  private ShardIndex index() {
    Map<String, String> weightMap = new LinkedHashMap<>();
    long bytes = 0;
    for (MergePlan.OutputShard shard : plan.shards()) {
      for (PlannedTensor tensor : shard.tensors()) {
        weightMap.put(tensor.name(), shard.fileName());
        bytes += tensor.bytes();
      }
    }
    return new ShardIndex(bytes, weightMap);
  }

  /**
   * Copies the donor's other files: before the weights are merged, so that one that cannot be read
   * costs no work.
   */
  void copyOtherFiles() throws IOException {
    for (Path file : plan.files()) {
      if (!plan.rewritten().containsKey(file.toString())) {
        Path target = madeRoomFor(file);
        // Through a stream, so that only the content is taken over: the source may be read-only.
        try (InputStream source = Files.newInputStream(plan.donor().folder().resolve(file))) {
          Files.copy(source, target, StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
    for (Map.Entry<String, byte[]> file : plan.rewritten().entrySet()) {
      Files.write(madeRoomFor(Path.of(file.getKey())), file.getValue());
    }
  }

  /** A file's place, whose folder is there. */
  private Path madeRoomFor(Path file) throws IOException {
    Path target = folder.resolve(file);
    Files.createDirectories(Objects.requireNonNull(target.getParent()));
    return target;
  }

  private static List<Provenance.HashedFile> inputHashes(
      PlanInputs inputs, Map<Path, String> hashes) throws IOException {
    List<Provenance.HashedFile> hashed = new ArrayList<>();
    for (Map.Entry<Checkpoint, String> input : inputs.names().entrySet()) {
      for (Path file : input.getKey().weightFiles()) {
        hashed.add(
            new Provenance.HashedFile(
                input.getValue(),
                input.getKey().folder().relativize(file).toString(),
                Files.size(file),
                hashes.getOrDefault(file, "")));
      }
    }
    return hashed;
  }

  private List<Provenance.HashedFile> outputHashes(Map<Path, String> hashes) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(folder)) {
      files =
          all.filter(Files::isRegularFile)
              .filter(file -> !file.endsWith(Provenance.FILE))
              .sorted()
              .toList();
    }
    List<Provenance.HashedFile> hashed = new ArrayList<>();
    for (Path file : files) {
      String hash = hashes.get(file);
      hashed.add(
          new Provenance.HashedFile(
              "",
              folder.relativize(file).toString(),
              Files.size(file),
              hash == null ? Sha256.of(file) : hash));
    }
    return hashed;
  }

  /** Reads what was written as a stranger would. */
  private void compareWithPlan() {
    try (Checkpoint written = Checkpoint.open(folder)) {
      Map<String, TensorInfo> found = new HashMap<>();
      written.tensors().forEach(tensor -> found.put(tensor.name(), tensor));
      for (PlannedTensor tensor : plan.tensors()) {
        TensorInfo info = found.remove(tensor.name());
        if (info == null
            || info.dtype() != tensor.dtype()
            || !info.shape().equals(tensor.shape())) {
          throw new MergeException(
              "the written checkpoint does not match the plan: tensor '%s' should be %s %s, is %s"
                  .formatted(tensor.name(), tensor.dtype(), tensor.shape(), info));
        }
      }
      if (!found.isEmpty()) {
        throw new MergeException(
            "the written checkpoint has tensors that were not planned: " + found.keySet());
      }
    }
  }
}
