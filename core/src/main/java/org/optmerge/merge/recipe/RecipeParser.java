package org.optmerge.merge.recipe;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.FileErrors;
import org.optmerge.base.RegularFiles;
import org.optmerge.base.Suggestion;
import org.optmerge.checkpoint.DType;
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
          "name",
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
          "mergekit_version",
          "rename");

  private static final Map<String, DType> DTYPES =
      Map.of(
          "float64", DType.F64, "float32", DType.F32, "float16", DType.F16, "bfloat16", DType.BF16);

  private static final Map<String, String> DTYPE_NICKNAMES =
      Map.ofEntries(
          Map.entry("bf16", "bfloat16"),
          Map.entry("fp16", "float16"),
          Map.entry("f16", "float16"),
          Map.entry("half", "float16"),
          Map.entry("fp32", "float32"),
          Map.entry("f32", "float32"),
          Map.entry("float", "float32"),
          Map.entry("fp64", "float64"),
          Map.entry("f64", "float64"),
          Map.entry("double", "float64"));

  private final String name;
  private final Path folder;
  private final YamlNode document;
  private final Map<String, YamlNode> root;

  private RecipeParser(String name, Path folder, YamlNode document) {
    this.name = name;
    this.folder = folder;
    this.document = document;
    this.root = document.mapping("the recipe", KEYS);
  }

  /**
   * Reads a recipe file of one document; models are looked for relative to its folder first.
   *
   * @throws RecipeException if it cannot be read or is not a recipe
   */
  public static Recipe parse(Path file) {
    return only(parseStages(file), file.toString());
  }

  /**
   * Reads a recipe from text of one document.
   *
   * @param name what messages call it
   * @param folder what paths of models are relative to first
   * @throws RecipeException if it is not a recipe
   */
  public static Recipe parse(String text, String name, Path folder) {
    return only(parseStages(text, name, folder), name);
  }

  private static Recipe only(List<Recipe> stages, String name) {
    if (stages.size() > 1) {
      throw new RecipeException(
          name,
          stages.get(1).method().at(),
          "%d documents: stages that read each other's results; 'optmerge merge' carries them out"
              .formatted(stages.size()));
    }
    return stages.get(0);
  }

  /**
   * Reads a recipe file of one document or several, as {@code mergekit-multi} has them.
   *
   * @return the documents as they stand in the file
   * @throws RecipeException if it cannot be read or is not a recipe
   */
  public static List<Recipe> parseStages(Path file) {
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
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes(file))).toString();
    } catch (CharacterCodingException e) {
      throw new RecipeException(file.toString(), Position.START, "not text in UTF-8");
    } catch (IOException e) {
      String reason =
          Files.exists(file)
              ? Files.isDirectory(file)
                  ? "is a folder, not a recipe"
                  : "cannot be read: " + FileErrors.reason(e)
              : "there is no such file";
      throw new RecipeException(List.of(file + ": " + reason));
    }
    return parseStages(text, file.toString(), parent == null ? Path.of("") : parent);
  }

  /** What a shell puts in place of a file for {@code <(...)} ends when its program does. */
  private static byte[] bytes(Path file) throws IOException {
    if (!file.startsWith("/dev/fd") && !file.equals(Path.of("/dev/stdin"))) {
      return RegularFiles.read(file, (int) MAX_BYTES);
    }
    try (InputStream in = Files.newInputStream(file)) {
      return in.readNBytes((int) MAX_BYTES);
    }
  }

  /**
   * Reads the documents of a text.
   *
   * @param name what messages call it
   * @param folder what paths of models are relative to first
   * @throws RecipeException if it is not a recipe
   */
  public static List<Recipe> parseStages(String text, String name, Path folder) {
    String body = text.startsWith("\uFEFF") ? text.substring(1) : text;
    return YamlNode.read(body, name).stream()
        .map(document -> new RecipeParser(name, folder, document).known())
        .toList();
  }

  /** The recipe; a key that nobody knows is told before what may be missing because of it. */
  private Recipe known() {
    Recipe recipe;
    try {
      recipe = recipe();
    } catch (RecipeException e) {
      document.requireKnownKeysWithoutAnchors();
      throw e;
    }
    document.requireKnownKeys();
    return recipe;
  }

  private Recipe recipe() {
    Located<String> method = method();
    List<YamlNode> kinds =
        Stream.of("models", "slices", "modules")
            .map(root::get)
            .filter(Objects::nonNull)
            .sorted(Comparator.comparingInt(node -> node.at().line()))
            .toList();
    if (kinds.size() > 1) {
      throw kinds
          .get(1)
          .error(
              "expected exactly one of 'models', 'slices' and 'modules', found %s"
                  .formatted(kinds.size() == 2 ? "both" : "all three"));
    }
    if (kinds.isEmpty()) {
      throw new RecipeException(
          name, Position.START, "no inputs: expected 'models' or 'slices', found neither");
    }
    Map<String, Recipe.Module> modules = modules();
    return new Recipe(
        name,
        folder,
        method,
        root.containsKey("base_model")
            ? InputReader.model(root.get("base_model"), "base_model")
            : null,
        modules.isEmpty()
            ? InputReader.inputs(root)
            : modules.values().stream().flatMap(module -> module.slices().stream()).toList(),
        topParameters(),
        dtype("dtype"),
        dtype("out_dtype"),
        selection(),
        choice("missing", Recipe.Missing.ERROR),
        choice("extra", extra()),
        flag("factorwise"),
        flag("allow_nonfinite"),
        seed(),
        TokenizerReader.tokenizer(root),
        new Recipe.Mergekit(version(), located("name"), modules, located("chat_template"), false),
        Renames.read(root.get("rename")));
  }

  /**
   * Beside a base an expert may have more than is merged. Without one all models are experts, and a
   * tensor that the first lacks is as missing as one that another lacks.
   */
  private Recipe.Extra extra() {
    boolean experts = root.containsKey("models") && !root.containsKey("base_model");
    return experts ? Recipe.Extra.ERROR : Recipe.Extra.REPORT;
  }

  private Map<String, Recipe.Module> modules() {
    Map<String, Recipe.Module> modules = new LinkedHashMap<>();
    YamlNode node = root.get("modules");
    if (node != null) {
      node.mapping("'modules'")
          .forEach((key, module) -> modules.put(key, InputReader.module(key, module)));
      if (modules.isEmpty()) {
        throw node.error("'modules' is empty");
      }
    }
    return modules;
  }

  private Recipe.MergekitVersion version() {
    Located<String> given = located("mergekit_version");
    if (given == null) {
      return Recipe.MergekitVersion.V0_1_5;
    }
    List<String> labels =
        Arrays.stream(Recipe.MergekitVersion.values()).map(Recipe.MergekitVersion::label).toList();
    return Arrays.stream(Recipe.MergekitVersion.values())
        .filter(version -> version.label().equals(given.value()))
        .findFirst()
        .orElseThrow(
            () ->
                new RecipeException(
                    name,
                    given.at(),
                    "'mergekit_version' must be one of %s; is '%s'"
                        .formatted(String.join(", ", labels), given.value())));
  }

  private @Nullable Located<String> located(String key) {
    YamlNode node = root.get(key);
    return node == null || node.isNull()
        ? null
        : new Located<>(node.text("'%s'".formatted(key)), node.at());
  }

  private Located<String> method() {
    YamlNode node = root.get("merge_method");
    if (node == null) {
      throw new RecipeException(
          name, Position.START, "'merge_method' is missing; for example 'merge_method: linear'");
    }
    return new Located<>(node.text("merge_method"), node.at());
  }

  private Map<String, ParameterSetting> topParameters() {
    Map<String, ParameterSetting> parameters =
        new LinkedHashMap<>(ParameterReader.parameters(root.get("parameters")));
    YamlNode scaling = root.get(SCALING);
    if (scaling != null) {
      ParameterSetting other = parameters.put(SCALING, ParameterReader.setting(SCALING, scaling));
      if (other != null) {
        throw scaling.error(
            "'scaling' is also set under 'parameters' at %s; keep one".formatted(other.at()));
      }
    }
    return parameters;
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
          "'%s' must be one of float64, float32, float16, bfloat16; is '%s'%s"
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
}
