package org.optmerge.merge;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.optmerge.base.Sha256;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.merge.weights.PlannedTensor;

/**
 * The weight files that a plan reads.
 *
 * @param names the name in the recipe of each checkpoint, in the order of first use
 */
record PlanInputs(Map<Checkpoint, String> names) {

  static PlanInputs of(MergePlan plan) {
    Map<Path, String> byFolder = new LinkedHashMap<>();
    plan.models().forEach((name, folder) -> byFolder.putIfAbsent(normal(folder), name));
    Map<Checkpoint, String> names = new LinkedHashMap<>();
    for (Checkpoint input : plan.inputs()) {
      Path folder = input.folder();
      names.put(input, byFolder.getOrDefault(normal(folder), String.valueOf(folder.getFileName())));
    }
    return new PlanInputs(names);
  }

  /**
   * Everything that decides the output's bytes: a continuation under another fingerprint would mix
   * two merges.
   */
  String fingerprint(MergePlan plan, InputWatch watch) throws IOException {
    StringBuilder all = new StringBuilder();
    all.append(Provenance.FORMAT).append(Provenance.version()).append(plan.recipe());
    for (Checkpoint input : names.keySet()) {
      for (Path file : input.weightFiles()) {
        all.append('\n').append(watch.marks(file));
      }
    }
    for (MergePlan.OutputShard shard : plan.shards()) {
      all.append('\n').append(shard.fileName());
      for (PlannedTensor tensor : shard.tensors()) {
        all.append('\n').append(tensor.name()).append(tensor.dtype()).append(tensor.shape());
      }
    }
    return Sha256.of(all.toString().getBytes(StandardCharsets.UTF_8));
  }

  private static Path normal(Path path) {
    return path.toAbsolutePath().normalize();
  }
}
