package org.optmerge.checkpoint;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The element types of the safetensors format.
 *
 * @see <a href="https://github.com/huggingface/safetensors">safetensors, section Format</a>
 */
public enum DType {
  F64(8, Kind.FLOATING, "float64"),
  F32(4, Kind.FLOATING, "float32"),
  F16(2, Kind.FLOATING, "float16"),
  BF16(2, Kind.FLOATING, "bfloat16"),
  F8_E4M3(1, Kind.FLOATING, "float8_e4m3fn"),
  F8_E5M2(1, Kind.FLOATING, "float8_e5m2"),
  I64(8, Kind.INTEGER, "int64"),
  I32(4, Kind.INTEGER, "int32"),
  I16(2, Kind.INTEGER, "int16"),
  I8(1, Kind.INTEGER, "int8"),
  U64(8, Kind.INTEGER, "uint64"),
  U32(4, Kind.INTEGER, "uint32"),
  U16(2, Kind.INTEGER, "uint16"),
  U8(1, Kind.INTEGER, "uint8"),
  BOOL(1, Kind.BOOLEAN, "bool");

  /** What the bits mean. */
  public enum Kind {
    FLOATING,
    INTEGER,
    BOOLEAN
  }

  private static final Map<String, DType> BY_HEADER =
      Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(DType::name, type -> type));

  private final int bytes;
  private final Kind kind;
  private final String torchName;

  DType(int bytes, Kind kind, String torchName) {
    this.bytes = bytes;
    this.kind = kind;
    this.torchName = torchName;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** What the bits mean. */
  public Kind kind() {
    return kind;
  }

  /** True for the types that hold real numbers. */
  public boolean isFloating() {
    return kind == Kind.FLOATING;
  }

  /** The name in {@code config.json} and in recipes, for example {@code bfloat16}. */
  public String torchName() {
    return torchName;
  }

  /**
   * The type of a safetensors header name such as {@code BF16}; empty if the format has no such
   * type.
   */
  static Optional<DType> ofHeader(String name) {
    return Optional.ofNullable(BY_HEADER.get(name));
  }

  /**
   * The type of a PyTorch name such as {@code bfloat16} or {@code torch.float32}; empty if unknown.
   */
  public static Optional<DType> ofTorch(String name) {
    String plain = name.toLowerCase(Locale.ROOT);
    String bare = plain.startsWith("torch.") ? plain.substring("torch.".length()) : plain;
    return Arrays.stream(values()).filter(type -> type.torchName.equals(bare)).findFirst();
  }

  /** The PyTorch names of the floating types, for messages. */
  static List<String> floatingTorchNames() {
    return Arrays.stream(values()).filter(DType::isFloating).map(DType::torchName).toList();
  }
}
