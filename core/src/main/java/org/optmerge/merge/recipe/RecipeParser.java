package org.optmerge.merge.recipe;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Suggestion;
import org.optmerge.checkpoint.DType;
import org.optmerge.merge.recipe.ParameterSetting.Choice;
import org.optmerge.merge.recipe.ParameterSetting.Flag;
import org.optmerge.merge.recipe.ParameterSetting.Gradient;
import org.optmerge.merge.recipe.ParameterSetting.Text;
import org.optmerge.merge.recipe.ParameterSetting.Value;
import org.optmerge.merge.recipe.Recipe.Located;

/**
 * Reads recipes: mergekit's grammar for {@code models:} and {@code slices:}, and this project's
 * keys. Whatever is not understood is an error with line and column; nothing is ignored.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class RecipeParser {
  /** λ, as a key of its own or under {@code parameters}. */
  public static final String SCALING = "scaling";

  /** Larger files are no recipes. */
  private static final long MAX_BYTES = 4L * YamlNode.MAX_CODE_POINTS;

  private static final List<String> KEYS =
      List.of(
          "merge_method",
          "base_model",
          "models",
          "slices",
          "modules",
          "parameters",
          "dtype",
          "out_dtype",
          "tokenizer_source",
          "tokenizer",
          "chat_template",
          "include",
          "exclude",
          "preset",
          SCALING,
          "rest",
          "missing",
          "extra",
          "factorwise",
          "allow_nonfinite",
          "random_seed",
          "rename");

  private static final Map<String, DType> DTYPES =
      Map.of("float32", DType.F32, "float16", DType.F16, "bfloat16", DType.BF16);

  private static final Map<String, String> DTYPE_NICKNAMES =
      Map.of(
          "bf16",
          "bfloat16",
          "fp16",
          "float16",
          "f16",
          "float16",
          "half",
          "float16",
          "fp32",
          "float32",
          "f32",
          "float32",
          "float",
          "float32");

  private final String name;
  private final Path folder;
  private final Map<String, YamlNode> root;

  private RecipeParser(String name, Path folder, YamlNode root) {
    this.name = name;
    this.folder = folder;
    this.root = root.mapping("the recipe", KEYS);
  }

  /**
   * Reads a recipe file; models are looked for relative to its folder first.
   *
   * @throws RecipeException if it cannot be read or is not a recipe
   */
  public static Recipe parse(Path file) {
    Path parent = file.toAbsolutePath().getParent();
    String text;
    try {
      if (Files.isRegularFile(file) && Files.size(file) > MAX_BYTES) {
        throw new RecipeException(
            file.toString(),
            Position.START,
            String.format(
                Locale.ROOT,
                "too large for a recipe: %,d bytes, at most %,d",
                Files.size(file),
                MAX_BYTES));
      }
      text = Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new RecipeException(file.toString(), Position.START, "not text in UTF-8");
    } catch (IOException e) {
      String reason =
          Files.exists(file)
              ? Files.isDirectory(file) ? "is a folder, not a recipe" : "cannot be read: " + e
              : "there is no such file";
      throw new RecipeException(List.of(file + ": " + reason));
    }
    return parse(text, file.toString(), parent == null ? Path.of("") : parent);
  }

  /**
   * Reads a recipe from text.
   *
   * @param name what messages call it
   * @param folder what paths of models are relative to first
   * @throws RecipeException if it is not a recipe
   */
  public static Recipe parse(String text, String name, Path folder) {
    String body = text.startsWith("\uFEFF") ? text.substring(1) : text;
    return new RecipeParser(name, folder, YamlNode.read(body, name)).recipe();
  }

  private Recipe recipe() {
    Located<String> method = method();
    refuse(
        "modules",
        "is not supported; list the models under 'models' and restrict them with"
            + " 'include' or 'exclude', which match tensor names");
    refuse(
        "chat_template",
        "is not supported; the output keeps the base's chat template, edit it afterwards");
    YamlNode models = root.get("models");
    YamlNode slices = root.get("slices");
    if (models != null && slices != null) {
      YamlNode second = models.at().line() > slices.at().line() ? models : slices;
      throw second.error("expected exactly one of 'models' and 'slices', found both");
    }
    List<Recipe.Slice> inputs;
    if (models != null) {
      inputs = List.of(new Recipe.Slice(models(models), null, Map.of(), models.at()));
    } else if (slices != null) {
      inputs = slices(slices);
    } else {
      throw new RecipeException(
          name, Position.START, "no inputs: expected 'models' or 'slices', found neither");
    }
    return new Recipe(
        name,
        folder,
        method,
        root.containsKey("base_model") ? model(root.get("base_model"), "base_model") : null,
        inputs,
        topParameters(),
        dtype("dtype"),
        dtype("out_dtype"),
        selection(),
        choice("missing", Recipe.Missing.ERROR),
        choice("extra", Recipe.Extra.REPORT),
        flag("factorwise"),
        flag("allow_nonfinite"),
        seed(),
        tokenizer(),
        Renames.read(root.get("rename")));
  }

  private Located<String> method() {
    YamlNode node = root.get("merge_method");
    if (node == null) {
      throw new RecipeException(
          name, Position.START, "'merge_method' is missing; for example 'merge_method: linear'");
    }
    return new Located<>(node.text("merge_method"), node.at());
  }

  private void refuse(String key, String reason) {
    YamlNode node = root.get(key);
    if (node != null) {
      throw node.error("'%s' %s".formatted(key, reason));
    }
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
              parameters(keys.get("parameters"))));
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
              parameters(keys.get("parameters")),
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
        parameters(keys.get("parameters")));
  }

  private static List<YamlNode> nonEmpty(YamlNode node, String what) {
    List<YamlNode> entries = node.list(what);
    if (entries.isEmpty()) {
      throw node.error(what + " is empty");
    }
    return entries;
  }

  private static YamlNode required(YamlNode parent, Map<String, YamlNode> keys, String key) {
    YamlNode node = keys.get(key);
    if (node == null) {
      throw parent.error("'%s' is missing here".formatted(key));
    }
    return node;
  }

  /** A path, or mergekit's long form {@code {model: {path: …}, lora: {path: …}}}. */
  private static Recipe.Model model(YamlNode node, String what) {
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

  private static String path(YamlNode node, String what) {
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

  private Map<String, ParameterSetting> topParameters() {
    Map<String, ParameterSetting> parameters =
        new LinkedHashMap<>(parameters(root.get("parameters")));
    YamlNode scaling = root.get(SCALING);
    if (scaling != null) {
      ParameterSetting other = parameters.put(SCALING, setting(SCALING, scaling));
      if (other != null) {
        throw scaling.error(
            "'scaling' is also set under 'parameters' at %s; keep one".formatted(other.at()));
      }
    }
    return parameters;
  }

  private static Map<String, ParameterSetting> parameters(@Nullable YamlNode node) {
    Map<String, ParameterSetting> parameters = new LinkedHashMap<>();
    if (node != null && !node.isNull()) {
      node.mapping("'parameters'")
          .forEach((key, value) -> parameters.put(key, setting(key, value)));
    }
    return parameters;
  }

  private static ParameterSetting setting(String name, YamlNode node) {
    List<Choice> choices = new ArrayList<>();
    if (node.isMapping()) {
      choices.add(choice(name, node));
    } else if (node.isList() && !node.isEmptyList() && node.list(name).get(0).isMapping()) {
      for (YamlNode entry : node.list(name)) {
        choices.add(choice(name, entry));
      }
    } else {
      choices.add(new Choice(ParameterSetting.ALL, value(name, node), node.at()));
    }
    return new ParameterSetting(name, choices, node.at());
  }

  private static Choice choice(String name, YamlNode node) {
    Map<String, YamlNode> keys =
        node.mapping("a conditional value of '%s'".formatted(name), List.of("filter", "value"));
    YamlNode filter = keys.get("filter");
    YamlNode value = required(node, keys, "value");
    return new Choice(
        filter == null || filter.isNull() ? ParameterSetting.ALL : filter.text("'filter'"),
        value(name, value),
        value.at());
  }

  private static Value value(String name, YamlNode node) {
    String what = "parameter '%s'".formatted(name);
    if (node.isList()) {
      List<Double> knots = new ArrayList<>();
      for (YamlNode entry : nonEmpty(node, what)) {
        knots.add(entry.number("each value of %s".formatted(what)));
      }
      return new Gradient(knots);
    }
    if (node.isBoolean()) {
      return new Flag(node.bool(what));
    }
    if (node.isNumber()) {
      return new Gradient(List.of(node.number(what)));
    }
    if (node.isText()) {
      return new Text(node.text(what));
    }
    throw node.error(
        ("%s must be a number, true or false, a word, a list of numbers (a gradient over layers) or a"
                + " list of {filter, value}; is %s")
            .formatted(what, node.kind()));
  }

  private @Nullable Located<DType> dtype(String key) {
    YamlNode node = root.get(key);
    if (node == null || node.isNull()) {
      return null;
    }
    String text = node.text("'%s'".formatted(key));
    String bare = text.startsWith("torch.") ? text.substring("torch.".length()) : text;
    DType dtype = DTYPES.get(bare);
    if (dtype == null) {
      String meant = DTYPE_NICKNAMES.get(bare);
      throw node.error(
          "'%s' must be one of float32, float16, bfloat16; is '%s'%s"
              .formatted(
                  key,
                  text,
                  meant == null
                      ? Suggestion.forWord(bare, DTYPES.keySet())
                      : "; did you mean '%s'?".formatted(meant)));
    }
    return new Located<>(dtype, node.at());
  }

  private Recipe.Selection selection() {
    ParameterPreset preset = null;
    YamlNode named = root.get("preset");
    List<Pattern> exclude = new ArrayList<>();
    if (named != null && !named.isNull()) {
      String label = named.text("'preset'");
      preset =
          ParameterPreset.of(label)
              .orElseThrow(
                  () ->
                      named.error(
                          "unknown preset '%s'%s; known: %s"
                              .formatted(
                                  label,
                                  Suggestion.forWord(label, ParameterPreset.labels()),
                                  String.join(", ", ParameterPreset.labels()))));
      exclude.addAll(preset.exclude());
    }
    exclude.addAll(patterns("exclude"));
    Recipe.Rest rest = choice("rest", Recipe.Rest.BASE);
    return new Recipe.Selection(patterns("include"), exclude, preset, rest, selectionAt());
  }

  private Position selectionAt() {
    return root.entrySet().stream()
        .filter(entry -> Set.of("include", "exclude", "preset", "rest").contains(entry.getKey()))
        .map(entry -> entry.getValue().at())
        .findFirst()
        .orElse(Position.START);
  }

  private List<Pattern> patterns(String key) {
    YamlNode node = root.get(key);
    if (node == null || node.isNull()) {
      return List.of();
    }
    List<YamlNode> entries = node.isText() ? List.of(node) : node.list("'%s'".formatted(key));
    List<Pattern> patterns = new ArrayList<>();
    for (YamlNode entry : entries) {
      String text = entry.text("each entry of '%s'".formatted(key));
      try {
        patterns.add(Pattern.compile(text));
      } catch (PatternSyntaxException e) {
        throw entry.error(
            "'%s' is not a regular expression: %s near index %d"
                .formatted(text, e.getDescription(), Math.max(0, e.getIndex())));
      }
    }
    return patterns;
  }

  private <E extends Enum<E>> E choice(String key, E otherwise) {
    YamlNode node = root.get(key);
    if (node == null || node.isNull()) {
      return otherwise;
    }
    String text = node.text("'%s'".formatted(key));
    List<String> labels = new ArrayList<>();
    for (E value : otherwise.getDeclaringClass().getEnumConstants()) {
      if (Recipe.label(value).equals(text)) {
        return value;
      }
      labels.add(Recipe.label(value));
    }
    throw node.error(
        "'%s' must be one of %s; is '%s'%s"
            .formatted(key, String.join(", ", labels), text, Suggestion.forWord(text, labels)));
  }

  private boolean flag(String key) {
    YamlNode node = root.get(key);
    return node != null && !node.isNull() && node.bool("'%s'".formatted(key));
  }

  private long seed() {
    YamlNode node = root.get("random_seed");
    return node == null || node.isNull() ? 0 : node.integer("'random_seed'");
  }

  private Recipe.@Nullable Tokenizer tokenizer() {
    YamlNode source = root.get("tokenizer_source");
    YamlNode node = root.get("tokenizer");
    if (source != null && node != null) {
      throw node.error("expected at most one of 'tokenizer_source' and 'tokenizer', found both");
    }
    if (source != null && !source.isNull()) {
      return new Recipe.Tokenizer(path(source, "'tokenizer_source'"), source.at());
    }
    if (node == null || node.isNull()) {
      return null;
    }
    Map<String, YamlNode> keys =
        node.mapping("'tokenizer'", List.of("source", "tokens", "pad_to_multiple_of"));
    YamlNode tokens = keys.get("tokens");
    if (tokens != null && !tokens.isNull() && !tokens.mapping("'tokens'").isEmpty()) {
      throw tokens.error(Recipe.Tokenizer.ROWS_STAY);
    }
    YamlNode multiple = keys.get("pad_to_multiple_of");
    if (multiple != null && !multiple.isNull() && multiple.integer("'pad_to_multiple_of'") != 1) {
      throw multiple.error(Recipe.Tokenizer.ROWS_STAY);
    }
    YamlNode from = keys.get("source");
    return new Recipe.Tokenizer(
        from == null || from.isNull() ? Recipe.Tokenizer.UNION : path(from, "'source'"), node.at());
  }
}
