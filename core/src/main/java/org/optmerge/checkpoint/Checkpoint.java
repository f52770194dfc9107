package org.optmerge.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A folder in Hugging Face layout, opened for reading: {@code model.safetensors}, or shards with
 * {@code model.safetensors.index.json}. A single {@code .safetensors} file works too.
 *
 * <p>Opening reads and checks every header, never the data. Reading is positional and safe from
 * several threads.
 */
public final class Checkpoint implements AutoCloseable {
  /**
   * Opens and checks a folder.
   *
   * @throws CheckpointException if anything about it is not as the format demands; the message
   *     names the file
   */
  public static Checkpoint open(Path folder) {
    throw new UnsupportedOperationException();
  }

  /** The folder that was opened (for a single file: its parent). */
  public Path folder() {
    throw new UnsupportedOperationException();
  }

  /** All tensors, shard by shard, in the order of their offsets. */
  public List<TensorInfo> tensors() {
    throw new UnsupportedOperationException();
  }

  /** One tensor, if present. */
  public Optional<TensorInfo> find(String name) {
    throw new UnsupportedOperationException();
  }

  /** The safetensors files, in index order. */
  public List<Path> weightFiles() {
    throw new UnsupportedOperationException();
  }

  /**
   * Everything in the folder that is not a weight file or its index, relative to the folder,
   * sorted.
   */
  public List<Path> otherFiles() {
    throw new UnsupportedOperationException();
  }

  /** {@code config.json}, if it is there and is a JSON object. */
  public Optional<JsonNode> config() {
    throw new UnsupportedOperationException();
  }

  /** The {@code __metadata__} of a weight file. */
  public Map<String, String> metadata(Path weightFile) {
    throw new UnsupportedOperationException();
  }

  /**
   * Reads elements, widened to {@code float}.
   *
   * @param first index of the first element in the flattened tensor
   * @param target receives {@code length} values from index 0 on
   */
  public void read(TensorInfo tensor, long first, int length, float[] target) {
    throw new UnsupportedOperationException();
  }

  /**
   * Reads stored bytes from {@code offset} within the tensor until {@code target} has none
   * remaining.
   */
  public void readBytes(TensorInfo tensor, long offset, ByteBuffer target) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
