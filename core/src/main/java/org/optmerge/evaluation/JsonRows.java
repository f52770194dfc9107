package org.optmerge.evaluation;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.base.RegularFiles;

/**
 * The rows of a JSON file, whatever its ending: one object a line, the elements of an array, or one
 * object. Rows are read one after the other, and pictures in them are passed over, so memory is
 * bounded by a row.
 */
public final class JsonRows {
  /** A text of a field that is longer is a picture if the field's name says so. */
  private static final int LONGEST_NAME_OF_PICTURE = 4096;

  private JsonRows() {}

  /** The ways of putting rows into a file. */
  public enum Shape {
    /** Objects, one after the other; mostly one a line. */
    LINES,
    /** The elements of an array. */
    ARRAY,
    /** A single object. */
    OBJECT
  }

  /**
   * The beginning of a file.
   *
   * @param shape how rows are put into it
   * @param first the first row; the whole file if it is one object; null in an empty array
   */
  public record Beginning(Shape shape, @Nullable ObjectNode first) {}

  /** A receiver of rows. */
  @FunctionalInterface
  public interface Listener {
    /**
     * Takes a row.
     *
     * @param place of it in the file, such as {@code line 3} or {@code entry 0}
     */
    void row(String place, ObjectNode node);
  }

  /**
   * Looks at the first row of a file, and at what follows it.
   *
   * @throws PredictionFileException if the file is empty, no JSON, or holds something else than
   *     objects
   */
  public static Beginning beginning(Path file) {
    return open(
        file,
        json -> {
          if (json.nextToken() == null) {
            throw new PredictionFileException("%s: is empty".formatted(file));
          }
          if (json.currentToken() == JsonToken.START_ARRAY) {
            JsonToken next = json.nextToken();
            return new Beginning(
                Shape.ARRAY, next == JsonToken.END_ARRAY ? null : object(file, json, "entry 0"));
          }
          ObjectNode first = object(file, json, "line " + line(json));
          return new Beginning(json.nextToken() == null ? Shape.OBJECT : Shape.LINES, first);
        });
  }

  /**
   * Reads all rows; those of an object are the object itself.
   *
   * @throws PredictionFileException if the file is no JSON, or holds something else than objects
   */
  public static void read(Path file, Listener listener) {
    open(
        file,
        json -> {
          JsonToken token = json.nextToken();
          if (token == JsonToken.START_ARRAY) {
            int entry = 0;
            while (json.nextToken() != JsonToken.END_ARRAY) {
              String place = "entry " + entry++;
              listener.row(place, object(file, json, place));
            }
            if (json.nextToken() != null) {
              throw new PredictionFileException(
                  "%s: line %d: goes on after its array has ended".formatted(file, line(json)));
            }
            return true;
          }
          for (; token != null; token = json.nextToken()) {
            String place = "line " + line(json);
            listener.row(place, object(file, json, place));
          }
          return true;
        });
  }

  /**
   * A field of a row.
   *
   * @throws PredictionFileException if there is none, naming those that are there
   */
  public static JsonNode required(Path file, String place, ObjectNode node, String name) {
    JsonNode value = node.get(name);
    if (value == null) {
      throw new PredictionFileException(
          "%s: %s has no \"%s\"; it has %s".formatted(file, place, name, names(node)));
    }
    return value;
  }

  /** The names of an object's fields. */
  public static List<String> names(ObjectNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }

  private interface Reading<T> {
    T of(JsonParser json) throws IOException;
  }

  private static <T> T open(Path file, Reading<T> reading) {
    try (Reader text =
            new BufferedReader(
                new InputStreamReader(
                    Files.newInputStream(RegularFiles.required(file)),
                    StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT)));
        JsonParser json = Json.strict().createParser(withoutMark(text))) {
      return reading.of(json);
    } catch (JsonProcessingException e) {
      throw new PredictionFileException(
          "%s: line %d: not valid JSON: %s; is the file cut off?"
              .formatted(
                  file,
                  e.getLocation() == null ? 1 : e.getLocation().getLineNr(),
                  Json.firstLine(e.getOriginalMessage())),
          e);
    } catch (CharacterCodingException e) {
      throw new PredictionFileException("%s: not valid UTF-8".formatted(file), e);
    } catch (IOException e) {
      throw new PredictionFileException(
          "%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  private static Reader withoutMark(Reader text) throws IOException {
    text.mark(1);
    if (text.read() != '\ufeff') {
      text.reset();
    }
    return text;
  }

  private static int line(JsonParser json) {
    return json.currentTokenLocation().getLineNr();
  }

  private static ObjectNode object(Path file, JsonParser json, String place) throws IOException {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw new PredictionFileException(
          "%s: %s: expected a JSON object, came %s"
              .formatted(file, place, Json.describe(json.currentToken())));
    }
    return object(json);
  }

  private static ObjectNode object(JsonParser json) throws IOException {
    ObjectNode object = Json.object();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      json.nextToken();
      object.set(name, value(json, isPicture(name)));
    }
    return object;
  }

  private static boolean isPicture(String name) {
    return name.toLowerCase(Locale.ROOT).contains("image") || name.equals("bytes");
  }

  private static JsonNode value(JsonParser json, boolean picture) throws IOException {
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    return switch (json.currentToken()) {
      case START_OBJECT -> object(json);
      case START_ARRAY -> {
        ArrayNode array = nodes.arrayNode();
        while (json.nextToken() != JsonToken.END_ARRAY) {
          array.add(value(json, picture));
        }
        yield array;
      }
      case VALUE_STRING ->
          nodes.textNode(
              picture && json.getTextLength() > LONGEST_NAME_OF_PICTURE ? "" : json.getText());
      case VALUE_NUMBER_INT -> nodes.numberNode(json.getBigIntegerValue());
      case VALUE_NUMBER_FLOAT -> nodes.numberNode(json.getDoubleValue());
      case VALUE_TRUE -> nodes.booleanNode(true);
      case VALUE_FALSE -> nodes.booleanNode(false);
      default -> nodes.nullNode();
    };
  }
}
