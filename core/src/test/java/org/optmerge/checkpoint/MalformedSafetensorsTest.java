package org.optmerge.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.TestCheckpoints;

class MalformedSafetensorsTest {
  private static final String KNOWN =
      "[F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U64, U32, U16, U8, BOOL, F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ, F6_E2M3, F6_E3M2, F4, C64]";

  @TempDir Path dir;
  private Path file;

  @BeforeEach
  void name() {
    file = dir.resolve("model.safetensors");
  }

  private void assertRefused(byte[] content, String problem) throws IOException {
    Files.write(file, content);
    assertRefused(problem);
  }

  private void assertRefused(String problem) {
    assertThatThrownBy(() -> Checkpoint.open(dir))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(file + ": " + problem);
  }

  @Test
  void empty_and_tiny_files() throws IOException {
    assertRefused(new byte[0], "the file is empty; was the download complete?");
    assertRefused(
        new byte[7],
        "the file has 7 bytes, a safetensors file has at least 8; was the download complete?");
  }

  @Test
  void a_header_longer_than_the_format_allows() throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(100).order(ByteOrder.LITTLE_ENDIAN);
    assertRefused(
        bytes.putLong(0, 1L << 62).array(),
        "the header is said to have 4611686018427387904 bytes, the format allows 100000000; is this a"
            + " safetensors file?");
    assertRefused(
        bytes.putLong(0, -1).array(),
        "the header is said to have 18446744073709551615 bytes, the format allows 100000000; is this"
            + " a safetensors file?");
    assertRefused(
        bytes.putLong(0, 100_000_001).array(),
        "the header is said to have 100000001 bytes, the format allows 100000000; is this a"
            + " safetensors file?");
  }

  @Test
  void a_header_longer_than_the_file() throws IOException {
    byte[] bytes = ByteBuffer.allocate(100).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 93).array();
    assertRefused(
        bytes,
        "the header is said to have 93 bytes, but only 92 follow in the file; was the download"
            + " complete?");
  }

  @Test
  void a_pointer_to_a_large_file_instead_of_the_file() throws IOException {
    assertRefused(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\n"
            .getBytes(StandardCharsets.UTF_8),
        "this is a Git LFS pointer, not the weights; run 'git lfs pull'");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        // not JSON, or not the JSON of a header
        "[] | the header must be a JSON object, found an array",
        "`` | the header must be a JSON object, found nothing",
        "null | the header must be a JSON object, found null",
        "{} {} | the header goes on after its JSON object has ended",
        "{\"a\":1} | tensor 'a': expected an object with dtype, shape and data_offsets, found a number",
        "{\"a\":[[]]} | tensor 'a': expected an object with dtype, shape and data_offsets, found an array",
        // fields of a tensor
        "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}} | tensor 'a': the field 'dtype' is missing; expected an object with dtype, shape and data_offsets",
        "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}} | tensor 'a': the field 'shape' is missing; expected an object with dtype, shape and data_offsets",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}} | tensor 'a': the field 'data_offsets' is missing; expected an object with dtype, shape and data_offsets",
        "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | tensor 'a': the field 'dtype' is there twice",
        "{\"a\":{\"type\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | tensor 'a': unknown field 'type'; expected an object with dtype, shape and data_offsets",
        "{\"a\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}} | tensor 'a': dtype must be a string, found a number",
        "{\"a\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}} | tensor 'a': unknown dtype 'f32'; known: "
            + KNOWN,
        "{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}} | tensor 'a': shape must be an array of whole numbers, found a number",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}} | tensor 'a': shape must hold whole numbers, found a number",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[\"1\"],\"data_offsets\":[0,4]}} | tensor 'a': shape must hold whole numbers, found a string",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}} | tensor 'a': shape holds the negative number -1",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[18446744073709551617],\"data_offsets\":[0,4]}} | tensor 'a': shape holds '18446744073709551617', which does not fit 63 bits",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}} | tensor 'a': data_offsets has more than 2 numbers",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}} | tensor 'a': data_offsets must be [begin, end], has 1 numbers",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}} | tensor 'a': data_offsets holds the negative number -4",
        // shapes and offsets
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}} | tensor 'a': data_offsets [4, 0] end before they begin",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}} | tensor 'a': shape [2] of F32 needs 8 bytes, data_offsets [0, 4] hold 4",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}} | tensor 'a': shape [4294967296, 4294967296] of U8 has more than 2^63 bytes",
        "{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,4]}} | tensor 'a': shape [2305843009213693952] of F64 has more than 2^63 bytes",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | tensor 'a': the header has this name twice",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}} | tensor 'b': its data begins at offset 2, inside tensor 'a', which ends at 3",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}} | tensor 'b': its data begins at offset 2, but the data before it ends at 1; the format allows no gaps",
        "{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}} | tensor 'b': its data begins at offset 2, but the data before it ends at 0; the format allows no gaps",
        // metadata
        "{\"__metadata__\":[]} | __metadata__ must be an object of strings, found an array",
        "{\"__metadata__\":{\"k\":1}} | __metadata__: the value of 'k' must be a string, found a number",
        "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}} | __metadata__ has the key 'k' twice",
        "{\"__metadata__\":{},\"__metadata__\":{}} | the header has __metadata__ twice",
      })
  void headers_that_the_format_does_not_allow(String header, String problem) throws IOException {
    assertRefused(TestCheckpoints.file(header, (byte) 0, (byte) 0, (byte) 0, (byte) 0), problem);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "{\"a\"",
        "{\"a\":{\"dtype\":\"F32\"",
        "{a:1}",
        "x",
        "{\"a\":{,}}",
        "\ufeff{}"
      })
  void headers_that_are_not_json(String header) throws IOException {
    Files.write(file, TestCheckpoints.file(header));
    assertThatThrownBy(() -> Checkpoint.open(dir))
        .isInstanceOf(CheckpointException.class)
        .hasMessageMatching(
            "\\Q%s\\E: the header is not valid JSON at character \\d+: [^\\n]+".formatted(file));
  }

  @Test
  void headers_in_another_encoding() throws IOException {
    byte[] latin = TestCheckpoints.file("{\"é\":1}");
    assertThat(latin[10]).isEqualTo((byte) 0xc3);
    latin[10] = 'x';
    assertRefused(latin, "the header is not valid UTF-8");
  }

  @Test
  void nesting_a_hundred_thousand_deep() throws IOException {
    assertRefused(
        TestCheckpoints.file("{\"a\":" + "[".repeat(100_000)),
        "tensor 'a': expected an object with dtype, shape and data_offsets, found an array");
    assertRefused(
        TestCheckpoints.file("[".repeat(100_000)),
        "the header must be a JSON object, found an array");
  }

  @Test
  void a_shape_of_a_million_ones() throws IOException {
    assertRefused(
        TestCheckpoints.file(
            "{\"a\":{\"dtype\":\"U8\",\"shape\":[1" + ",1".repeat(1_000_000) + "]}}"),
        "tensor 'a': shape has more than 64 numbers");
  }

  @Test
  void truncated_files_and_trailing_bytes() throws IOException {
    TestCheckpoints.folder(dir)
        .tensor("a", DType.F32, List.of(3L), 1, 2, 3)
        .tensor("b", DType.F32, List.of(1L), 4)
        .write();
    byte[] whole = Files.readAllBytes(file);
    int n = whole.length;

    assertRefused(
        Arrays.copyOf(whole, n - 1),
        "tensor 'b': its data ends at byte %d of the file, which has %d; was the download complete?"
            .formatted(n, n - 1));
    assertRefused(
        Arrays.copyOf(whole, n - 5),
        "tensor 'a': its data ends at byte %d of the file, which has %d; was the download complete?"
            .formatted(n - 4, n - 5));
    assertRefused(
        Arrays.copyOf(whole, n + 3),
        "the tensors end at byte %d, but the file has %d: 3 bytes belong to no tensor"
            .formatted(n, n + 3));
  }

  @Test
  void names_that_would_spoil_the_terminal_are_made_harmless() throws IOException {
    assertRefused(
        TestCheckpoints.file("{\"a\\u001b[2J\\n" + "x".repeat(300) + "\":1}"),
        "tensor 'a\\u001b[2J\\u000a"
            + "x".repeat(194)
            + "…': expected an object with dtype, shape and data_offsets, found a number");
  }

  @Test
  void a_file_that_shrinks_after_it_was_opened() throws IOException {
    TestCheckpoints.folder(dir).tensor("a", DType.F32, List.of(2L), 1, 2).write();
    try (Checkpoint checkpoint = Checkpoint.open(dir);
        FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      long length = channel.size();
      channel.truncate(length - 4);
      TensorInfo a = checkpoint.find("a").orElseThrow();
      assertThatThrownBy(() -> checkpoint.read(a, 0, 2, new float[2]))
          .isInstanceOf(CheckpointException.class)
          .hasMessage(
              "%s: tensor 'a': the file ends at byte %d; it has become shorter since it was opened"
                  .formatted(file, length - 4));
    }
  }

  @Test
  void reading_after_closing() {
    TestCheckpoints.folder(dir).tensor("a", DType.F32, List.of(1L), 1).write();
    Checkpoint checkpoint = Checkpoint.open(dir);
    checkpoint.close();
    TensorInfo a = checkpoint.find("a").orElseThrow();
    assertThatThrownBy(() -> checkpoint.read(a, 0, 1, new float[1]))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(file + ": tensor 'a': the checkpoint is closed");
  }

  @Test
  void white_space_in_the_header_is_harmless_and_takes_no_memory() throws IOException {
    int spaces = 90_000_000;
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      byte[] json =
          "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"
              .getBytes(StandardCharsets.UTF_8);
      out.write(
          ByteBuffer.allocate(8)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putLong(0, json.length + spaces)
              .array());
      out.write(json);
      byte[] blank = new byte[1_000_000];
      Arrays.fill(blank, (byte) ' ');
      for (int i = 0; i < spaces / blank.length; i++) {
        out.write(blank);
      }
      out.write(7);
    }
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();

    try (Checkpoint checkpoint = Checkpoint.open(dir)) {
      assertThat(checkpoint.tensors()).hasSize(1);
    }

    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(spaces / 2);
  }

  @Test
  void a_hundred_thousand_tensors_are_in_the_order_of_their_offsets() {
    TestCheckpoints folder = TestCheckpoints.folder(dir);
    int count = 100_000;
    for (int i = 0; i < count; i++) {
      folder.bytes("layer." + i + ".weight", DType.U8, List.of(1L), (byte) i);
    }
    folder.write();

    try (Checkpoint checkpoint = Checkpoint.open(dir)) {
      assertThat(checkpoint.tensors()).hasSize(count);
      assertThat(checkpoint.tensors().get(count - 1).name()).isEqualTo("layer.99999.weight");
    }
  }

  @Test
  void tensors_beyond_four_gigabytes_are_read() throws IOException {
    long large = 5_000_000_000L;
    String header =
        ("{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[%d,%d]},"
                + "\"a\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":[0,%d]}}")
            .formatted(large, large + 8, large, large);
    byte[] start = TestCheckpoints.file(header);
    ByteBuffer values = ByteBuffer.allocate(8);
    FloatCodec.narrow(DType.F32, new float[] {1.5f, -2}, 0, 2, values);
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      channel.write(ByteBuffer.wrap(start), 0);
      channel.write(values, start.length + large); // what lies between takes no room on the disk
    }

    try (Checkpoint checkpoint = Checkpoint.open(dir)) {
      assertThat(checkpoint.tensors()).extracting(TensorInfo::name).containsExactly("a", "b");
      assertThat(TestCheckpoints.values(checkpoint, "b")).containsExactly(1.5f, -2);
      ByteBuffer last = ByteBuffer.allocate(3);
      checkpoint.readBytes(checkpoint.tensors().get(0), large - 3, last);
      assertThat(last.array()).containsOnly(0);
    }
  }

  @Tag("slow")
  @Test
  void whatever_happens_to_a_file_only_a_checkpoint_exception_comes_out() throws IOException {
    TestCheckpoints.folder(dir)
        .tensor("a.weight", DType.BF16, List.of(2L, 3L), 1, 2, 3, 4, 5, 6)
        .tensor("b", DType.F32, List.of(), 1)
        .metadata("k", "v\\\"é")
        .write();
    byte[] whole = Files.readAllBytes(file);
    byte[] interesting =
        "{}[]\",:0123456789-.eE\\ \n\0\u00ff".getBytes(StandardCharsets.ISO_8859_1);
    String[] pieces = {
      "[",
      "]",
      "{",
      "}",
      "\"",
      "9999999999",
      "-1",
      "1e400",
      "null",
      "\\u0000",
      "\\ud800",
      "a",
      ",",
      "__metadata__"
    };
    SplittableRandom random = new SplittableRandom(20260101);
    int opened = 0;
    int rounds = 3000;
    for (int round = 0; round < rounds; round++) {
      byte[] mutated = whole.clone();
      for (int i = random.nextInt(1, 4); i > 0; i--) {
        int at = random.nextInt(mutated.length);
        switch (random.nextInt(5)) {
          case 0 -> mutated[at] ^= (byte) (1 << random.nextInt(8));
          case 1 -> mutated[at] = interesting[random.nextInt(interesting.length)];
          case 2 -> mutated = Arrays.copyOf(mutated, at + 1);
          case 3 -> {
            byte[] piece =
                pieces[random.nextInt(pieces.length)].getBytes(StandardCharsets.US_ASCII);
            int times = random.nextInt(10) == 0 ? 2000 : 1;
            ByteBuffer longer = ByteBuffer.allocate(mutated.length + times * piece.length);
            longer.put(mutated, 0, at);
            for (int n = 0; n < times; n++) {
              longer.put(piece);
            }
            mutated = longer.put(mutated, at, mutated.length - at).array();
          }
          default -> {
            int from = random.nextInt(mutated.length);
            int length = Math.min(random.nextInt(20), mutated.length - Math.max(from, at));
            System.arraycopy(mutated, from, mutated, at, length);
          }
        }
        if (mutated.length > 8 && random.nextBoolean()) {
          // Otherwise most changes of length would be found by the first check.
          ByteBuffer.wrap(mutated)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putLong(0, Math.max(0, mutated.length - 8 - 16));
        }
      }
      Files.write(file, mutated);
      try (Checkpoint checkpoint = Checkpoint.open(file)) {
        opened++;
        for (TensorInfo tensor : checkpoint.tensors()) {
          ByteBuffer all = ByteBuffer.allocate((int) tensor.bytes());
          assertThatCode(() -> checkpoint.readBytes(tensor, 0, all)).doesNotThrowAnyException();
        }
      } catch (CheckpointException expected) {
        assertThat(expected).hasMessageStartingWith(file + ": ").message().doesNotContain("\n");
      }
    }
    // Flips in the data and in names leave valid files: both ways are taken.
    assertThat(opened).isBetween(rounds / 100, rounds / 2);
  }
}
