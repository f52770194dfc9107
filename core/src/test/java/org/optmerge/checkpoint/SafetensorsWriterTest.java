package org.optmerge.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.SafetensorsLayout.Entry;

class SafetensorsWriterTest {
  @TempDir Path dir;

  private static ByteBuffer stored(DType dtype, float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * dtype.bytes());
    FloatCodec.narrow(dtype, values, 0, values.length, bytes);
    return bytes;
  }

  @Test
  void lays_out_the_file_as_worked_out_by_hand() {
    SafetensorsLayout layout =
        SafetensorsLayout.of(
            List.of(
                new Entry("b", DType.BF16, List.of(3L)), new Entry("a", DType.F32, List.of(1L))),
            Map.of());

    // 109 characters, padded to 112: the data begins at 120 and has 3 · 2 + 1 · 4 bytes.
    String json =
        "{\"b\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[0,6]},"
            + "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[6,10]}}";
    assertThat(new String(layout.header(), 8, layout.header().length - 8, StandardCharsets.UTF_8))
        .isEqualTo(json + " ".repeat(3));
    assertThat(ByteBuffer.wrap(layout.header()).order(ByteOrder.LITTLE_ENDIAN).getLong())
        .isEqualTo(112);
    assertThat(layout.dataStart()).isEqualTo(120);
    assertThat(layout.requiredBytes()).isEqualTo(130);
    assertThat(layout.tensors(Path.of("x")))
        .extracting(TensorInfo::offset)
        .containsExactly(120L, 126L);
  }

  @Test
  void what_is_written_in_pieces_and_out_of_order_is_read_back() {
    Path file = dir.resolve("model.safetensors");
    List<Entry> entries = new ArrayList<>();
    for (DType dtype : DType.values()) {
      entries.add(
          dtype == DType.OTHER
              ? new Entry("tensor of a type to come", dtype, List.of(3L, 3L), "F3_E1M1", 4)
              : new Entry("tensor of " + dtype, dtype, List.of(2L, 4L)));
    }
    entries.add(new Entry("scalar \"é\\\n", DType.F32, List.of()));
    entries.add(new Entry("empty", DType.F16, List.of(0L, 4L)));
    SafetensorsLayout layout = SafetensorsLayout.of(entries, Map.of("format", "pt", "k", "v"));
    byte[][] data = new byte[entries.size()][];
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, layout)) {
      SplittableRandom random = new SplittableRandom(7);
      for (int i = entries.size() - 1; i >= 0; i--) {
        TensorInfo tensor = writer.tensor(entries.get(i).name());
        data[i] = new byte[(int) tensor.bytes()];
        random.nextBytes(data[i]);
        int cut = data[i].length / 3;
        writer.write(tensor, cut, ByteBuffer.wrap(data[i], cut, data[i].length - cut));
        writer.write(tensor.name(), 0, ByteBuffer.wrap(data[i], 0, cut));
      }
      writer.force();
    }

    try (Checkpoint checkpoint = Checkpoint.open(dir)) {
      assertThat(checkpoint.tensors()).isEqualTo(layout.tensors(file));
      assertThat(checkpoint.metadata(file)).isEqualTo(Map.of("format", "pt", "k", "v"));
      for (int i = 0; i < data.length; i++) {
        ByteBuffer read = ByteBuffer.allocate(data[i].length);
        checkpoint.readBytes(checkpoint.tensors().get(i), 0, read);
        assertThat(read.array()).as(entries.get(i).name()).isEqualTo(data[i]);
      }
    }
  }

  @Test
  void many_threads_write_one_file() {
    Path file = dir.resolve("model.safetensors");
    int count = 64;
    SafetensorsLayout layout =
        SafetensorsLayout.of(
            IntStream.range(0, count)
                .mapToObj(i -> new Entry("t" + i, DType.F32, List.of(1000L)))
                .toList());
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, layout)) {
      IntStream.range(0, count)
          .parallel()
          .forEach(
              i ->
                  writer.write(
                      "t" + i, 0, stored(DType.F32, TestCheckpoints.gaussians(1000, i, 1))));
    }

    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      IntStream.range(0, count)
          .parallel()
          .forEach(
              i ->
                  assertThat(TestCheckpoints.values(checkpoint, "t" + i))
                      .isEqualTo(TestCheckpoints.gaussians(1000, i, 1)));
    }
  }

  @Test
  void an_independent_reader_sees_the_same_numbers() throws IOException {
    Path file = dir.resolve("model.safetensors");
    SafetensorsLayout layout =
        SafetensorsLayout.of(
            List.of(
                new Entry("half", DType.F16, List.of(3L)),
                new Entry("single", DType.F32, List.of(2L, 2L))),
            // DJL reads every entry of the header as a tensor but this one.
            SafetensorsLayout.PYTORCH);
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, layout)) {
      writer.write("half", 0, stored(DType.F16, 1, -0.5f, 65504));
      writer.write("single", 0, stored(DType.F32, 1, 2, 3, -4.25f));
    }

    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        var in = Files.newInputStream(file)) {
      NDList decoded = NDList.decode(manager, in);
      NDArray half =
          decoded.stream().filter(a -> "half".equals(a.getName())).findFirst().orElseThrow();
      NDArray single =
          decoded.stream().filter(a -> "single".equals(a.getName())).findFirst().orElseThrow();
      assertThat(half.toType(ai.djl.ndarray.types.DataType.FLOAT32, false).toFloatArray())
          .containsExactly(1, -0.5f, 65504);
      assertThat(single.getShape()).isEqualTo(new Shape(2, 2));
      assertThat(single.toFloatArray()).containsExactly(1, 2, 3, -4.25f);
    }
  }

  @Test
  void reads_what_an_independent_writer_wrote() throws IOException {
    Path file = dir.resolve("model.safetensors");
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        var out = Files.newOutputStream(file)) {
      NDArray array = manager.create(new float[] {1, 2, 3, 4, 5, 6}, new Shape(2, 3));
      array.setName("a");
      new NDList(array).encode(out, NDList.Encoding.SAFETENSORS);
    }

    assertThat(TestCheckpoints.values(dir, "a")).containsExactly(1, 2, 3, 4, 5, 6);
  }

  @Test
  void goes_on_with_a_file_of_the_same_layout_only() {
    Path file = dir.resolve("model.safetensors");
    SafetensorsLayout layout =
        SafetensorsLayout.of(List.of(new Entry("a", DType.F32, List.of(2L))));
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, layout)) {
      writer.write("a", 0, stored(DType.F32, 1));
    }
    try (SafetensorsWriter writer = SafetensorsWriter.reopen(file, layout)) {
      writer.write("a", 4, stored(DType.F32, 2));
    }
    assertThat(TestCheckpoints.values(file, "a")).containsExactly(1, 2);

    assertThatThrownBy(
            () ->
                SafetensorsWriter.reopen(
                    file, SafetensorsLayout.of(List.of(new Entry("b", DType.F32, List.of(2L))))))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            file
                + ": cannot go on with this file: its header is not that of these tensors and types");
    assertThatThrownBy(
            () ->
                SafetensorsWriter.reopen(
                    file, SafetensorsLayout.of(List.of(new Entry("a", DType.F32, List.of(3L))))))
        .hasMessage(
            "%s: cannot go on with this file: it has %d bytes, expected %d"
                .formatted(file, layout.requiredBytes(), layout.requiredBytes() + 4));
  }

  @Test
  void refuses_a_file_that_is_there_and_a_disk_that_is_too_small() {
    Path file = dir.resolve("model.safetensors");
    SafetensorsLayout small = SafetensorsLayout.of(List.of(new Entry("a", DType.F32, List.of(2L))));
    SafetensorsWriter.create(file, small).close();
    assertThatThrownBy(() -> SafetensorsWriter.create(file, small))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(file + ": is there already");

    Path huge = dir.resolve("huge.safetensors");
    SafetensorsLayout exabyte =
        SafetensorsLayout.of(List.of(new Entry("a", DType.U8, List.of(1L << 60))));
    assertThatThrownBy(() -> SafetensorsWriter.create(huge, exabyte))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(huge + ": the disk is too small: 1152921504.6 GB are needed, ");
    assertThat(huge).doesNotExist();

    assertThatThrownBy(() -> SafetensorsWriter.create(dir.resolve("no/model.safetensors"), small))
        .hasMessage(
            dir.resolve("no/model.safetensors") + ": cannot be created: its folder does not exist");
  }

  @Test
  void refuses_bytes_outside_a_tensor_and_tensors_of_other_files() {
    SafetensorsLayout layout =
        SafetensorsLayout.of(List.of(new Entry("a", DType.F32, List.of(2L))));
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(dir.resolve("model.safetensors"), layout)) {
      assertThatThrownBy(() -> writer.write("a", 4, ByteBuffer.allocate(5)))
          .isInstanceOf(IndexOutOfBoundsException.class)
          .hasMessage("tensor 'a': 5 bytes from 4 on of 8");
      assertThatThrownBy(() -> writer.write("b", 0, ByteBuffer.allocate(1)))
          .hasMessage(dir.resolve("model.safetensors") + ": the layout has no tensor 'b'");
      TensorInfo other = layout.tensors(dir.resolve("other.safetensors")).get(0);
      assertThatThrownBy(() -> writer.write(other, 0, ByteBuffer.allocate(1)))
          .hasMessage("tensor 'a' is not one of " + dir.resolve("model.safetensors"));
    }
  }

  @Test
  void refuses_names_and_sizes_that_the_format_cannot_hold() {
    Entry a = new Entry("a", DType.F32, List.of(2L));
    assertThatThrownBy(() -> SafetensorsLayout.of(List.of(a, a)))
        .isInstanceOf(CheckpointException.class)
        .hasMessage("two tensors of one file are named 'a'");
    assertThatThrownBy(
            () -> SafetensorsLayout.of(List.of(new Entry("__metadata__", DType.F32, List.of()))))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "a tensor cannot be named '__metadata__': the format keeps this name for itself");
    assertThatThrownBy(
            () -> SafetensorsLayout.of(List.of(new Entry("a", DType.F32, List.of(1L << 62)))))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "tensor 'a': with shape [4611686018427387904] of F32 the file would have more than 2^63"
                + " bytes");
  }

  @Test
  void writes_an_index_as_the_hub_does_and_reads_it_back() throws IOException {
    Path file = dir.resolve(ShardIndex.FILE_NAME);
    ShardIndex index = new ShardIndex(12, Map.of("b", "m2.safetensors", "a", "m1.safetensors"));

    index.write(file);

    assertThat(file)
        .hasContent(
            """
            {
              "metadata": {
                "total_size": 12
              },
              "weight_map": {
                "a": "m1.safetensors",
                "b": "m2.safetensors"
              }
            }
            """);
    assertThat(ShardIndex.read(file)).isEqualTo(index);
  }
}
