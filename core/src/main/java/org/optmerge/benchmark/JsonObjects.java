package org.optmerge.benchmark;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;

/** The objects of JSON files, one at a time: one after the other, or in an array. */
final class JsonObjects implements QuestionStream.Source<JsonNode> {
  private final List<Path> files;
  private int next;
  private @Nullable JsonParser parser;
  private @Nullable Path current;

  JsonObjects(List<Path> files) {
    this.files = files;
  }

  @Override
  public @Nullable JsonNode next() throws IOException {
    try {
      while (true) {
        if (parser == null) {
          if (next == files.size()) {
            return null;
          }
          current = files.get(next++);
          parser = Json.plain().getFactory().createParser(current.toFile());
        }
        JsonToken token = parser.nextToken();
        if (token == JsonToken.START_OBJECT) {
          return Json.plain().readTree(parser);
        }
        if (token == null) {
          parser.close();
          parser = null;
        } else if (token != JsonToken.START_ARRAY && token != JsonToken.END_ARRAY) {
          throw new IOException(
              "'%s', line %d: expected an object, got %s"
                  .formatted(current, parser.currentLocation().getLineNr(), token));
        }
      }
    } catch (JsonProcessingException e) {
      throw new IOException(
          "'%s', line %d: %s"
              .formatted(current, e.getLocation().getLineNr(), e.getOriginalMessage()),
          e);
    }
  }

  @Override
  public void close() throws IOException {
    if (parser != null) {
      parser.close();
    }
  }
}
