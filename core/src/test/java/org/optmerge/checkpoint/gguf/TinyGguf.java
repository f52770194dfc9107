package org.optmerge.checkpoint.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes small GGUF files by the format's description, with code of its own. */
public final class TinyGguf {
  private final Map<String, byte[]> metadata = new LinkedHashMap<>();
  private final List<byte[]> infos = new ArrayList<>();
  private final ByteArrayOutputStream data = new ByteArrayOutputStream();
  private int alignment = 32;
  private int version = 3;

  /** A llama of one layer, four wide, with two heads of queries and one of keys. */
  public static TinyGguf llama() {
    return new TinyGguf()
        .text("general.architecture", "llama")
        .u32("llama.embedding_length", 8)
        .u32("llama.feed_forward_length", 6)
        .u32("llama.block_count", 1)
        .u32("llama.attention.head_count", 2)
        .u32("llama.attention.head_count_kv", 1)
        .f32("llama.attention.layer_norm_rms_epsilon", 1e-6f)
        .f32("llama.rope.freq_base", 500000)
        .u32("llama.context_length", 64);
  }

  TinyGguf version(int version) {
    this.version = version;
    return this;
  }

  TinyGguf alignment(int alignment) {
    this.alignment = alignment;
    return u32("general.alignment", alignment);
  }

  public TinyGguf text(String key, String value) {
    return put(key, 8, length(value));
  }

  public TinyGguf u32(String key, int value) {
    return put(key, 4, little(4).putInt(value).array());
  }

  public TinyGguf f32(String key, float value) {
    return put(key, 6, little(4).putFloat(value).array());
  }

  public TinyGguf flag(String key, boolean value) {
    return put(key, 7, new byte[] {(byte) (value ? 1 : 0)});
  }

  public TinyGguf texts(String key, List<String> values) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(little(12).putInt(8).putLong(values.size()).array());
    values.forEach(value -> out.writeBytes(length(value)));
    return put(key, 9, out.toByteArray());
  }

  public TinyGguf ints(String key, int... values) {
    ByteBuffer out = little(12 + 4 * values.length).putInt(5).putLong(values.length);
    for (int value : values) {
      out.putInt(value);
    }
    return put(key, 9, out.array());
  }

  public TinyGguf floats(String key, float... values) {
    ByteBuffer out = little(12 + 4 * values.length).putInt(6).putLong(values.length);
    for (float value : values) {
      out.putFloat(value);
    }
    return put(key, 9, out.array());
  }

  /** Metadata as it stands. */
  TinyGguf put(String key, int type, byte[] value) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(length(key));
    out.writeBytes(little(4).putInt(type).array());
    out.writeBytes(value);
    metadata.put(key, out.toByteArray());
    return this;
  }

  /** A float32 tensor; its extents, outermost first. */
  public TinyGguf f32(String name, List<Integer> shape, float... values) {
    ByteBuffer bytes = little(4 * values.length);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return tensor(name, 0, shape, bytes.array());
  }

  /** A tensor as stored; its extents, outermost first. */
  public TinyGguf tensor(String name, int type, List<Integer> shape, byte[] bytes) {
    while (data.size() % alignment != 0) {
      data.write(0);
    }
    return info(name, type, shape, data.size(), bytes);
  }

  TinyGguf info(String name, int type, List<Integer> shape, long offset, byte[] bytes) {
    ByteBuffer info =
        little(8 + name.getBytes(StandardCharsets.UTF_8).length + 4 + 8 * shape.size() + 12);
    info.put(length(name)).putInt(shape.size());
    for (int i = shape.size() - 1; i >= 0; i--) {
      info.putLong(shape.get(i));
    }
    info.putInt(type).putLong(offset);
    infos.add(info.array());
    data.writeBytes(bytes);
    return this;
  }

  byte[] bytes() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(
        little(20).putInt(version).putLong(infos.size()).putLong(metadata.size()).array());
    metadata.values().forEach(out::writeBytes);
    infos.forEach(out::writeBytes);
    while (out.size() % alignment != 0) {
      out.write(0);
    }
    out.writeBytes(data.toByteArray());
    return out.toByteArray();
  }

  public Path write(Path file) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    return Files.write(file, bytes());
  }

  private static byte[] length(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return little(8 + bytes.length).putLong(bytes.length).put(bytes).array();
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
