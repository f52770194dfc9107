package org.optmerge.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.optmerge.base.Json;

/**
 * The layout of a safetensors file before it exists: what it will hold, and where each byte lies.
 *
 * <p>The tensors keep the order given and follow each other without a gap. The header is padded
 * with spaces so that the data begins at a multiple of eight, in files of a megabyte or more of
 * {@link #PAGE}, which is what writing past the page cache needs.
 */
public final class SafetensorsLayout {
  /** The metadata that programs of PyTorch's world expect. */
  public static final Map<String, String> PYTORCH = Map.of("format", "pt");

  /** Offsets, lengths and addresses that are multiples of this can bypass the page cache. */
  public static final int PAGE = 4096;

  private static final int ALIGNMENT = 8;
  private static final long LARGE = 1 << 20;

  /**
   * A tensor to be written.
   *
   * @param name as it will be published
   * @param dtype element type
   * @param shape extents, outermost first; empty for a scalar
   * @param type the element type's name in the header
   * @param storedBytes length of the data; -1 if it follows from type and shape
   */
  public record Entry(String name, DType dtype, List<Long> shape, String type, long storedBytes) {
    /** A tensor of a known type. */
    public Entry(String name, DType dtype, List<Long> shape) {
      this(name, dtype, shape, dtype.name(), -1);
    }

    TensorInfo at(Path file, long offset) {
      return new TensorInfo(name, dtype, shape, file, offset, type, storedBytes);
    }

    public Entry {
      shape = List.copyOf(shape);
    }
  }

  private final List<Entry> entries;
  private final long[] offsets;
  private final byte[] header;
  private final long requiredBytes;

  private SafetensorsLayout(List<Entry> entries, Map<String, String> metadata) {
    this.entries = List.copyOf(entries);
    this.offsets = offsets(this.entries);
    this.header = header(this.entries, metadata, offsets);
    this.requiredBytes = Math.addExact(header.length, offsets[this.entries.size()]);
  }

  /** The layout of these tensors, in this order, with {@link #PYTORCH} metadata. */
  public static SafetensorsLayout of(List<Entry> entries) {
    return of(entries, PYTORCH);
  }

  /**
   * The layout of these tensors, in this order.
   *
   * @param metadata the file's {@code __metadata__}; none is written if it is empty
   * @throws CheckpointException if a name comes twice or cannot be a tensor's, or the format cannot
   *     hold as much
   */
  public static SafetensorsLayout of(List<Entry> entries, Map<String, String> metadata) {
    return new SafetensorsLayout(entries, metadata);
  }

  /** The length of the whole file. */
  public long requiredBytes() {
    return requiredBytes;
  }

  /** First byte of the data, from the start of the file. */
  public long dataStart() {
    return header.length;
  }

  /** All bytes before the data: the length of the header, the header, its padding. */
  public byte[] header() {
    return header.clone();
  }

  /** The places of the tensors in a file of this layout, in the order of their offsets. */
  public List<TensorInfo> tensors(Path file) {
    List<TensorInfo> tensors = new ArrayList<>(entries.size());
    for (int i = 0; i < entries.size(); i++) {
      Entry entry = entries.get(i);
      tensors.add(entry.at(file, Math.addExact(dataStart(), offsets[i])));
    }
    return List.copyOf(tensors);
  }

  /** The offset of each tensor in the data, and the end of the last one. */
  private static long[] offsets(List<Entry> entries) {
    Set<String> names = new HashSet<>();
    long[] offsets = new long[entries.size() + 1];
    for (int i = 0; i < entries.size(); i++) {
      Entry entry = entries.get(i);
      if (entry.name.equals(SafetensorsHeader.METADATA)) {
        throw new CheckpointException(
            "a tensor cannot be named '%s': the format keeps this name for itself"
                .formatted(entry.name));
      }
      if (!names.add(entry.name)) {
        throw new CheckpointException(
            "two tensors of one file are named " + CheckpointException.quote(entry.name));
      }
      try {
        long bytes = entry.at(Path.of(""), 0).bytes();
        offsets[i + 1] = Math.addExact(offsets[i], bytes);
      } catch (ArithmeticException e) {
        throw new CheckpointException(
            "tensor '%s': with shape %s of %s the file would have more than 2^63 bytes"
                .formatted(entry.name, entry.shape, entry.dtype),
            e);
      }
    }
    return offsets;
  }

  private static byte[] header(List<Entry> entries, Map<String, String> metadata, long[] offsets) {
    Map<String, Object> json = new LinkedHashMap<>();
    if (!metadata.isEmpty()) {
      json.put(SafetensorsHeader.METADATA, metadata);
    }
    for (int i = 0; i < entries.size(); i++) {
      Entry entry = entries.get(i);
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("dtype", entry.type);
      fields.put("shape", entry.shape);
      fields.put("data_offsets", List.of(offsets[i], offsets[i + 1]));
      json.put(entry.name, fields);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(new byte[SafetensorsHeader.PREFIX]);
    try {
      Json.plain().writeValue(bytes, json);
    } catch (IOException e) {
      // Nothing is written but memory; only text that is no Unicode comes here.
      throw new UncheckedIOException("a tensor name or metadata is not valid Unicode", e);
    }
    int alignment = offsets[entries.size()] < LARGE ? ALIGNMENT : PAGE;
    int length = (bytes.size() + alignment - 1) / alignment * alignment;
    if (length - SafetensorsHeader.PREFIX > SafetensorsHeader.LONGEST) {
      throw new CheckpointException(
          "%d tensors need a header of %d bytes, the format allows %d; use more shards"
              .formatted(
                  entries.size(), length - SafetensorsHeader.PREFIX, SafetensorsHeader.LONGEST));
    }
    byte[] header = Arrays.copyOf(bytes.toByteArray(), length);
    Arrays.fill(header, bytes.size(), length, (byte) ' ');
    ByteBuffer.wrap(header)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(0, length - SafetensorsHeader.PREFIX);
    return header;
  }
}
