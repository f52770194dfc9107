package org.optmerge.merge.random;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A tensor as its numbers, and safetensors files of them, by the format's description and with
 * nothing of the code under test.
 */
record Array(String dtype, int[] shape, double[] values) {
  private static final ObjectMapper JSON = new ObjectMapper();

  static int size(int... shape) {
    return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }

  Array with(double[] others) {
    return new Array(dtype, shape, others);
  }

  Array as(String other) {
    return new Array(other, shape, values);
  }

  int rows() {
    return shape.length == 0 ? 1 : shape[0];
  }

  /** The first rows, or more of them. */
  Array rows(int count, java.util.function.IntToDoubleFunction more) {
    int width = values.length / rows();
    double[] cut = Arrays.copyOf(values, count * width);
    for (int i = values.length; i < cut.length; i++) {
      cut[i] = more.applyAsDouble(i);
    }
    int[] extents = shape.clone();
    extents[0] = count;
    return new Array(dtype, extents, cut);
  }

  /** False for what is only copied. */
  boolean isFloating() {
    return !dtype.startsWith("I") && !dtype.equals("U8") && !dtype.startsWith("F8");
  }

  static int width(String dtype) {
    return switch (dtype) {
      case "F64", "I64" -> 8;
      case "F32", "I32" -> 4;
      case "F16", "BF16" -> 2;
      default -> 1;
    };
  }

  private byte[] bytes() {
    ByteBuffer out =
        ByteBuffer.allocate(values.length * width(dtype)).order(ByteOrder.LITTLE_ENDIAN);
    for (double value : values) {
      switch (dtype) {
        case "F64" -> out.putDouble(value);
        case "F32" -> out.putFloat((float) value);
        case "BF16" -> out.putShort((short) (Float.floatToIntBits((float) value) >>> 16));
        case "F16" -> out.putShort(half(value));
        case "I64" -> out.putLong((long) value);
        case "I32" -> out.putInt((int) value);
        default -> out.put((byte) value);
      }
    }
    return out.array();
  }

  /** For numbers that float16 holds exactly and normally. */
  private static short half(double value) {
    int bits = Float.floatToIntBits((float) value);
    if (value == 0) {
      return (short) (bits >>> 16 & 0x8000);
    }
    int exponent = (bits >>> 23 & 255) - 127 + 15;
    return (short) (bits >>> 16 & 0x8000 | exponent << 10 | bits >>> 13 & 1023);
  }

  private static double unhalf(int bits) {
    double sign = (bits & 0x8000) == 0 ? 1 : -1;
    int exponent = bits >> 10 & 31;
    double fraction = (bits & 1023) / 1024.0;
    return exponent == 0
        ? sign * fraction * 0x1p-14
        : sign * (1 + fraction) * Math.pow(2, exponent - 15);
  }

  static void write(Path file, Map<String, Array> tensors) {
    ObjectNode header = JSON.createObjectNode();
    header.putObject("__metadata__").put("format", "pt");
    int end = 0;
    for (Map.Entry<String, Array> entry : tensors.entrySet()) {
      ObjectNode place = header.putObject(entry.getKey());
      Array tensor = entry.getValue();
      place.put("dtype", tensor.dtype);
      for (int extent : tensor.shape) {
        place.withArray("shape").add(extent);
      }
      if (tensor.shape.length == 0) {
        place.putArray("shape");
      }
      int bytes = tensor.values.length * width(tensor.dtype);
      place.putArray("data_offsets").add(end).add(end + bytes);
      end += bytes;
    }
    byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer out = ByteBuffer.allocate(8 + json.length + end).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(json.length).put(json);
    tensors.values().forEach(tensor -> out.put(tensor.bytes()));
    put(file, out.array());
  }

  static void put(Path file, byte[] bytes) {
    try {
      Files.createDirectories(file.getParent());
      Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Every tensor of every safetensors file of a folder that its index, if any, names. */
  static Map<String, Array> readFolder(Path folder) throws IOException {
    Map<String, Array> tensors = new LinkedHashMap<>();
    List<Path> files;
    try (var all = Files.list(folder)) {
      files = all.filter(file -> file.toString().endsWith(".safetensors")).sorted().toList();
    }
    Path index = folder.resolve("model.safetensors.index.json");
    JsonNode map = Files.exists(index) ? JSON.readTree(index.toFile()).path("weight_map") : null;
    for (Path file : files) {
      String name = file.getFileName().toString();
      if (map == null && name.equals("model.safetensors")) {
        tensors.putAll(read(file));
      } else if (map != null) {
        read(file)
            .forEach(
                (tensor, values) -> {
                  if (map.path(tensor).asText().equals(name)) {
                    tensors.put(tensor, values);
                  }
                });
      }
    }
    return tensors;
  }

  private static Map<String, Array> read(Path file) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int length = (int) in.getLong(0);
    JsonNode header = JSON.readTree(in.array(), 8, length);
    Map<String, Array> tensors = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : header.properties()) {
      if (!entry.getKey().equals("__metadata__")) {
        JsonNode place = entry.getValue();
        String dtype = place.path("dtype").asText();
        int[] shape = new int[place.path("shape").size()];
        for (int i = 0; i < shape.length; i++) {
          shape[i] = place.path("shape").path(i).asInt();
        }
        double[] values = new double[size(shape)];
        int at = 8 + length + place.path("data_offsets").path(0).asInt();
        for (int i = 0; i < values.length; i++) {
          values[i] = element(in, dtype, at + i * width(dtype));
        }
        tensors.put(entry.getKey(), new Array(dtype, shape, values));
      }
    }
    return tensors;
  }

  private static double element(ByteBuffer in, String dtype, int at) {
    return switch (dtype) {
      case "F64" -> in.getDouble(at);
      case "F32" -> in.getFloat(at);
      case "BF16" -> Float.intBitsToFloat(in.getShort(at) << 16);
      case "F16" -> unhalf(in.getShort(at) & 0xffff);
      case "I64" -> in.getLong(at);
      case "I32" -> in.getInt(at);
      default -> in.get(at);
    };
  }
}
