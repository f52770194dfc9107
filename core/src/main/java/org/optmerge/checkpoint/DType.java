package org.optmerge.checkpoint;

import com.fasterxml.jackson.annotation.JsonValue;
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
  F64(8, true, "float64"),
  F32(4, true, "float32"),
  F16(2, true, "float16"),
  BF16(2, true, "bfloat16"),
  F8_E4M3(1, true, "float8_e4m3fn"),
  F8_E5M2(1, true, "float8_e5m2"),
  I64(8, false, "int64"),
  I32(4, false, "int32"),
  I16(2, false, "int16"),
  I8(1, false, "int8"),
  U64(8, false, "uint64"),
  U32(4, false, "uint32"),
  U16(2, false, "uint16"),
  U8(1, false, "uint8"),
  BOOL(1, false, "bool");

  private static final Map<String, DType> BY_HEADER =
      Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(DType::name, type -> type));

  private final int bytes;
  private final boolean floating;
  private final String torchName;

  DType(int bytes, boolean floating, String torchName) {
    this.bytes = bytes;
    this.floating = floating;
    this.torchName = torchName;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** True for the types that hold real numbers. */
  public boolean isFloating() {
    return floating;
  }

  /** The name in {@code config.json} and in recipes, for example {@code bfloat16}. */
  @JsonValue
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
