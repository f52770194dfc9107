package org.optmerge.merge.recipe;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.DType;

/**
 * A merge recipe as written, with the place of every value, before any model is looked at.
 *
 * @param name the file's name, for messages
 * @param folder the folder that model paths are relative to first
 * @param method the value of {@code merge_method}
 * @param base the base model, if named
 * @param slices the inputs; {@code models:} is one slice whose sources have no layer range
 * @param parameters settings for every tensor
 * @param dtype type of the arithmetic
 * @param outDtype element type of the output
 * @param selection which tensors are merged
 * @param missing what happens where a model lacks a tensor
 * @param extra what happens to tensors that only an expert has
 * @param factorwise true if the factors B and A of adapters are merged each by themselves
 * @param allowNonFinite true if NaN and infinity may pass
 * @param seed of random methods
 * @param tokenizer the tokenizer asked for, if any
 * @param mergekit what only recipes of mergekit say
 * @param rename by model as the recipe names it, beginnings of its tensors' names and what they are
 *     in the base; under the empty name those of every model besides the base
 */
public record Recipe(
    String name,
    Path folder,
    Located<String> method,
    @Nullable Model base,
    List<Slice> slices,
    Map<String, ParameterSetting> parameters,
    @Nullable Located<DType> dtype,
    @Nullable Located<DType> outDtype,
    Selection selection,
    Missing missing,
    Extra extra,
    boolean factorwise,
    boolean allowNonFinite,
    long seed,
    @Nullable Tokenizer tokenizer,
    Mergekit mergekit,
    Map<String, Map<String, String>> rename) {

  /** A value and its place in the recipe. */
  public record Located<T>(T value, Position at) {}

  /**
   * A model as the recipe names it.
   *
   * @param text path of a checkpoint or adapter, or both joined by {@code +}
   * @param at where it stands
   */
  public record Model(String text, Position at) {}

  /**
   * Layers of a model.
   *
   * @param from first layer
   * @param to the layer after the last
   * @param at where it stands
   */
  public record LayerRange(int from, int to, Position at) {
    /** The number of layers. */
    public int length() {
      return to - from;
    }
  }

  /**
   * One input.
   *
   * @param model what is read
   * @param layers which layers; null: all
   * @param parameters settings for this input alone
   */
  public record Source(
      Model model, @Nullable LayerRange layers, Map<String, ParameterSetting> parameters) {
    public Source {
      parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    }
  }

  /**
   * Inputs that are merged with each other.
   *
   * @param sources the inputs, in order; the same model may be there twice
   * @param base the base of this slice, where it is not the recipe's
   * @param parameters settings for this slice alone
   * @param at where it stands
   */
  public record Slice(
      List<Source> sources,
      @Nullable Model base,
      Map<String, ParameterSetting> parameters,
      Position at) {
    public Slice {
      sources = List.copyOf(sources);
      parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    }
  }

  /** The name of a choice in recipes. */
  public static String label(Enum<?> choice) {
    return choice.name().toLowerCase(Locale.ROOT);
  }

  /** The treatment of tensors that are not selected. */
  public enum Rest {
    /** They are the base's, byte for byte. */
    BASE,
    /** They are the mean of the models. */
    MEAN
  }

  /** The treatment of a tensor that a model lacks. */
  public enum Missing {
    /** The merge is refused. */
    ERROR,
    /** The base's tensor stands in. */
    BASE,
    /** The tensor is merged from the models that have it. */
    SKIP
  }

  /** The treatment of a tensor that only an expert has. */
  public enum Extra {
    /** It is left out, and said so. */
    REPORT,
    /** The merge is refused. */
    ERROR,
    /** It is copied from the first expert that has it. */
    COPY,
    /**
     * It is copied, as are settings of {@code config.json} and files that only experts have; two
     * experts may have the same, but no two have different ones under one name. What modality
     * models with an encoder and a connector each need.
     */
    UNION
  }

  /**
   * The tensors that are merged: those that match an {@code include} (any, if there is none) and no
   * {@code exclude}. A pattern matches from the start of a name, as Python's {@code re.match} does.
   *
   * @param include patterns of {@code include}
   * @param exclude patterns of {@code exclude}, after those of the preset
   * @param preset the preset named, if any
   * @param rest what happens to the others
   * @param at where the first of these keys stands
   */
  public record Selection(
      List<Pattern> include,
      List<Pattern> exclude,
      @Nullable ParameterPreset preset,
      Rest rest,
      Position at) {
    /** Everything is merged. */
    public static final Selection ALL =
        new Selection(List.of(), List.of(), null, Rest.BASE, Position.START);

    public Selection {
      include = List.copyOf(include);
      exclude = List.copyOf(exclude);
    }

    /** The reason why the tensor is not merged, as a pattern or as words; empty if it is. */
    public Optional<String> rejectedBy(String tensor) {
      for (Pattern pattern : exclude) {
        if (pattern.matcher(tensor).lookingAt()) {
          return Optional.of("exclude " + pattern.pattern());
        }
      }
      if (include.isEmpty()
          || include.stream().anyMatch(pattern -> pattern.matcher(tensor).lookingAt())) {
        return Optional.empty();
      }
      return Optional.of("no include matches");
    }

    /** True if some tensors may be left out. */
    public boolean restricts() {
      return !include.isEmpty() || !exclude.isEmpty();
    }
  }

  /**
   * The tokenizer of the output.
   *
   * @param source {@code base}, {@code union} or a model
   * @param tokens rows that are chosen by hand, by token
   * @param padToMultipleOf the number of rows is made a multiple of this
   * @param at where it stands
   */
  public record Tokenizer(
      String source, Map<String, Token> tokens, int padToMultipleOf, Position at) {
    /** The output has the base's vocabulary. */
    public static final String BASE = "base";

    /** The output has the tokens of all models. */
    public static final String UNION = "union";

    public Tokenizer {
      tokens = Collections.unmodifiableMap(new LinkedHashMap<>(tokens));
    }
  }

  /**
   * The row of a token, where models lack it, or everywhere.
   *
   * @param model the model that has it; null: a row of zeros
   * @param like another token of that model whose row it is; null: the token itself
   * @param id the row in that model, instead of {@code like}; -1: none given
   * @param force whether it replaces the rows of models that have the token
   * @param at where it stands
   */
  public record Token(
      @Nullable Model model, @Nullable String like, int id, boolean force, Position at) {}

  /** The versions of mergekit whose results differ. */
  public enum MergekitVersion {
    /** The release of 2025. */
    V0_1_4("0.1.4"),
    /** The release of October 2026. */
    V0_1_5("0.1.5");

    private final String label;

    MergekitVersion(String label) {
      this.label = label;
    }

    /** As recipes write it. */
    public String label() {
      return label;
    }
  }

  /**
   * Inputs for one part of a model, such as its vision tower.
   *
   * @param slices as for a recipe
   * @param at where it stands
   */
  public record Module(List<Slice> slices, Position at) {
    public Module {
      slices = List.copyOf(slices);
    }
  }

  /**
   * What only recipes of mergekit say.
   *
   * @param version whose semantics hold where versions differ
   * @param stage the name of a document among several, by which others read its result
   * @param modules inputs by part of the model; empty where all parts have the same
   * @param chatTemplate the output's chat template: a name or Jinja
   * @param truncate whether vocabularies of different sizes are cut to the shortest
   */
  public record Mergekit(
      MergekitVersion version,
      @Nullable Located<String> stage,
      Map<String, Module> modules,
      @Nullable Located<String> chatTemplate,
      boolean truncate) {
    public Mergekit {
      modules = Collections.unmodifiableMap(new LinkedHashMap<>(modules));
    }
  }

  public Recipe {
    slices = List.copyOf(slices);
    parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    rename = Collections.unmodifiableMap(new LinkedHashMap<>(rename));
  }

  /**
   * The beginnings of a model's names and what they are in the base; null if the recipe does not
   * say, so that they are looked for.
   */
  public @Nullable Map<String, String> renameOf(String model) {
    Map<String, String> own = rename.get(model);
    return own != null ? own : rename.get("");
  }

  /** True if the recipe takes layers apart; false for {@code models:}. */
  public boolean sliced() {
    return slices.get(0).sources().get(0).layers() != null;
  }

  /** The same with another seed. */
  public Recipe withSeed(long other) {
    return with(allowNonFinite, other, mergekit);
  }

  /** The same, and NaN and infinity may pass or not. */
  public Recipe withAllowNonFinite(boolean allow) {
    return with(allow, seed, mergekit);
  }

  /**
   * The same with one λ for all tensors.
   *
   * @throws RecipeException if a slice has its own
   */
  public Recipe withScaling(double scaling) {
    for (Slice slice : slices) {
      ParameterSetting own = slice.parameters().get(RecipeParser.SCALING);
      if (own != null) {
        throw error(own.at(), "this slice has its own 'scaling', so none can be set for all");
      }
    }
    Map<String, ParameterSetting> changed = new LinkedHashMap<>(parameters);
    ParameterSetting.Value value = new ParameterSetting.Gradient(List.of(scaling));
    changed.put(
        RecipeParser.SCALING,
        new ParameterSetting(
            RecipeParser.SCALING,
            List.of(new ParameterSetting.Choice(ParameterSetting.ALL, value, method.at())),
            method.at()));
    return with(allowNonFinite, seed, mergekit, changed);
  }

  /** The same, and vocabularies of different sizes are cut to the shortest. */
  public Recipe withTruncatedVocabularies() {
    return with(
        allowNonFinite,
        seed,
        new Mergekit(
            mergekit.version, mergekit.stage, mergekit.modules, mergekit.chatTemplate, true));
  }

  private Recipe with(boolean allow, long other, Mergekit ofMergekit) {
    return with(allow, other, ofMergekit, parameters);
  }

  private Recipe with(
      boolean allow, long other, Mergekit ofMergekit, Map<String, ParameterSetting> ofAll) {
    return new Recipe(
        name,
        folder,
        method,
        base,
        slices,
        ofAll,
        dtype,
        outDtype,
        selection,
        missing,
        extra,
        factorwise,
        allow,
        other,
        tokenizer,
        ofMergekit,
        rename);
  }

  /** A problem at a place of this recipe. */
  public RecipeException error(Position at, String problem) {
    return new RecipeException(name, at, problem);
  }

  /** One line for a problem at a place of this recipe. */
  public String line(Position at, String problem) {
    return name + ":" + at + ": " + problem;
  }
}
