package org.optmerge.checkpoint;

import static org.optmerge.checkpoint.CheckpointException.quote;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Json;
import org.optmerge.base.RegularFiles;

/**
 * {@code model.safetensors.index.json}: which shard holds which tensor.
 *
 * @param totalSize bytes of all tensors, without headers
 * @param weightMap the shard's file name by tensor name
 */
public record ShardIndex(long totalSize, Map<String, String> weightMap) {
  /** The name of the index in a checkpoint folder. */
  public static final String FILE_NAME = "model.safetensors.index.json";

  private static final long LONGEST = SafetensorsHeader.LONGEST;

  public ShardIndex {
    if (totalSize < 0) {
      throw new IllegalArgumentException(
          "ShardIndex: totalSize must not be negative, is " + totalSize);
    }
    weightMap = Collections.unmodifiableMap(new LinkedHashMap<>(weightMap));
  }

  /**
   * Reads an index; shards are not looked at. A {@code total_size} that is missing or no whole
   * number is taken as 0, as many published files have a wrong one.
   *
   * @throws CheckpointException if it is not as the format demands, or names a tensor twice
   */
  public static ShardIndex read(Path file) {
    try (FileChannel channel = FileChannel.open(RegularFiles.required(file))) {
      long bytes = channel.size();
      if (bytes > LONGEST) {
        throw CheckpointException.at(
            file, "the index has %d bytes, at most %d are read".formatted(bytes, LONGEST));
      }
      try (JsonParser json = Json.stream(channel, 0, bytes)) {
        return read(file, json);
      }
    } catch (JsonProcessingException | CharacterCodingException e) {
      throw SafetensorsHeader.invalid(file, "the index", e);
    } catch (IOException e) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, e), e);
    }
  }

  /**
   * Writes the index as the hub's own tools do: indented by two, tensors sorted by name. The file
   * is on the disk when this returns; an older one is replaced.
   */
  public void write(Path file) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DefaultPrettyPrinter layout =
        new DefaultPrettyPrinter()
            .withSeparators(
                Separators.createDefaultInstance()
                    .withObjectFieldValueSpacing(Separators.Spacing.AFTER))
            .withObjectIndenter(new DefaultIndenter("  ", "\n"));
    try (JsonGenerator json = Json.generator(bytes).setPrettyPrinter(layout)) {
      json.writeStartObject();
      json.writeObjectFieldStart("metadata");
      json.writeNumberField("total_size", totalSize);
      json.writeEndObject();
      json.writeObjectFieldStart("weight_map");
      for (Map.Entry<String, String> entry : new TreeMap<>(weightMap).entrySet()) {
        json.writeStringField(entry.getKey(), entry.getValue());
      }
      json.writeEndObject();
      json.writeEndObject();
      json.writeRaw('\n');
    } catch (IOException e) {
      throw new UncheckedIOException("a tensor name is not valid Unicode", e);
    }
    try {
      AtomicFiles.write(file, bytes.toByteArray());
    } catch (IOException e) {
      throw new CheckpointException("%s: cannot be written: %s".formatted(file, e), e);
    }
  }

  private static ShardIndex read(Path file, JsonParser json) throws IOException {
    JsonToken first = json.nextToken();
    if (first != JsonToken.START_OBJECT) {
      throw CheckpointException.at(
          file, "the index must be a JSON object, found " + Json.describe(first));
    }
    long totalSize = 0;
    Map<String, String> weightMap = null;
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String field = json.currentName();
      json.nextToken();
      if (field.equals("weight_map")) {
        if (weightMap != null) {
          throw CheckpointException.at(file, "the index has weight_map twice");
        }
        weightMap = readWeightMap(file, json);
      } else if (field.equals("metadata") && json.currentToken() == JsonToken.START_OBJECT) {
        totalSize = readTotalSize(json);
      } else {
        json.skipChildren();
      }
    }
    if (weightMap == null) {
      throw CheckpointException.at(file, "the index has no weight_map");
    }
    return new ShardIndex(totalSize, weightMap);
  }

  private static Map<String, String> readWeightMap(Path file, JsonParser json) throws IOException {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw CheckpointException.at(
          file, "weight_map must be an object, found " + Json.describe(json.currentToken()));
    }
    Map<String, String> weightMap = new LinkedHashMap<>();
    String previous = "";
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String tensor = json.currentName();
      if (json.nextToken() != JsonToken.VALUE_STRING) {
        throw CheckpointException.at(
            file,
            "weight_map: tensor %s must be given a file name, found %s"
                .formatted(quote(tensor), Json.describe(json.currentToken())));
      }
      // One string per shard, not one per tensor.
      String shard = json.getText().equals(previous) ? previous : json.getText();
      previous = shard;
      @Nullable String other = weightMap.put(tensor, shard);
      if (other != null) {
        throw CheckpointException.at(
            file,
            "weight_map has tensor %s twice, in %s and %s"
                .formatted(quote(tensor), quote(other), quote(shard)));
      }
    }
    return weightMap;
  }

  private static long readTotalSize(JsonParser json) throws IOException {
    long totalSize = 0;
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String field = json.currentName();
      JsonToken value = json.nextToken();
      if (field.equals("total_size")
          && value == JsonToken.VALUE_NUMBER_INT
          && json.getNumberType() != JsonParser.NumberType.BIG_INTEGER) {
        totalSize = Math.max(0, json.getLongValue());
      } else {
        json.skipChildren();
      }
    }
    return totalSize;
  }
}
