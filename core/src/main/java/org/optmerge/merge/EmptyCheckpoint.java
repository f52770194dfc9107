package org.optmerge.merge;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.apiguardian.api.API;
import org.optmerge.base.FileErrors;
import org.optmerge.checkpoint.SafetensorsLayout;
import org.optmerge.checkpoint.ShardIndex;
import org.optmerge.merge.weights.PlannedTensor;

/**
 * The output of a plan without its numbers: headers, configuration and tokenizer, so that what
 * reads the output can be planned before there is one. The files take no room on the disk.
 */
@API(status = API.Status.INTERNAL)
public final class EmptyCheckpoint {
  /** Larger files beside weights are nothing that a plan reads. */
  private static final long LARGEST = 64L << 20;

  private EmptyCheckpoint() {}

  /**
   * Writes it.
   *
   * @throws MergeException if the folder cannot be written
   */
  public static void write(MergePlan plan, Path folder) {
    try {
      Files.createDirectories(folder);
      Map<String, String> weightMap = new LinkedHashMap<>();
      for (MergePlan.OutputShard shard : plan.shards()) {
        SafetensorsLayout layout = Merger.layout(shard);
        try (RandomAccessFile file =
            new RandomAccessFile(folder.resolve(shard.fileName()).toFile(), "rw")) {
          file.write(layout.header());
          file.setLength(layout.requiredBytes());
        }
        for (PlannedTensor tensor : shard.tensors()) {
          weightMap.put(tensor.name(), shard.fileName());
        }
      }
      if (plan.indexed()) {
        new ShardIndex(0, weightMap).write(folder.resolve(ShardIndex.FILE_NAME));
      }
      for (Path file : plan.files()) {
        Path source = plan.donor().folder().resolve(file);
        if (!plan.rewritten().containsKey(file.toString()) && Files.size(source) <= LARGEST) {
          write(folder.resolve(file), Files.readAllBytes(source));
        }
      }
      for (Map.Entry<String, byte[]> file : plan.rewritten().entrySet()) {
        write(folder.resolve(file.getKey()), file.getValue());
      }
    } catch (IOException e) {
      throw new MergeException("writing %s failed: %s".formatted(folder, FileErrors.reason(e)), e);
    }
  }

  private static void write(Path file, byte[] content) throws IOException {
    Files.createDirectories(Objects.requireNonNull(file.getParent()));
    Files.write(file, content);
  }
}
