package org.optmerge.checkpoint.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;

/** Packed numbers against the reference implementation, and against each type's formula. */
class GgufTypesTest {
  private static final Path RECORDED = Path.of("src/test/resources/golden/gguf");
  private static final int ROWS = 2;
  private static final int WIDTH = 512;

  @TempDir Path dir;

  /** See generate.py beside the files. */
  @Test
  void every_type_has_the_bits_that_the_python_package_reads() throws IOException {
    FloatBuffer expected =
        ByteBuffer.wrap(Files.readAllBytes(RECORDED.resolve("values.bin")))
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer();
    try (Checkpoint checkpoint = Checkpoint.open(RECORDED.resolve("types.gguf"))) {
      assertThat(checkpoint.tensors()).hasSize(expected.remaining() / (ROWS * WIDTH));
      for (TensorInfo tensor : checkpoint.tensors()) {
        float[] values = new float[ROWS * WIDTH];
        checkpoint.read(tensor, 0, values.length, values);
        for (int i = 0; i < values.length; i++) {
          assertThat(values[i]).as("%s %d", tensor.name(), i).isEqualTo(expected.get());
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = GgmlType.class,
      names = {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"})
  void an_element_is_what_the_formula_of_its_type_says(GgmlType type) throws IOException {
    Random random = new Random(type.id());
    int blocks = ROWS * WIDTH / type.blockSize();
    byte[] packed = new byte[blocks * type.blockBytes()];
    random.nextBytes(packed);
    for (int i = 0; i < packed.length; i += type.blockBytes()) {
      for (int at : scales(type)) {
        packed[i + at + 1] = (byte) (packed[i + at + 1] & 0x83 | 0x28); // small and finite
      }
    }
    Path file =
        TinyGguf.llama()
            .tensor("x", type.id(), List.of(ROWS, WIDTH), packed)
            .write(dir.resolve("x.gguf"));

    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      TensorInfo tensor = checkpoint.find("x").orElseThrow();
      assertThat(tensor.dtype()).isEqualTo(DType.F32);
      assertThat(tensor.shape()).containsExactly((long) ROWS, (long) WIDTH);
      // Parts that begin and end within blocks too.
      for (int from : new int[] {0, 1, 31, 255, 300, 777}) {
        int length = Math.min(ROWS * WIDTH - from, 1 + random.nextInt(600));
        float[] values = new float[length];
        checkpoint.read(tensor, from, length, values);
        for (int i = 0; i < length; i++) {
          double expected = element(type, packed, from + i);
          assertThat((double) values[i])
              .as("%s %d", type, from + i)
              .isCloseTo(expected, within(1e-5 * Math.max(1, Math.abs(expected))));
        }
      }
    }
  }

  private static int[] scales(GgmlType type) {
    return switch (type) {
      case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
      case Q2_K -> new int[] {80, 82};
      case Q3_K -> new int[] {108};
      case Q6_K -> new int[] {208};
      default -> new int[] {0};
    };
  }

  /** One element, bit by bit as the structs of ggml-common.h have it, in float64. */
  private static double element(GgmlType type, byte[] packed, int index) {
    int at = index / type.blockSize() * type.blockBytes();
    int i = index % type.blockSize();
    Block block = new Block(packed, at);
    switch (type) {
      case Q4_0:
        return block.half(0) * (block.nibble(2, i % 16, i / 16) - 8);
      case Q4_1:
        return block.half(0) * block.nibble(4, i % 16, i / 16) + block.half(2);
      case Q5_0:
        return block.half(0) * (block.nibble(6, i % 16, i / 16) + 16 * block.bit(2, i) - 16);
      case Q5_1:
        return block.half(0) * (block.nibble(8, i % 16, i / 16) + 16 * block.bit(4, i))
            + block.half(2);
      case Q8_0:
        return block.half(0) * packed[at + 2 + i];
      case Q2_K:
        {
          int scale = block.u8(i / 16);
          int code = block.u8(16 + i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3;
          return block.half(80) * (scale % 16) * code - block.half(82) * (scale / 16);
        }
      case Q3_K:
        {
          int code = block.u8(32 + i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3;
          int high = block.u8(i % 32) >> (i / 32) & 1;
          int part = i / 16;
          int low = part < 8 ? block.u8(96 + part) % 16 : block.u8(96 + part - 8) / 16;
          int top = block.u8(104 + part % 4) >> (part / 4 * 2) & 3;
          return block.half(108) * (low + 16 * top - 32) * (code + 4 * high - 4);
        }
      case Q4_K:
        return block.half(0)
                * block.sixBits(i / 32, false)
                * block.nibble(16, i / 64 * 32 + i % 32, i / 32 % 2)
            - block.half(2) * block.sixBits(i / 32, true);
      case Q5_K:
        {
          int high = block.u8(16 + i % 32) >> (i / 32) & 1;
          int code = block.nibble(48, i / 64 * 32 + i % 32, i / 32 % 2) + 16 * high;
          return block.half(0) * block.sixBits(i / 32, false) * code
              - block.half(2) * block.sixBits(i / 32, true);
        }
      case Q6_K:
        {
          int low = block.nibble(0, i / 128 * 64 + i % 64, i % 128 / 64);
          int high = block.u8(128 + i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3;
          return block.half(208) * packed[at + 192 + i / 16] * (low + 16 * high - 32);
        }
      default:
        throw new AssertionError(type);
    }
  }

  private record Block(byte[] packed, int at) {
    int u8(int index) {
      return Byte.toUnsignedInt(packed[at + index]);
    }

    int nibble(int from, int index, int high) {
      return high == 0 ? u8(from + index) % 16 : u8(from + index) / 16;
    }

    int bit(int from, int index) {
      return u8(from + index / 8) >> (index % 8) & 1;
    }

    /** Scale or offset of one of eight parts, in twelve bytes from the fourth on. */
    int sixBits(int part, boolean offset) {
      int column = part % 4;
      if (part < 4) {
        return u8(4 + column + (offset ? 4 : 0)) % 64;
      }
      int low = offset ? u8(12 + column) / 16 : u8(12 + column) % 16;
      return low + u8(4 + column + (offset ? 4 : 0)) / 64 * 16;
    }

    double half(int index) {
      int bits = u8(index) + 256 * u8(index + 1);
      double sign = bits >= 0x8000 ? -1 : 1;
      int exponent = bits / 1024 % 32;
      double fraction = bits % 1024 / 1024.0;
      return exponent == 0
          ? sign * fraction * Math.pow(2, -14)
          : sign * (1 + fraction) * Math.pow(2, exponent - 15);
    }
  }
}
