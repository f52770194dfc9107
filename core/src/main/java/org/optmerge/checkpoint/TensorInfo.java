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
 * @param type the element type's name in the header, also of a type that is not known
 * @param storedBytes length of the data; -1 if it follows from type and shape
 */
@API(status = API.Status.EXPERIMENTAL)
public record TensorInfo(
    String name,
    DType dtype,
    List<Long> shape,
    Path file,
    long offset,
    String type,
    long storedBytes) {
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

  /** A tensor of a known type. */
  public TensorInfo(String name, DType dtype, List<Long> shape, Path file, long offset) {
    this(name, dtype, shape, file, offset, dtype.name(), -1);
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
    if (storedBytes >= 0) {
      return storedBytes;
    }
    int bytes = dtype.bytes();
    return bytes > 0
        ? Math.multiplyExact(size(), bytes)
        : Math.multiplyExact(size(), dtype.bits()) / 8;
  }
}
