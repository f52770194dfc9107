package org.optmerge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * A recorded JSON object that notes which of its members a test reads, so that the test can fail on
 * one that it does not know instead of passing over it.
 */
public final class Recorded extends ObjectNode {
  private static final long serialVersionUID = 1;

  private final HashSet<String> read = new HashSet<>();

  private Recorded() {
    super(JsonNodeFactory.instance);
  }

  /** The objects of a tree, all of them noting what is read. */
  public static JsonNode tree(JsonNode json) {
    if (json.isObject()) {
      Recorded noting = new Recorded();
      json.properties().forEach(entry -> noting.set(entry.getKey(), tree(entry.getValue())));
      return noting;
    }
    if (json.isArray()) {
      ArrayNode array = JsonNodeFactory.instance.arrayNode();
      json.forEach(element -> array.add(tree(element)));
      return array;
    }
    return json;
  }

  /** The tree of a file. */
  public static JsonNode tree(Path file) throws IOException {
    return tree(new ObjectMapper().readTree(file.toFile()));
  }

  /** An object of a tree; a missing or null one is empty. */
  public static Recorded object(JsonNode json) {
    if (json instanceof Recorded recorded) {
      return recorded;
    }
    if (json.isMissingNode() || json.isNull()) {
      return new Recorded();
    }
    throw new AssertionError("no object that notes what is read: " + json);
  }

  @Override
  public JsonNode get(String name) {
    read.add(name);
    return super.get(name);
  }

  @Override
  public JsonNode path(String name) {
    read.add(name);
    return super.path(name);
  }

  @Override
  public Set<Map.Entry<String, JsonNode>> properties() {
    super.fieldNames().forEachRemaining(read::add);
    return super.properties();
  }

  @Override
  public Iterator<Map.Entry<String, JsonNode>> fields() {
    return properties().iterator();
  }

  @Override
  public Iterator<JsonNode> elements() {
    return properties().stream().map(Map.Entry::getValue).iterator();
  }

  /** A copy that notes nothing; all of this counts as read. */
  public ObjectNode whole() {
    ObjectNode copy = JsonNodeFactory.instance.objectNode();
    properties().forEach(entry -> copy.set(entry.getKey(), whole(entry.getValue())));
    return copy;
  }

  private static JsonNode whole(JsonNode json) {
    if (json instanceof ArrayNode array) {
      ArrayNode copy = JsonNodeFactory.instance.arrayNode();
      array.forEach(element -> copy.add(whole(element)));
      return copy;
    }
    return json instanceof Recorded object ? object.whole() : json;
  }

  /** Members that say something about the record and change no result. */
  public void passOver(String... names) {
    for (String name : names) {
      whole(path(name));
    }
  }

  /** Paths of the members that nobody has read. */
  public List<String> unread() {
    List<String> unread = new ArrayList<>();
    super.properties()
        .forEach(
            entry -> {
              if (read.contains(entry.getKey())) {
                unread(entry.getKey(), entry.getValue(), unread);
              } else {
                unread.add(entry.getKey());
              }
            });
    return unread;
  }

  private static void unread(String path, JsonNode json, List<String> unread) {
    if (json instanceof Recorded object) {
      object.unread().forEach(name -> unread.add(path + "." + name));
    } else if (json.isArray()) {
      for (int i = 0; i < json.size(); i++) {
        unread(path + "[" + i + "]", json.get(i), unread);
      }
    }
  }

  /** Fails if a member is unread: the test has not taken it into account. */
  public void requireAllRead(String what) {
    if (!unread().isEmpty()) {
      throw new AssertionError("%s: unknown settings %s".formatted(what, unread()));
    }
  }

  // Settings, as Python reads them

  /** True if the setting is there and not null. */
  public boolean isGiven(String name) {
    JsonNode given = path(name);
    return !given.isMissingNode() && !given.isNull();
  }

  /** A number that must be given. */
  public double number(String name) {
    return given(name, "a number", Recorded::asNumber);
  }

  /** A number, or another if there is no such setting; null is no number. */
  public double number(String name, double absent) {
    return path(name).isMissingNode() ? absent : number(name);
  }

  /** A whole number that must be given; 40.0 is one. */
  public int integer(String name) {
    return given(
        name,
        "a whole number",
        json -> {
          Double number = asNumber(json);
          return number != null && number == Math.rint(number) ? number.intValue() : null;
        });
  }

  /** A whole number, or another if there is no such setting; null is none. */
  public int integer(String name, int absent) {
    return path(name).isMissingNode() ? absent : integer(name);
  }

  /** True or false, also as a word or as 1 or 0; must be given. */
  public boolean flag(String name) {
    return given(
        name,
        "true or false",
        json ->
            switch (json.asText().toLowerCase(Locale.ROOT)) {
              case "true", "1", "1.0" -> true;
              case "false", "0", "0.0" -> false;
              default -> null;
            });
  }

  /** A word in small letters, which must be given. */
  public String word(String name) {
    return given(
        name, "a word", json -> json.isTextual() ? json.asText().toLowerCase(Locale.ROOT) : null);
  }

  /** A word in small letters, or another if there is no such setting; null is none. */
  public String word(String name, String absent) {
    return path(name).isMissingNode() ? absent : word(name);
  }

  /** What a word stands for; the words are in small letters. */
  public <T> T choice(String name, Map<String, T> known) {
    return known(name, word(name), known);
  }

  /** What a word stands for, or something else if there is no such setting. */
  public <T> T choice(String name, T absent, Map<String, T> known) {
    return path(name).isMissingNode() ? absent : choice(name, known);
  }

  /** Fails if the setting is there with any other value than those known. */
  public void mustBe(String name, String... known) {
    if (!path(name).isMissingNode() && !List.of(known).contains(path(name).asText())) {
      throw new AssertionError(
          "setting '%s' is %s; known: %s".formatted(name, path(name), List.of(known)));
    }
  }

  private static <T> T known(String name, String word, Map<String, T> known) {
    T meaning = known.get(word);
    if (meaning == null) {
      throw new AssertionError(
          "setting '%s' is '%s'; known: %s".formatted(name, word, known.keySet()));
    }
    return meaning;
  }

  private <T> T given(String name, String expected, Function<JsonNode, T> read) {
    JsonNode json = path(name);
    T value = json.isMissingNode() || json.isNull() ? null : read.apply(json);
    if (value == null) {
      throw new AssertionError(
          "setting '%s' must be %s, is %s"
              .formatted(name, expected, json.isMissingNode() ? "missing" : json));
    }
    return value;
  }

  private static Double asNumber(JsonNode json) {
    try {
      return json.isNumber()
          ? (Double) json.doubleValue()
          : json.isTextual() ? Double.valueOf(json.asText()) : null;
    } catch (NumberFormatException e) {
      return null;
    }
  }
}
