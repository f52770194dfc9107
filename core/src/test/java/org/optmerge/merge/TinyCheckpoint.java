package org.optmerge.merge;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes checkpoint folders of a few numbers by the format's description, not by our own writer.
 */
public final class TinyCheckpoint {
  private final ObjectNode header = JsonNodeFactory.instance.objectNode();
  private final List<byte[]> data = new ArrayList<>();
  private int offset;

  /** A float32 tensor. */
  public TinyCheckpoint f32(String name, List<Integer> shape, float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return tensor(name, "F32", shape, bytes.array());
  }

  /** A bfloat16 tensor; the values must be exact in it. */
  public TinyCheckpoint bf16(String name, List<Integer> shape, float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
    }
    return tensor(name, "BF16", shape, bytes.array());
  }

  /** A tensor as stored. */
  public TinyCheckpoint tensor(String name, String dtype, List<Integer> shape, byte[] bytes) {
    ObjectNode entry = header.putObject(name);
    entry.put("dtype", dtype);
    shape.forEach(entry.putArray("shape")::add);
    entry.putArray("data_offsets").add(offset).add(offset + bytes.length);
    offset += bytes.length;
    data.add(bytes);
    return this;
  }

  /** Writes {@code model.safetensors} and {@code config.json}. */
  public Path writeTo(Path folder, String config) throws IOException {
    Files.createDirectories(folder);
    writeFile(folder.resolve("model.safetensors"));
    Files.writeString(folder.resolve("config.json"), config);
    return folder;
  }

  /** Writes one safetensors file. */
  public Path writeFile(Path file) throws IOException {
    byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
    int padded = (json.length + 7) / 8 * 8;
    ByteBuffer bytes = ByteBuffer.allocate(8 + padded + offset).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(padded).put(json);
    while (bytes.position() < 8 + padded) {
      bytes.put((byte) ' ');
    }
    data.forEach(bytes::put);
    Files.createDirectories(file.toAbsolutePath().getParent());
    Files.write(file, bytes.array());
    return file;
  }
}
