package org.optmerge.merge.recipe;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Reads models, slices of them, and modules. */
final class InputReader {
  private InputReader() {}

  /** The inputs of a recipe, or of one of its modules. */
  static List<Recipe.Slice> inputs(Map<String, YamlNode> keys) {
    YamlNode models = keys.get("models");
    if (models != null) {
      return List.of(new Recipe.Slice(models(models), null, Map.of(), models.at()));
    }
    return slices(Objects.requireNonNull(keys.get("slices")));
  }

  static Recipe.Module module(String name, YamlNode node) {
    Map<String, YamlNode> keys =
        node.mapping("module '%s'".formatted(name), List.of("models", "slices", "parameters"));
    if (keys.containsKey("models") == keys.containsKey("slices")) {
      throw node.error(
          "module '%s': expected exactly one of 'models' and 'slices', found %s"
              .formatted(name, keys.containsKey("models") ? "both" : "neither"));
    }
    Map<String, ParameterSetting> parameters = ParameterReader.parameters(keys.get("parameters"));
    return new Recipe.Module(
        inputs(keys).stream()
            .map(
                slice ->
                    new Recipe.Slice(
                        slice.sources(),
                        slice.base(),
                        ParameterSetting.chain(slice.parameters(), parameters),
                        slice.at()))
            .toList(),
        node.at());
  }

  private static List<Recipe.Source> models(YamlNode node) {
    List<Recipe.Source> sources = new ArrayList<>();
    for (YamlNode entry : nonEmpty(node, "'models'")) {
      if (entry.isText()) {
        throw entry.error(
            "an entry of 'models' must be a mapping; write '{model: %s}'".formatted(entry.value()));
      }
      Map<String, YamlNode> keys =
          entry.mapping("an entry of 'models'", List.of("model", "parameters"));
      sources.add(
          new Recipe.Source(
              model(required(entry, keys, "model"), "'model'"),
              null,
              ParameterReader.parameters(keys.get("parameters"))));
    }
    return sources;
  }

  private static List<Recipe.Slice> slices(YamlNode node) {
    List<Recipe.Slice> slices = new ArrayList<>();
    int layers = 0;
    for (YamlNode entry : nonEmpty(node, "'slices'")) {
      Map<String, YamlNode> keys =
          entry.mapping(
              "an entry of 'slices'",
              List.of("sources", "base_model", "parameters", "residual_weight"));
      YamlNode listed = required(entry, keys, "sources");
      List<Recipe.Source> sources = new ArrayList<>();
      for (YamlNode source : nonEmpty(listed, "'sources'")) {
        sources.add(source(source));
      }
      int length = length(sources.get(0));
      for (Recipe.Source source : sources) {
        if (length(source) != length && source.layers() != null) {
          throw new RecipeException(
              node.file(),
              source.layers().at(),
              "all sources of a slice must have the same number of layers: the first has %d, '%s' has %d"
                  .formatted(length, source.model().text(), length(source)));
        }
      }
      layers += length;
      YamlNode base = keys.get("base_model");
      slices.add(
          new Recipe.Slice(
              sources,
              base == null ? null : model(base, "base_model"),
              ParameterReader.parameters(keys.get("parameters")),
              listed.at()));
    }
    if (layers == 0) {
      throw node.error("the slices have no layers");
    }
    return slices;
  }

  private static int length(Recipe.Source source) {
    return source.layers() == null ? 0 : source.layers().length();
  }

  private static Recipe.Source source(YamlNode node) {
    Map<String, YamlNode> keys =
        node.mapping("an entry of 'sources'", List.of("model", "layer_range", "parameters"));
    YamlNode range = required(node, keys, "layer_range");
    List<YamlNode> bounds = range.list("'layer_range'");
    if (bounds.size() != 2) {
      throw range.error(
          "'layer_range' must be [first, last + 1], has %d entries".formatted(bounds.size()));
    }
    long from = bounds.get(0).integer("'layer_range'");
    long to = bounds.get(1).integer("'layer_range'");
    if (from < 0 || to < from || to > 100_000) {
      throw range.error(
          "'layer_range' must be [first, last + 1] with 0 <= first <= last + 1, is [%d, %d]"
              .formatted(from, to));
    }
    return new Recipe.Source(
        model(required(node, keys, "model"), "'model'"),
        new Recipe.LayerRange((int) from, (int) to, range.at()),
        ParameterReader.parameters(keys.get("parameters")));
  }

  static List<YamlNode> nonEmpty(YamlNode node, String what) {
    List<YamlNode> entries = node.list(what);
    if (entries.isEmpty()) {
      throw node.error(what + " is empty");
    }
    return entries;
  }

  static YamlNode required(YamlNode parent, Map<String, YamlNode> keys, String key) {
    YamlNode node = keys.get(key);
    if (node == null) {
      throw parent.error("'%s' is missing here".formatted(key));
    }
    return node;
  }

  /** A path, or mergekit's long form {@code {model: {path: …}, lora: {path: …}}}. */
  static Recipe.Model model(YamlNode node, String what) {
    if (!node.isMapping()) {
      return new Recipe.Model(node.text(what), node.at());
    }
    Map<String, YamlNode> keys =
        node.mapping(what, List.of("model", "lora", "override_architecture"));
    YamlNode architecture = keys.get("override_architecture");
    if (architecture != null && !architecture.isNull()) {
      throw architecture.error(
          "'override_architecture' has no meaning here: tensors are taken from the files, whatever"
              + " the architecture");
    }
    String path = path(required(node, keys, "model"), "'model'");
    YamlNode lora = keys.get("lora");
    return new Recipe.Model(
        lora == null || lora.isNull() ? path : path + "+" + path(lora, "'lora'"), node.at());
  }

  static String path(YamlNode node, String what) {
    if (!node.isMapping()) {
      return node.text(what);
    }
    Map<String, YamlNode> keys = node.mapping(what, List.of("path", "revision"));
    YamlNode revision = keys.get("revision");
    if (revision != null && !revision.isNull()) {
      throw revision.error(
          "'revision' has no meaning here: models are folders, nothing is downloaded");
    }
    return required(node, keys, "path").text("'path'");
  }
}
