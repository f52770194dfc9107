package org.optmerge.checkpoint.gguf;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.DType;

/**
 * The element types of GGUF that are read. Packed types hold blocks of elements with their scales.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">GGUF, ggml_type</a>
 */
enum GgmlType {
  F32(0, 1, 4, DType.F32),
  F16(1, 1, 2, DType.F16),
  Q4_0(2, 32, 18, null),
  Q4_1(3, 32, 20, null),
  Q5_0(6, 32, 22, null),
  Q5_1(7, 32, 24, null),
  Q8_0(8, 32, 34, null),
  Q2_K(10, 256, 84, null),
  Q3_K(11, 256, 110, null),
  Q4_K(12, 256, 144, null),
  Q5_K(13, 256, 176, null),
  Q6_K(14, 256, 210, null),
  IQ4_NL(20, 32, 18, null),
  IQ4_XS(23, 256, 136, null),
  I8(24, 1, 1, DType.I8),
  I16(25, 1, 2, DType.I16),
  I32(26, 1, 4, DType.I32),
  I64(27, 1, 8, DType.I64),
  F64(28, 1, 8, DType.F64),
  BF16(30, 1, 2, DType.BF16);

  /** Types that the format has and this library does not unpack. */
  private static final Map<Integer, String> NOT_READ =
      Map.ofEntries(
          Map.entry(4, "Q4_2, which llama.cpp has given up"),
          Map.entry(5, "Q4_3, which llama.cpp has given up"),
          Map.entry(9, "Q8_1"),
          Map.entry(15, "Q8_K"),
          Map.entry(16, "IQ2_XXS"),
          Map.entry(17, "IQ2_XS"),
          Map.entry(18, "IQ3_XXS"),
          Map.entry(19, "IQ1_S"),
          Map.entry(21, "IQ3_S"),
          Map.entry(22, "IQ2_S"),
          Map.entry(29, "IQ1_M"),
          Map.entry(31, "Q4_0_4_4, which llama.cpp has given up"),
          Map.entry(32, "Q4_0_4_8, which llama.cpp has given up"),
          Map.entry(33, "Q4_0_8_8, which llama.cpp has given up"),
          Map.entry(34, "TQ1_0"),
          Map.entry(35, "TQ2_0"),
          Map.entry(39, "MXFP4"),
          Map.entry(40, "NVFP4"));

  private static final Map<Integer, GgmlType> BY_ID =
      Arrays.stream(values()).collect(Collectors.toMap(type -> type.id, Function.identity()));

  private final int id;
  private final int blockSize;
  private final int blockBytes;
  private final @Nullable DType stored;

  GgmlType(int id, int blockSize, int blockBytes, @Nullable DType stored) {
    this.id = id;
    this.blockSize = blockSize;
    this.blockBytes = blockBytes;
    this.stored = stored;
  }

  /** The number of the type in a file. */
  int id() {
    return id;
  }

  /** Elements that are packed together; 1 for plain numbers. */
  int blockSize() {
    return blockSize;
  }

  /** Bytes of a block. */
  int blockBytes() {
    return blockBytes;
  }

  /** True if elements are packed with scales. */
  boolean packed() {
    return stored == null;
  }

  /** The type in which elements are handed out: their own, or float32 for packed ones. */
  DType dtype() {
    return stored == null ? DType.F32 : stored;
  }

  /** The type of a number; empty if it is not read. */
  static Optional<GgmlType> of(int id) {
    return Optional.ofNullable(BY_ID.get(id));
  }

  /** The name of a type that is not read, or its number. */
  static String nameOf(int id) {
    return NOT_READ.getOrDefault(id, "number " + id + ", which is not known");
  }

  /** The names of the types that are read, for messages. */
  static String names() {
    return Arrays.stream(values()).map(GgmlType::name).collect(Collectors.joining(", "));
  }
}
