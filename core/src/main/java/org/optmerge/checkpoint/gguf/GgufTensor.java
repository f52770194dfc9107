package org.optmerge.checkpoint.gguf;

import java.nio.file.Path;
import java.util.List;

/**
 * The place of a tensor in a GGUF file.
 *
 * @param name as llama.cpp has it, such as {@code blk.0.attn_q.weight}
 * @param shape extents, outermost first, which the file has the other way round
 * @param offset first byte of the data, from the start of the file
 */
record GgufTensor(String name, GgmlType type, List<Long> shape, Path file, long offset) {
  GgufTensor {
    shape = List.copyOf(shape);
  }

  /** Number of elements. */
  long size() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  /** Bytes in the file. */
  long bytes() {
    return Math.multiplyExact(size() / type.blockSize(), type.blockBytes());
  }

  /** Extent of the outermost dimension. */
  long rows() {
    return shape.get(0);
  }
}
