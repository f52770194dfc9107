package org.optmerge.checkpoint.gguf;

import static org.optmerge.checkpoint.CheckpointException.quote;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.optmerge.checkpoint.CheckpointException;

/**
 * The header of a GGUF file, versions 2 and 3, little endian: metadata and the places of tensors.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">GGUF, the
 *     specification</a>
 */
record GgufHeader(GgufMetadata metadata, List<GgufTensor> tensors) {
  /** "GGUF", read as a little-endian number. */
  static final int MAGIC = 0x4655_4747;

  static final int VERSION = 3;
  static final String ALIGNMENT = "general.alignment";
  static final int DEFAULT_ALIGNMENT = 32;

  private static final int MOST_DIMENSIONS = 4;
  private static final long LARGEST_ALIGNMENT = 1 << 20;

  /** Key length, a type, a value of one byte. */
  private static final int LEAST_METADATA = 13;

  /** Name length, dimensions, one extent, type, offset. */
  private static final int LEAST_TENSOR = 32;

  /**
   * Reads and checks a header; the data is not read.
   *
   * @throws CheckpointException if anything about it is not as the format demands
   */
  static GgufHeader read(Path file, FileChannel channel) {
    try {
      return new Reader(file, new GgufInput(file, channel), channel.size()).header();
    } catch (IOException e) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, e), e);
    }
  }

  /** A tensor before it is known where the data begins. */
  private record Entry(String name, List<Long> shape, GgmlType type, long offset) {}

  private record Reader(Path file, GgufInput input, long fileBytes) {
    GgufHeader header() throws IOException {
      if (input.remaining() < 24 || input.int32() != MAGIC) {
        throw input.error("is no GGUF file: it does not begin with 'GGUF' and counts");
      }
      checkVersion(input.int32());
      int tensors = input.count("the number of tensors", LEAST_TENSOR);
      int pairs = input.count("the number of metadata values", LEAST_METADATA);
      Map<String, Object> values = new LinkedHashMap<>();
      for (int i = 0; i < pairs; i++) {
        String key = input.text("a metadata key");
        if (values.put(key, input.value(key)) != null) {
          throw input.error("metadata %s is there twice".formatted(quote(key)));
        }
      }
      GgufMetadata metadata = new GgufMetadata(file, values);
      List<Entry> entries = new ArrayList<>();
      Set<String> names = new HashSet<>();
      for (int i = 0; i < tensors; i++) {
        Entry entry = entry();
        if (!names.add(entry.name)) {
          throw input.error("two tensors are named " + quote(entry.name));
        }
        entries.add(entry);
      }
      return new GgufHeader(metadata, placed(entries, alignment(metadata)));
    }

    private void checkVersion(int version) {
      if (version == 2 || version == 3) {
        return;
      }
      int swapped = Integer.reverseBytes(version);
      throw input.error(
          swapped == 2 || swapped == 3
              ? "is big endian; only little-endian GGUF files are read, convert it first"
              : version == 1
                  ? "is GGUF version 1, which llama.cpp no longer reads either; versions 2 and 3"
                      + " are read"
                  : "is GGUF version %s; versions 2 and 3 are read"
                      .formatted(Integer.toUnsignedString(version)));
    }

    private long alignment(GgufMetadata metadata) {
      long alignment = metadata.whole(ALIGNMENT).orElse((long) DEFAULT_ALIGNMENT);
      if (alignment <= 0 || alignment > LARGEST_ALIGNMENT || alignment % 8 != 0) {
        throw input.error(
            "metadata '%s' must be a positive multiple of 8, is %d"
                .formatted(ALIGNMENT, alignment));
      }
      return alignment;
    }

    private Entry entry() throws IOException {
      String name = input.text("a tensor's name");
      long dimensions = input.u32();
      if (dimensions < 1 || dimensions > MOST_DIMENSIONS) {
        throw error(name, "it has %d dimensions, expected 1 to 4".formatted(dimensions));
      }
      List<Long> shape = new ArrayList<>();
      long size = 1;
      for (int i = 0; i < dimensions; i++) {
        long extent = input.int64();
        // The innermost comes first in the file.
        shape.add(0, extent);
        try {
          size = Math.multiplyExact(size, extent);
        } catch (ArithmeticException e) {
          throw error(name, "shape %s has more than 2^63 elements".formatted(shape));
        }
        if (extent <= 0) {
          throw error(name, "shape %s has an extent that is not positive".formatted(shape));
        }
      }
      int number = input.int32();
      GgmlType type =
          GgmlType.of(number)
              .orElseThrow(
                  () ->
                      error(
                          name,
                          "its type %s is not read; types that are: %s"
                              .formatted(GgmlType.nameOf(number), GgmlType.names())));
      long row = shape.get(shape.size() - 1);
      if (row % type.blockSize() != 0) {
        throw error(
            name,
            "a row has %d elements, which are no whole blocks of %d of %s"
                .formatted(row, type.blockSize(), type));
      }
      if (size / type.blockSize() > Long.MAX_VALUE / type.blockBytes()) {
        throw error(name, "shape %s of %s has more than 2^63 bytes".formatted(shape, type));
      }
      return new Entry(name, shape, type, input.int64());
    }

    /** The tensors by offset, which must lie in the file and not in one another. */
    private List<GgufTensor> placed(List<Entry> entries, long alignment) {
      long header = input.position();
      long start = (header + alignment - 1) / alignment * alignment;
      List<Entry> sorted = new ArrayList<>(entries);
      sorted.sort(Comparator.comparingLong(Entry::offset));
      List<GgufTensor> tensors = new ArrayList<>();
      long end = 0;
      String previous = "";
      for (Entry entry : sorted) {
        if (entry.offset < 0 || entry.offset % alignment != 0) {
          throw error(
              entry.name,
              "its data begins at offset %s, which is no multiple of the alignment %d"
                  .formatted(Long.toUnsignedString(entry.offset), alignment));
        }
        if (entry.offset < end) {
          throw error(
              entry.name,
              "its data begins at offset %d, inside tensor %s, which ends at %d"
                  .formatted(entry.offset, quote(previous), end));
        }
        long data = Math.max(0, fileBytes - start);
        GgufTensor tensor =
            new GgufTensor(
                entry.name, entry.type, entry.shape, file, start + Math.min(data, entry.offset));
        if (entry.offset > data || tensor.bytes() > data - entry.offset) {
          throw error(
              entry.name,
              "%d bytes from offset %d on are more than the %d that the file has; was the download complete?"
                  .formatted(tensor.bytes(), entry.offset, data));
        }
        end = entry.offset + tensor.bytes();
        previous = entry.name;
        tensors.add(tensor);
      }
      return List.copyOf(tensors);
    }

    private CheckpointException error(String tensor, String problem) {
      return input.error("tensor %s: %s".formatted(quote(tensor), problem));
    }
  }
}
