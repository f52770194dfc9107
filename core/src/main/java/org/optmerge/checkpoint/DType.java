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
  F64(64, true, "float64"),
  F32(32, true, "float32"),
  F16(16, true, "float16"),
  BF16(16, true, "bfloat16"),
  F8_E4M3(8, true, "float8_e4m3fn"),
  F8_E5M2(8, true, "float8_e5m2"),
  I64(64, false, "int64"),
  I32(32, false, "int32"),
  I16(16, false, "int16"),
  I8(8, false, "int8"),
  U64(64, false, "uint64"),
  U32(32, false, "uint32"),
  U16(16, false, "uint16"),
  U8(8, false, "uint8"),
  BOOL(8, false, "bool"),
  F8_E8M0(8, false, "float8_e8m0fnu"),
  F8_E4M3FNUZ(8, false, "float8_e4m3fnuz"),
  F8_E5M2FNUZ(8, false, "float8_e5m2fnuz"),
  F6_E2M3(6, false, "float6_e2m3fn"),
  F6_E3M2(6, false, "float6_e3m2fn"),
  F4(4, false, "float4_e2m1fn"),
  C64(64, false, "complex64"),
  /** A type that came after this library: its tensors are told and copied by their bytes. */
  OTHER(0, false, "unknown");

  private static final Map<String, DType> BY_HEADER =
      Arrays.stream(values())
          .filter(type -> type != OTHER)
          .collect(Collectors.toUnmodifiableMap(DType::name, type -> type));

  private final int bits;
  private final boolean floating;
  private final String torchName;

  DType(int bits, boolean floating, String torchName) {
    this.bits = bits;
    this.floating = floating;
    this.torchName = torchName;
  }

  /** Bits of one element; 0 for {@link #OTHER}. */
  public int bits() {
    return bits;
  }

  /** Bytes of one element, for types whose elements fill bytes; else 0. */
  public int bytes() {
    return bits % 8 == 0 ? bits / 8 : 0;
  }

  /** True for the types that hold real numbers and can be computed with. */
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

  /** The names that headers have for the types, for messages. */
  static List<String> headerNames() {
    return Arrays.stream(values()).filter(type -> type != OTHER).map(DType::name).toList();
  }

  /**
   * The type of a PyTorch name such as {@code bfloat16} or {@code torch.float32}; empty if unknown.
   */
  public static Optional<DType> ofTorch(String name) {
    String plain = name.toLowerCase(Locale.ROOT);
    String bare = plain.startsWith("torch.") ? plain.substring("torch.".length()) : plain;
    return BY_HEADER.values().stream().filter(type -> type.torchName.equals(bare)).findFirst();
  }

  /** The PyTorch names of the floating types, for messages. */
  static List<String> floatingTorchNames() {
    return Arrays.stream(values()).filter(DType::isFloating).map(DType::torchName).toList();
  }
}
