package org.optmerge.checkpoint;

import java.nio.file.Path;
import java.util.List;
import org.apiguardian.api.API;

/**
 * The place of one tensor in a safetensors file.
 *
 * @param name the tensor's name, as published
 * @param dtype element type
 * @param shape extents, outermost first; empty for a scalar
 * @param file the safetensors file
 * @param offset first byte of the data, from the start of the file
 */
@API(status = API.Status.EXPERIMENTAL)
public record TensorInfo(String name, DType dtype, List<Long> shape, Path file, long offset) {
  public TensorInfo {
    shape = List.copyOf(shape);
    for (long extent : shape) {
      if (extent < 0) {
        throw new IllegalArgumentException(
            "tensor '%s': shape %s has a negative extent".formatted(name, shape));
      }
    }
    if (offset < 0) {
      throw new IllegalArgumentException(
          "tensor '%s': offset must not be negative, is %d".formatted(name, offset));
    }
  }

  /**
   * Number of elements.
   *
   * @throws ArithmeticException if it does not fit 63 bits; never for a tensor of an open
   *     checkpoint
   */
  public long size() {
    long size = 1;
    for (long extent : shape) {
      size = Math.multiplyExact(size, extent);
    }
    return size;
  }

  /**
   * Length of the data in bytes.
   *
   * @throws ArithmeticException as for {@link #size()}
   */
  public long bytes() {
    return Math.multiplyExact(size(), dtype.bytes());
  }
}
