package org.optmerge.checkpoint;

import static org.optmerge.checkpoint.CheckpointException.quote;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.base.RegularFiles;

/**
 * The header of one safetensors file, parsed and checked against the file.
 *
 * <p>The file is: eight bytes, the length of the header, little-endian; the header, a JSON object;
 * the data. The data holds the tensors without overlap and without gap, so the checks here are what
 * makes reading any of them safe.
 *
 * @param tensors in the order of their offsets
 * @param metadata {@code __metadata__}, empty if there is none
 */
record SafetensorsHeader(List<TensorInfo> tensors, Map<String, String> metadata) {
  /** Bytes of the number in front of the header. */
  static final int PREFIX = 8;

  /** The longest header the format allows. */
  static final long LONGEST = 100_000_000;

  static final String METADATA = "__metadata__";

  /** PyTorch has no tensors with more dimensions; bounds what a hostile header can make us hold. */
  static final int MOST_DIMENSIONS = 64;

  /**
   * Ten times what the largest published models have; bounds what a hostile header makes us hold.
   */
  static final int MOST_TENSORS = 1_000_000;

  private static final String FIELDS = "an object with dtype, shape and data_offsets";

  /** Reads and checks the header of a file that is not open. */
  static SafetensorsHeader read(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(RegularFiles.required(file))) {
      return read(file, channel);
    }
  }

  /**
   * Reads and checks the header of an open file.
   *
   * @throws CheckpointException if header and file are not as the format demands
   */
  static SafetensorsHeader read(Path file, FileChannel channel) throws IOException {
    long fileBytes = channel.size();
    if (fileBytes < PREFIX) {
      throw CheckpointException.at(
          file,
          fileBytes == 0
              ? "the file is empty; was the download complete?"
              : "the file has %d bytes, a safetensors file has at least %d; was the download complete?"
                  .formatted(fileBytes, PREFIX));
    }
    ByteBuffer prefix = ByteBuffer.allocate(PREFIX).order(ByteOrder.LITTLE_ENDIAN);
    while (prefix.hasRemaining() && channel.read(prefix, prefix.position()) >= 0) {}
    long length = prefix.flip().getLong();
    if (length < 0 || length > LONGEST) {
      boolean pointer =
          Arrays.equals(prefix.array(), "version ".getBytes(StandardCharsets.US_ASCII));
      throw CheckpointException.at(
          file,
          pointer
              ? "this is a Git LFS pointer, not the weights; run 'git lfs pull'"
              : "the header is said to have %s bytes, the format allows %d; is this a safetensors file?"
                  .formatted(Long.toUnsignedString(length), LONGEST));
    }
    if (length > fileBytes - PREFIX) {
      throw CheckpointException.at(
          file,
          "the header is said to have %d bytes, but only %d follow in the file; was the download complete?"
              .formatted(length, fileBytes - PREFIX));
    }
    try (JsonParser json = Json.stream(channel, PREFIX, length)) {
      return new Reading(file, json, PREFIX + length, fileBytes).header();
    } catch (JsonProcessingException | CharacterCodingException e) {
      throw invalid(file, "the header", e);
    }
  }

  /** The exception for JSON that cannot be parsed, or for bytes that are no text. */
  static CheckpointException invalid(Path file, String what, IOException e) {
    String problem =
        e instanceof JsonProcessingException json
            ? "JSON at character %d: %s"
                .formatted(Json.character(json), Json.firstLine(json.getOriginalMessage()))
            : "UTF-8";
    return new CheckpointException("%s: %s is not valid %s".formatted(file, what, problem), e);
  }

  /** A tensor as the header states it; begin and end count from the start of the data. */
  private record Entry(
      String name, DType dtype, String type, List<Long> shape, long begin, long end) {
    TensorInfo at(Path file, long offset) {
      return dtype == DType.OTHER
          ? new TensorInfo(name, dtype, shape, file, offset, type, end - begin)
          : new TensorInfo(name, dtype, shape, file, offset);
    }
  }

  /** One pass over the header. */
  private static final class Reading {
    private final Path file;
    private final JsonParser json;
    private final long dataStart;
    private final long dataBytes;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private @Nullable Map<String, String> metadata;

    Reading(Path file, JsonParser json, long dataStart, long fileBytes) {
      this.file = file;
      this.json = json;
      this.dataStart = dataStart;
      this.dataBytes = fileBytes - dataStart;
    }

    SafetensorsHeader header() throws IOException {
      JsonToken first = json.nextToken();
      if (first != JsonToken.START_OBJECT) {
        throw error("the header must be a JSON object, found " + Json.describe(first));
      }
      while (json.nextToken() != JsonToken.END_OBJECT) {
        String name = json.currentName();
        json.nextToken();
        if (name.equals(METADATA)) {
          readMetadata();
        } else {
          readTensor(name);
        }
      }
      if (json.nextToken() != null) {
        throw error("the header goes on after its JSON object has ended");
      }
      return new SafetensorsHeader(
          placed(), metadata == null ? Map.of() : Collections.unmodifiableMap(metadata));
    }

    private void readMetadata() throws IOException {
      if (metadata != null) {
        throw error("the header has " + METADATA + " twice");
      }
      if (json.currentToken() != JsonToken.START_OBJECT) {
        throw error(
            METADATA
                + " must be an object of strings, found "
                + Json.describe(json.currentToken()));
      }
      Map<String, String> read = new LinkedHashMap<>();
      while (json.nextToken() != JsonToken.END_OBJECT) {
        String key = json.currentName();
        if (json.nextToken() != JsonToken.VALUE_STRING) {
          throw error(
              "%s: the value of %s must be a string, found %s"
                  .formatted(METADATA, quote(key), Json.describe(json.currentToken())));
        }
        if (read.put(key, json.getText()) != null) {
          throw error("%s has the key %s twice".formatted(METADATA, quote(key)));
        }
      }
      metadata = read;
    }

    private void readTensor(String name) throws IOException {
      if (json.currentToken() != JsonToken.START_OBJECT) {
        throw error(
            name, "expected %s, found %s".formatted(FIELDS, Json.describe(json.currentToken())));
      }
      String dtype = null;
      List<Long> shape = null;
      List<Long> offsets = null;
      while (json.nextToken() != JsonToken.END_OBJECT) {
        String field = json.currentName();
        json.nextToken();
        boolean twice =
            switch (field) {
              case "dtype" -> dtype != null;
              case "shape" -> shape != null;
              case "data_offsets" -> offsets != null;
              default ->
                  throw error(
                      name, "unknown field %s; expected %s".formatted(quote(field), FIELDS));
            };
        if (twice) {
          throw error(name, "the field '%s' is there twice".formatted(field));
        }
        switch (field) {
          case "dtype" -> dtype = readDType(name);
          case "shape" -> shape = readNumbers(name, field, MOST_DIMENSIONS);
          default -> {
            offsets = readNumbers(name, field, 2);
            if (offsets.size() != 2) {
              throw error(
                  name,
                  "data_offsets must be [begin, end], has %d numbers".formatted(offsets.size()));
            }
          }
        }
      }
      if (dtype == null || shape == null || offsets == null) {
        String missing = dtype == null ? "dtype" : shape == null ? "shape" : "data_offsets";
        throw error(name, "the field '%s' is missing; expected %s".formatted(missing, FIELDS));
      }
      Entry entry =
          new Entry(
              name,
              DType.ofHeader(dtype).orElse(DType.OTHER),
              dtype,
              shape,
              offsets.get(0),
              offsets.get(1));
      checkSize(entry);
      if (entries.put(name, entry) != null) {
        throw error(name, "the header has this name twice");
      }
      if (entries.size() > MOST_TENSORS) {
        throw error("the header has more than %d tensors".formatted(MOST_TENSORS));
      }
    }

    /** A type that is not known is taken by its bytes, if it is called as those of the format. */
    private String readDType(String tensor) throws IOException {
      if (json.currentToken() != JsonToken.VALUE_STRING) {
        throw error(tensor, "dtype must be a string, found " + Json.describe(json.currentToken()));
      }
      String text = json.getText();
      if (DType.ofHeader(text).isEmpty() && !text.matches("[A-Z]+[0-9]+[A-Z0-9_]*")) {
        throw error(
            tensor, "unknown dtype %s; known: %s".formatted(quote(text), DType.headerNames()));
      }
      return text;
    }

    private List<Long> readNumbers(String tensor, String field, int most) throws IOException {
      if (json.currentToken() != JsonToken.START_ARRAY) {
        throw error(
            tensor,
            "%s must be an array of whole numbers, found %s"
                .formatted(field, Json.describe(json.currentToken())));
      }
      List<Long> numbers = new ArrayList<>();
      while (json.nextToken() != JsonToken.END_ARRAY) {
        if (json.currentToken() != JsonToken.VALUE_NUMBER_INT) {
          throw error(
              tensor,
              "%s must hold whole numbers, found %s"
                  .formatted(field, Json.describe(json.currentToken())));
        }
        if (json.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
          throw error(
              tensor,
              "%s holds %s, which does not fit 63 bits".formatted(field, quote(json.getText())));
        }
        long number = json.getLongValue();
        if (number < 0) {
          throw error(tensor, "%s holds the negative number %d".formatted(field, number));
        }
        if (numbers.size() == most) {
          throw error(tensor, "%s has more than %d numbers".formatted(field, most));
        }
        numbers.add(number);
      }
      return List.copyOf(numbers);
    }

    private void checkSize(Entry entry) {
      if (entry.end < entry.begin) {
        throw error(
            entry.name,
            "data_offsets [%d, %d] end before they begin".formatted(entry.begin, entry.end));
      }
      long bytes;
      try {
        TensorInfo info = entry.at(file, 0);
        bytes = info.bytes();
        if (info.size() * entry.dtype.bits() % 8 != 0) {
          throw error(
              entry.name,
              "shape %s of %s does not fill whole bytes".formatted(entry.shape, entry.type));
        }
      } catch (ArithmeticException e) {
        throw new CheckpointException(
            "%s: tensor %s: shape %s of %s has more than 2^63 bytes"
                .formatted(file, quote(entry.name), entry.shape, entry.dtype),
            e);
      }
      if (bytes != entry.end - entry.begin) {
        throw error(
            entry.name,
            "shape %s of %s needs %d bytes, data_offsets [%d, %d] hold %d"
                .formatted(
                    entry.shape,
                    entry.dtype,
                    bytes,
                    entry.begin,
                    entry.end,
                    entry.end - entry.begin));
      }
    }

    /** The tensors by offset, which must cover the data exactly. */
    private List<TensorInfo> placed() {
      List<Entry> sorted = new ArrayList<>(entries.values());
      // Stable, so that empty tensors at one offset stay in the order of the header.
      sorted.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
      List<TensorInfo> tensors = new ArrayList<>(sorted.size());
      long position = 0;
      String previous = "";
      for (Entry entry : sorted) {
        if (entry.end > dataBytes) {
          throw error(
              entry.name,
              "its data ends at byte %d of the file, which has %d; was the download complete?"
                  .formatted(addSaturated(dataStart, entry.end), dataStart + dataBytes));
        }
        if (entry.begin < position) {
          throw error(
              entry.name,
              "its data begins at offset %d, inside tensor %s, which ends at %d"
                  .formatted(entry.begin, quote(previous), position));
        }
        if (entry.begin > position) {
          throw error(
              entry.name,
              "its data begins at offset %d, but the data before it ends at %d; the format allows no gaps"
                  .formatted(entry.begin, position));
        }
        position = entry.end;
        previous = entry.name;
        tensors.add(entry.at(file, dataStart + entry.begin));
      }
      if (position != dataBytes) {
        throw error(
            "the tensors end at byte %d, but the file has %d: %d bytes belong to no tensor"
                .formatted(dataStart + position, dataStart + dataBytes, dataBytes - position));
      }
      return List.copyOf(tensors);
    }

    private static long addSaturated(long a, long b) {
      long sum = a + b;
      return sum < 0 ? Long.MAX_VALUE : sum;
    }

    private CheckpointException error(String problem) {
      return CheckpointException.at(file, problem);
    }

    private CheckpointException error(String tensor, String problem) {
      return CheckpointException.at(file, "tensor %s: %s".formatted(quote(tensor), problem));
    }
  }
}
