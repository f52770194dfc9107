package org.optmerge.base;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * JSON read and written: objects of files that nobody has checked, in a stream and with limits;
 * values; records.
 */
public final class Json {
  /** Deeper than any {@code config.json}; shallow enough for recursive code. */
  private static final int DEEPEST = 100;

  /** Configuration files are a few kilobytes; the longest tokenizers are not read here. */
  private static final long LONGEST_FILE = 16 << 20;

  /** A prediction may hold a picture. */
  private static final int LONGEST_STRING = 64 << 20;

  private Json() {}

  /** Parses {@code length} bytes of a file from {@code position} on, never holding them. */
  public static JsonParser stream(FileChannel channel, long position, long length)
      throws IOException {
    return Factory.STREAMED.createParser(
        new InputStreamReader(
            new Section(channel, position, length),
            StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT)));
  }

  /** Writes JSON piece by piece. */
  public static JsonGenerator generator(OutputStream out) throws IOException {
    return Factory.STREAMED.createGenerator(out);
  }

  /**
   * Reads a small file that holds one object.
   *
   * @param refusal thrown if the file is too long, cannot be read, is no valid JSON, has a key
   *     twice, or is not an object: {@code CheckpointException::new}
   */
  public static ObjectNode object(Path file, OptMergeException.Kind refusal) {
    try {
      long bytes = Files.size(file);
      if (bytes > LONGEST_FILE) {
        throw refusal.of(
            "%s: has %d bytes, at most %d are read".formatted(file, bytes, LONGEST_FILE), null);
      }
      try (FileChannel channel = FileChannel.open(RegularFiles.required(file));
          JsonParser json = stream(channel, 0, bytes)) {
        json.enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION.mappedFeature());
        JsonNode tree = Mapper.PLAIN.readTree(json);
        if (!(tree instanceof ObjectNode object)) {
          throw refusal.of("%s: expected a JSON object".formatted(file), null);
        }
        if (json.nextToken() != null) {
          throw refusal.of("%s: goes on after its JSON object has ended".formatted(file), null);
        }
        return object;
      }
    } catch (JsonProcessingException e) {
      throw refusal.of(
          "%s: not valid JSON at character %d: %s"
              .formatted(file, character(e), firstLine(e.getOriginalMessage())),
          e);
    } catch (CharacterCodingException e) {
      throw refusal.of("%s: not valid UTF-8".formatted(file), e);
    } catch (IOException e) {
      throw refusal.of("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** An empty object. */
  public static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /**
   * A result for people and programs: records with snake_case keys, paths as texts, what is
   * optional as itself or null, and null for numbers that JSON does not have.
   */
  public static <T extends JsonNode> T tree(@Nullable Object value) {
    return ResultMapper.INSTANCE.valueToTree(value);
  }

  /** Puts a value into an object as {@link #tree} has it. */
  public static void put(ObjectNode node, String name, @Nullable Object value) {
    node.set(name, tree(value));
  }

  /** A value on one line. */
  public static String line(Object value) {
    try {
      return Mapper.PLAIN.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A value on indented lines, with a line break at the end. */
  public static String pretty(Object value) {
    try {
      return Mapper.PLAIN.writerWithDefaultPrettyPrinter().writeValueAsString(value) + "\n";
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The character at which parsing failed, counted from 0; −1 if unknown. */
  public static long character(JsonProcessingException e) {
    return e.getLocation() == null ? -1 : e.getLocation().getCharOffset();
  }

  public static String firstLine(String text) {
    return text.lines().findFirst().orElse("");
  }

  /** A token in words. */
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

  /** Plain JSON, for files of the project's own and for values in memory. */
  public static ObjectMapper plain() {
    return Mapper.PLAIN;
  }

  /**
   * JSON as people and Python write it: NaN and infinity are numbers; no key twice, nothing after
   * the value, limits on depth and length.
   */
  public static ObjectMapper strict() {
    return StrictMapper.INSTANCE;
  }

  /** Records whose components are snake_case keys; unknown and missing keys are refused. */
  public static ObjectMapper snakeCase() {
    return SnakeCaseMapper.INSTANCE;
  }

  /** Records in YAML whose components are kebab-case keys; unknown and double keys are refused. */
  public static ObjectMapper yaml() {
    return YamlMapper.INSTANCE;
  }

  // Each is made when first needed: the command line starts in the time of one of them.

  private static final class Factory {
    static final JsonFactory STREAMED =
        JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
            // Tensor names are all different: a table of them would only grow.
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .build();
  }

  private static final class Mapper {
    static final ObjectMapper PLAIN = new ObjectMapper();
  }

  private static final class StrictMapper {
    static final ObjectMapper INSTANCE =
        JsonMapper.builder(
                JsonFactory.builder()
                    .streamReadConstraints(
                        StreamReadConstraints.builder()
                            .maxNestingDepth(DEEPEST)
                            .maxStringLength(LONGEST_STRING)
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
  }

  private static final class ResultMapper {
    static final ObjectMapper INSTANCE =
        JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .addModule(
                new SimpleModule()
                    .addSerializer(Path.class, ToStringSerializer.instance)
                    .addSerializer(Double.class, new Plain())
                    .addSerializer(double.class, new Plain())
                    .addSerializer(Optional.class, new Plain()))
            .build();
  }

  /** Numbers that JSON has, and what is optional as itself; null for the rest. */
  private static final class Plain extends StdSerializer<Object> {
    private static final long serialVersionUID = 1;

    Plain() {
      super(Object.class);
    }

    @Override
    public void serialize(Object value, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      if (value instanceof Double number && Double.isFinite(number)) {
        json.writeNumber(number);
      } else {
        provider.defaultSerializeValue(
            value instanceof Optional<?> optional ? optional.orElse(null) : null, json);
      }
    }
  }

  private static final class SnakeCaseMapper {
    static final ObjectMapper INSTANCE =
        JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(
                DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES,
                DeserializationFeature.FAIL_ON_TRAILING_TOKENS,
                DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES,
                DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
  }

  private static final class YamlMapper {
    static final ObjectMapper INSTANCE =
        JsonMapper.builder(new YAMLFactory())
            .propertyNamingStrategy(PropertyNamingStrategies.KEBAB_CASE)
            .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
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
