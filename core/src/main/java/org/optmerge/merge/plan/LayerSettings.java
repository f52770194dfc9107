package org.optmerge.merge.plan;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonStreamContext;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.optmerge.base.Json;

/**
 * Makes a {@code config.json} describe another choice of a model's layers, by the look of its
 * settings rather than by their names: a number that counts the layers, a list or a word with an
 * entry for each, a list of layers, a number of layers from the first on, a period. What cannot be
 * said of the new layers stays as it is and is told.
 */
final class LayerSettings {
  /** Parts of a model whose layers are others, unless a stack of layers is theirs. */
  private static final List<String> TOWERS =
      List.of(
          "vision",
          "visual",
          "image",
          "audio",
          "speech",
          "talker",
          "token2wav",
          "draft",
          "speculat");

  private static final Pattern COUNT =
      Pattern.compile("(.*_)?(layers?|blocks|n_layer|depth)|n_layers?|num_?layers?");

  /** The first so many layers are of one kind. */
  private static final Pattern THRESHOLD =
      Pattern.compile("max_window_layers|first_.*|n(um)?_(first_)?dense_layers|dense_layers");

  private static final Pattern PERIOD =
      Pattern.compile(
          ".*(layer|attn|attention|sliding|moe|sparse|expert|rope|block).*(period|interval|freq|frequency|every_n.*|step|pattern|_every)|.*every_n.*layers?");

  private static final Pattern INDICES =
      Pattern.compile(".*(layers?|blocks?|layer_ids?|idxs?|indices|indexes|layer_numbers)");

  private static final Pattern WORD =
      Pattern.compile(".*(pattern|layout|override|types?|schedule|layers?|blocks?).*");

  /** Lists that have nothing to do with layers, however long they are. */
  private static final Pattern NO_LAYERS =
      Pattern.compile(
          "architectures|.*token.*|.*section|.*_ids|id2label|.*mean|.*std|.*size_list|langs?");

  private static final Pattern ABOUT_LAYERS = Pattern.compile("(?i).*(layers|blocks|depth)");

  private final String stack;
  private final int before;
  private final List<Integer> layers;
  private final Consumer<String> warnings;
  private final Set<String> fromOne = new LinkedHashSet<>();

  /**
   * @param stack the layers that are taken apart, such as {@code model.layers}
   * @param before their number in the model that the file is for
   * @param layers for each layer of the output, the layer that it has from that model
   * @param warnings takes what cannot be mapped
   */
  LayerSettings(String stack, int before, List<Integer> layers, Consumer<String> warnings) {
    this.stack = stack;
    this.before = before;
    this.layers = layers;
    this.warnings = warnings;
  }

  /** The file for the new layers; the same array if nothing changes. */
  byte[] edit(byte[] config) throws IOException {
    if (IntStream.range(0, Math.max(before, layers.size()))
        .allMatch(i -> i < before && i < layers.size() && layers.get(i) == i)) {
      return config;
    }
    findListsFromOne("", Json.plain().readTree(config));
    return ConfigEdits.apply(config, this::replacement);
  }

  private static String path(JsonStreamContext context) {
    List<String> names = new ArrayList<>();
    for (JsonStreamContext at = context; at != null; at = at.getParent()) {
      if (at.inObject() && at.getCurrentName() != null) {
        names.add(0, at.getCurrentName());
      }
    }
    return String.join(".", names);
  }

  /** Some models number the layers of such lists from 1: one that names the last proves it. */
  private void findListsFromOne(String path, JsonNode node) {
    node.properties()
        .forEach(
            setting -> {
              JsonNode value = setting.getValue();
              if (value.isArray()
                  && INDICES.matcher(setting.getKey()).matches()
                  && isAscending(numbers(value), 1, before)
                  && numbers(value).contains(before)) {
                fromOne.add(path);
              }
              findListsFromOne(path + setting.getKey() + ".", value);
            });
  }

  private static List<Integer> numbers(JsonNode list) {
    List<Integer> numbers = new ArrayList<>();
    for (JsonNode entry : list) {
      if (!entry.isInt()) {
        return List.of();
      }
      numbers.add(entry.asInt());
    }
    return numbers;
  }

  private static boolean isAscending(List<Integer> numbers, int least, int most) {
    return !numbers.isEmpty()
        && numbers.get(0) >= least
        && numbers.get(numbers.size() - 1) <= most
        && IntStream.range(1, numbers.size()).allMatch(i -> numbers.get(i) > numbers.get(i - 1));
  }

  private Optional<String> replacement(String key, JsonParser parser, String text)
      throws IOException {
    JsonStreamContext at =
        parser.currentToken() == JsonToken.START_ARRAY
            ? parser.getParsingContext().getParent()
            : parser.getParsingContext();
    String path = path(at);
    if (ofOtherPart(path) || at.inArray()) {
      return Optional.empty();
    }
    return switch (parser.currentToken()) {
      case VALUE_NUMBER_INT -> number(key, path, parser.getLongValue());
      case VALUE_STRING -> word(key, parser.getText());
      case START_ARRAY -> list(key, path, parser, text);
      default -> Optional.empty();
    };
  }

  private boolean ofOtherPart(String path) {
    String lower = path.toLowerCase(Locale.ROOT);
    return TOWERS.stream().anyMatch(tower -> lower.contains(tower) && !stack.contains(tower));
  }

  private Optional<String> number(String key, String path, long value) {
    if (THRESHOLD.matcher(key).matches()) {
      return threshold(key, path, value);
    }
    if (value == before && COUNT.matcher(key).matches()) {
      return Optional.of(Integer.toString(layers.size()));
    }
    if (value > 1 && PERIOD.matcher(key).matches()) {
      boolean same =
          IntStream.range(0, layers.size()).allMatch(i -> i % value == layers.get(i) % value);
      if (!same) {
        warn(path, value, "layers of a kind no longer come at this distance");
      }
    } else if (value > 0 && value < before && ABOUT_LAYERS.matcher(key).matches()) {
      warn(path, value, "it may be about the layers, which are others now");
    }
    return Optional.empty();
  }

  /** A number of layers from the first on: kept where the new ones still come first. */
  private Optional<String> threshold(String key, String path, long value) {
    if (value <= 0) {
      return Optional.empty();
    }
    int first = (int) layers.stream().takeWhile(layer -> layer < value).count();
    boolean only = layers.stream().skip(first).allMatch(layer -> layer >= value);
    if (!only) {
      warn(path, value, "the first %d layers are no longer those of that kind".formatted(value));
      return Optional.empty();
    }
    long after = value > before ? Math.max(value, layers.size()) : first;
    return after == value ? Optional.empty() : Optional.of(Long.toString(after));
  }

  private Optional<String> word(String key, String value) {
    if (value.length() == before && before > 1 && WORD.matcher(key).matches()) {
      String after =
          layers.stream()
              .map(layer -> value.substring(layer, layer + 1))
              .collect(Collectors.joining());
      return Optional.of(Json.line(after));
    }
    return Optional.empty();
  }

  private Optional<String> list(String key, String path, JsonParser parser, String text)
      throws IOException {
    List<String> entries = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      int from = (int) parser.currentTokenLocation().getCharOffset();
      parser.skipChildren();
      parser.getTextLength();
      entries.add(text.substring(from, (int) parser.currentLocation().getCharOffset()).strip());
    }
    if (NO_LAYERS.matcher(key).matches()) {
      return Optional.empty();
    }
    if (INDICES.matcher(key).matches()) {
      int first = fromOne.contains(path.substring(0, path.length() - key.length())) ? 1 : 0;
      List<Integer> numbers = new ArrayList<>();
      for (String entry : entries) {
        numbers.add(entry.matches("\\d{1,6}") ? Integer.parseInt(entry) : -1);
      }
      if (isAscending(numbers, first, before - 1 + first)) {
        return Optional.of(
            IntStream.range(0, layers.size())
                .filter(i -> numbers.contains(layers.get(i) + first))
                .mapToObj(i -> Integer.toString(i + first))
                .collect(Collectors.joining(", ", "[", "]")));
      }
    }
    if (entries.size() == before && before > 0) {
      return Optional.of(
          layers.stream().map(entries::get).collect(Collectors.joining(", ", "[", "]")));
    }
    if (!entries.isEmpty() && ABOUT_LAYERS.matcher(key).matches()) {
      warn(path, entries.size() + " entries", "it has no entry for each of the layers");
    }
    return Optional.empty();
  }

  private void warn(String path, Object value, String reason) {
    warnings.accept(
        "config.json: '%s' (%s) stays as it is: %s; look at it before you load the model"
            .formatted(path, value, reason));
  }
}
