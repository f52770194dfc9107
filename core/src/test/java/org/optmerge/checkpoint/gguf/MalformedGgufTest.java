package org.optmerge.checkpoint.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;

/** Files that are no good GGUF are refused by name, whatever they ask for. */
class MalformedGgufTest {
  private static final int TENSORS = 8;
  private static final int PAIRS = 16;

  @TempDir Path dir;

  private static TinyGguf good() {
    return TinyGguf.llama()
        .texts("some.list", List.of("a", "b"))
        .f32("token_embd.weight", List.of(2, 8), new float[16])
        .f32("output_norm.weight", List.of(8), new float[8]);
  }

  private static byte[] with(int at, long value) {
    byte[] bytes = good().bytes();
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(at, value);
    return bytes;
  }

  private static byte[] version(int version) {
    byte[] bytes = good().bytes();
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(4, version);
    return bytes;
  }

  static Stream<Arguments> bad() {
    byte[] whole = good().bytes();
    return Stream.of(
        Arguments.of("empty", new byte[0], "no GGUF file"),
        Arguments.of("other magic", "SAFETENSORS AND NOTHING ELSE".getBytes(), "no GGUF file"),
        Arguments.of("version 1", version(1), "version 1"),
        Arguments.of("version 9", version(9), "GGUF version 9"),
        Arguments.of("big endian", version(0x0300_0000), "big endian"),
        Arguments.of("tensor count", with(TENSORS, 1L << 40), "the number of tensors is"),
        Arguments.of("negative count", with(TENSORS, -1), "18446744073709551615"),
        Arguments.of("pair count", with(PAIRS, 1L << 33), "the number of metadata values is"),
        Arguments.of("key length", with(24, 1L << 50), "the length of a metadata key is"),
        Arguments.of("cut data", Arrays.copyOf(whole, whole.length - 1), "download complete"),
        Arguments.of("cut header", Arrays.copyOf(whole, 100), "; is the file complete?"),
        Arguments.of(
            "list length",
            TinyGguf.llama()
                .put(
                    "x",
                    9,
                    ByteBuffer.allocate(12)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(8)
                        .putLong(1L << 60)
                        .array())
                .bytes(),
            "the length of metadata 'x'"),
        Arguments.of("value type", TinyGguf.llama().put("x", 99, new byte[40]).bytes(), "type 99"),
        Arguments.of("lists in lists", lists(9), "deeper than"),
        Arguments.of(
            "tensor type",
            good().tensor("t", 77, List.of(4), new byte[16]).bytes(),
            "tensor 't': its type number 77"),
        Arguments.of(
            "unpacked type",
            good().tensor("t", 19, List.of(256), new byte[50]).bytes(),
            "its type IQ1_S is not read; types that are: F32"),
        Arguments.of(
            "block", good().tensor("t", 8, List.of(31), new byte[34]).bytes(), "blocks of 32"),
        Arguments.of(
            "overlap", good().info("t", 0, List.of(4), 0, new byte[16]).bytes(), "inside tensor"),
        Arguments.of(
            "unaligned",
            good().info("t", 0, List.of(1), 129, new byte[64]).bytes(),
            "no multiple of the alignment"),
        Arguments.of(
            "beyond",
            good().info("t", 0, List.of(4), 1L << 40, new byte[16]).bytes(),
            "more than the"),
        Arguments.of(
            "negative offset",
            good().info("t", 0, List.of(4), -32, new byte[16]).bytes(),
            "tensor 't': its data begins"),
        Arguments.of(
            "no dimension",
            good().info("t", 0, List.of(), 128, new byte[4]).bytes(),
            "0 dimensions"),
        Arguments.of(
            "five dimensions",
            good().info("t", 0, List.of(1, 1, 1, 1, 1), 128, new byte[4]).bytes(),
            "5 dimensions"),
        Arguments.of(
            "empty tensor",
            good().info("t", 0, List.of(0), 128, new byte[0]).bytes(),
            "not positive"),
        Arguments.of(
            "negative extent",
            good().info("t", 0, List.of(-1), 128, new byte[0]).bytes(),
            "not positive"),
        Arguments.of(
            "huge",
            good()
                .info(
                    "t",
                    0,
                    List.of(Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE),
                    128,
                    new byte[0])
                .bytes(),
            "2^63"),
        Arguments.of(
            "twice",
            good().tensor("output_norm.weight", 0, List.of(1), new byte[4]).bytes(),
            "two tensors"),
        Arguments.of("alignment", good().u32("general.alignment", 7).bytes(), "multiple of 8"),
        Arguments.of("no tensors", TinyGguf.llama().bytes(), "has no tensors"),
        Arguments.of(
            "architecture",
            good().text("general.architecture", "mamba9").bytes(),
            "architecture 'mamba9' has names that are not known; known are: llama, qwen2"),
        Arguments.of(
            "adapter", good().text("general.type", "adapter").bytes(), "no model but an adapter"),
        Arguments.of(
            "kind of setting", good().text("llama.block_count", "many").bytes(), "a whole number"),
        Arguments.of(
            "projector",
            good().text("general.architecture", "clip").text("clip.projector_type", "new").bytes(),
            "kind 'new'"),
        Arguments.of(
            "heads",
            good().tensor("blk.0.attn_q.weight", 0, List.of(3, 8), new byte[96]).bytes(),
            "3 rows do not divide"));
  }

  private static byte[] lists(int depth) {
    ByteBuffer value = ByteBuffer.allocate(12 * depth + 100).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < depth; i++) {
      value.putInt(9).putLong(1);
    }
    return TinyGguf.llama().put("x", 9, value.array()).bytes();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("bad")
  void is_refused_with_its_reason(String name, byte[] bytes, String reason) throws IOException {
    Path file = Files.write(dir.resolve("bad.gguf"), bytes);
    assertThatThrownBy(() -> Checkpoint.open(file).close())
        .as(name)
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("bad.gguf")
        .hasMessageContaining(reason);
  }

  @Test
  void damage_anywhere_is_refused_or_harmless_and_never_another_failure() throws IOException {
    byte[] whole = good().bytes();
    Random random = new Random(14);
    Path file = dir.resolve("damaged.gguf");
    int opened = 0;
    int refused = 0;
    for (int i = 0; i < 3000; i++) {
      byte[] bytes = i < whole.length ? Arrays.copyOf(whole, i) : whole.clone();
      for (int flips = i < whole.length ? 0 : 1 + random.nextInt(3); flips > 0; flips--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      Files.write(file, bytes);
      try (Checkpoint checkpoint = Checkpoint.open(file)) {
        checkpoint.tensors().forEach(tensor -> checkpoint.read(tensor, 0, 1, new float[1]));
        opened++;
      } catch (CheckpointException e) {
        refused++;
      }
    }
    assertThat(opened).isPositive();
    assertThat(refused).isGreaterThan(whole.length - 1);
  }
}
