package org.optmerge.merge;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.optmerge.checkpoint.Checkpoint;

/**
 * Everything a merge will do, decided before the first byte is read or written.
 *
 * @param method the canonical name of the merge method
 * @param recipe the recipe with every default filled in, for the provenance file
 * @param models the input folders by the name the recipe gives them, base first
 * @param donor whose non-weight files are copied
 * @param shards the output's weight files, in order
 * @param files non-weight files to copy, relative to the donor's folder
 * @param rewritten non-weight files whose content must differ from the donor's, by relative name
 * @param coverage what becomes of every input tensor
 * @param notices what a user should know, one sentence each
 */
public record MergePlan(
    String method,
    ObjectNode recipe,
    Map<String, Path> models,
    Checkpoint donor,
    List<OutputShard> shards,
    List<Path> files,
    Map<String, byte[]> rewritten,
    Coverage coverage,
    List<String> notices)
    implements AutoCloseable {

  /**
   * One weight file of the output.
   *
   * @param fileName such as {@code model.safetensors} or {@code model-00001-of-00002.safetensors}
   * @param tensors in the order of their offsets
   * @param metadata the file's {@code __metadata__}
   */
  public record OutputShard(
      String fileName, List<PlannedTensor> tensors, Map<String, String> metadata) {}

  /**
   * True if the output has an index file: it has more than one shard, or its one shard is so named.
   */
  public boolean indexed() {
    return shards.size() > 1 || !shards.get(0).fileName().equals("model.safetensors");
  }

  /** Closes every input. */
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
