package org.optmerge.merge.plan;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.MergePlan.OutputShard;
import org.optmerge.merge.weights.PlannedTensor;

/** The division of the output's tensors into weight files. */
final class OutputLayout {
  private static final String SINGLE = "model.safetensors";

  /**
   * A tensor of the output and the one of the donor that it stands for.
   *
   * @param tensor what is written
   * @param donor null if the donor has no such tensor
   */
  record Entry(PlannedTensor tensor, @Nullable TensorInfo donor) {}

  private OutputLayout() {}

  /**
   * As the donor has it, if the output has the same tensors of the same types and no smaller files
   * are asked for; otherwise filled up one file after the other.
   */
  static List<OutputShard> of(Checkpoint donor, List<Entry> entries, long shardBytes) {
    return keeps(donor, entries) && !isDividedFurther(donor, shardBytes)
        ? likeDonor(donor, entries)
        : filled(donor, entries, shardBytes);
  }

  /** True if a size was asked for that the donor's files exceed. */
  private static boolean isDividedFurther(Checkpoint donor, long shardBytes) {
    if (shardBytes == Planner.SHARD_BYTES) {
      return false;
    }
    Map<Path, Long> bytes = new LinkedHashMap<>();
    donor.tensors().forEach(it -> bytes.merge(it.file(), it.bytes(), Long::sum));
    return bytes.values().stream().anyMatch(size -> size > shardBytes);
  }

  private static boolean keeps(Checkpoint donor, List<Entry> entries) {
    return entries.size() == donor.tensors().size()
        && entries.stream().allMatch(entry -> isSame(entry.tensor(), entry.donor()));
  }

  private static boolean isSame(PlannedTensor tensor, @Nullable TensorInfo donor) {
    return donor != null
        && donor.name().equals(tensor.name())
        && donor.dtype() == tensor.dtype()
        && donor.shape().equals(tensor.shape());
  }

  private static List<OutputShard> likeDonor(Checkpoint donor, List<Entry> entries) {
    Map<Path, List<PlannedTensor>> byFile = new LinkedHashMap<>();
    donor.weightFiles().forEach(file -> byFile.put(file, new ArrayList<>()));
    for (Entry entry : entries) {
      TensorInfo info = entry.donor();
      if (info != null) {
        byFile.computeIfAbsent(info.file(), file -> new ArrayList<>()).add(entry.tensor());
      }
    }
    List<OutputShard> shards = new ArrayList<>();
    byFile.forEach(
        (file, tensors) ->
            shards.add(
                new OutputShard(
                    fileName(file, byFile.size()), tensors, withFormat(donor.metadata(file)))));
    return shards;
  }

  /** What loaders of PyTorch's world ask for is there, whatever the donor's file has. */
  private static Map<String, String> withFormat(Map<String, String> metadata) {
    Map<String, String> all = new LinkedHashMap<>(metadata);
    all.putIfAbsent("format", "pt");
    return all;
  }

  private static String fileName(Path file, int files) {
    String name = String.valueOf(file.getFileName());
    return files > 1 || name.matches("model-\\d+-of-\\d+\\.safetensors") ? name : SINGLE;
  }

  private static List<OutputShard> filled(Checkpoint donor, List<Entry> entries, long shardBytes) {
    List<List<PlannedTensor>> files = new ArrayList<>();
    List<PlannedTensor> current = new ArrayList<>();
    long bytes = 0;
    for (Entry entry : entries) {
      long size = entry.tensor().bytes();
      if (!current.isEmpty() && bytes + size > shardBytes) {
        files.add(current);
        current = new ArrayList<>();
        bytes = 0;
      }
      current.add(entry.tensor());
      bytes += size;
    }
    files.add(current);
    Map<String, String> metadata =
        withFormat(donor.weightFiles().stream().findFirst().map(donor::metadata).orElse(Map.of()));
    List<OutputShard> shards = new ArrayList<>();
    for (int i = 0; i < files.size(); i++) {
      shards.add(
          new OutputShard(
              files.size() == 1
                  ? SINGLE
                  : "model-%05d-of-%05d.safetensors".formatted(i + 1, files.size()),
              files.get(i),
              metadata));
    }
    return shards;
  }
}
