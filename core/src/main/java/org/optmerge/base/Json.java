package org.optmerge.base;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.CheckpointException;

/** JSON from files that nobody has checked: in a stream, with limits. */
public final class Json {
  /** Deeper than any {@code config.json}; shallow enough for recursive code. */
  private static final int DEEPEST = 100;

  /** Configuration files are a few kilobytes; the longest tokenizers are not read here. */
  private static final long LONGEST_FILE = 16 << 20;

  private Json() {}

  /** Parses {@code length} bytes of a file from {@code position} on, never holding them. */
  public static JsonParser stream(FileChannel channel, long position, long length)
      throws IOException {
    return Factory.INSTANCE.createParser(
        new InputStreamReader(
            new Section(channel, position, length),
            StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT)));
  }

  /**
   * Reads a small file.
   *
   * @throws CheckpointException if it is too long, no valid JSON, or not an object
   */
  public static ObjectNode object(Path file) {
    try {
      long bytes = Files.size(file);
      if (bytes > LONGEST_FILE) {
        throw CheckpointException.at(
            file, "has %d bytes, at most %d are read".formatted(bytes, LONGEST_FILE));
      }
      try (FileChannel channel = FileChannel.open(file);
          JsonParser json = stream(channel, 0, bytes)) {
        json.enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION.mappedFeature());
        JsonNode tree = new ObjectMapper(Factory.INSTANCE).readTree(json);
        if (!(tree instanceof ObjectNode object)) {
          throw CheckpointException.at(file, "expected a JSON object");
        }
        if (json.nextToken() != null) {
          throw CheckpointException.at(file, "goes on after its JSON object has ended");
        }
        return object;
      }
    } catch (JsonProcessingException e) {
      throw new CheckpointException(
          "%s: not valid JSON at character %d: %s"
              .formatted(file, character(e), firstLine(e.getOriginalMessage())),
          e);
    } catch (CharacterCodingException e) {
      throw new CheckpointException("%s: not valid UTF-8".formatted(file), e);
    } catch (IOException e) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** Where parsing failed, counted from 0; −1 if unknown. */
  public static long character(JsonProcessingException e) {
    return e.getLocation() == null ? -1 : e.getLocation().getCharOffset();
  }

  public static String firstLine(String text) {
    return text.lines().findFirst().orElse("");
  }

  /** A token for people. */
  public static String describe(@Nullable JsonToken token) {
    if (token == null) {
      return "nothing";
    }
    return switch (token) {
      case START_OBJECT -> "an object";
      case START_ARRAY -> "an array";
      case VALUE_STRING -> "a string";
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "a number";
      case VALUE_TRUE, VALUE_FALSE -> "a truth value";
      case VALUE_NULL -> "null";
      default -> token.name();
    };
  }

  /** Made when first needed. */
  private static final class Factory {
    static final JsonFactory INSTANCE =
        JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
            // Tensor names are all different: a table of them would only grow.
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .build();
  }

  /** Some bytes of a file, read by position. */
  private static final class Section extends InputStream {
    private final FileChannel channel;
    private long position;
    private final long end;

    Section(FileChannel channel, long position, long length) {
      this.channel = channel;
      this.position = position;
      this.end = position + length;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      if (position >= end) {
        return -1;
      }
      int wanted = (int) Math.min(length, end - position);
      int read = channel.read(ByteBuffer.wrap(target, offset, wanted), position);
      position += Math.max(0, read);
      return read;
    }
  }
}
