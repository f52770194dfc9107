package org.optmerge.merge;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.ExternalFiles;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.ParameterBinder.Bound;
import org.optmerge.method.Linear;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.MergeMethods;
import org.optmerge.method.PerModel;
import org.optmerge.method.WeightAverage;
import org.optmerge.taskvector.Weight;

/**
 * Turns a recipe into a plan: opens every model, compares all names, shapes and types, resolves
 * every parameter for every tensor. Headers are read, data is not; nothing is written.
 *
 * <p>No table of architectures is consulted. The output has the tensors that the base has (or the
 * first model, if there is no base), whatever they are called.
 */
public final class Planner {
  /** Entries looked at where a type differs, to show what the numbers are like. */
  private static final int SAMPLE = 4096;

  private static final String VOCABULARY =
      "(.*\\.)?(embed_tokens|wte|word_embeddings|tok_embeddings|embed_in|embed_out|shared|lm_head)"
          + "\\.(weight|bias)";

  /** An entry of the recipe with its model opened. */
  private record Lane(Recipe.Source source, InputModel model) {}

  /** A slice with its models opened; {@code base} is null where weights are merged. */
  private record OpenSlice(Recipe.Slice slice, @Nullable Lane base, List<Lane> inputs) {}

  private final Recipe recipe;
  private final ModelLocator locator;
  private final ExternalFiles external;
  private final long shardBytes;
  private final MergeMethods.Named named;
  private final MergeMethod method;
  private final ParameterBinder binder;

  private final Map<Path, Checkpoint> checkpoints = new LinkedHashMap<>();
  private final Map<Path, LoraAdapter> adapters = new LinkedHashMap<>();
  private final Map<String, InputModel> modelsByFiles = new LinkedHashMap<>();
  private final Map<String, InputModel> modelsByText = new LinkedHashMap<>();
  private final List<String> problems = new ArrayList<>();
  private final List<String> unusable = new ArrayList<>();
  private final Map<String, Integer> methodProblems = new LinkedHashMap<>();
  private final Set<String> notices = new LinkedHashSet<>();
  private final CoverageLedger ledger = new CoverageLedger();
  private final Map<String, TypeDifference> typeDifferences = new TreeMap<>();

  private record TypeDifference(
      InputModel model, DType type, DType baseType, TensorInfo example, TensorInfo baseExample) {}

  private Planner(Recipe recipe, List<Path> folders, ExternalFiles external, long shardBytes) {
    this.recipe = recipe;
    this.shardBytes = shardBytes;
    this.external = external;
    this.locator = new ModelLocator(folders, ModelLocator.defaultHubCache());
    try {
      this.named = MergeMethods.named(recipe.method().value());
    } catch (IllegalArgumentException e) {
      throw recipe.error(recipe.method().at(), String.valueOf(e.getMessage()));
    }
    this.method =
        named.base() == MergeMethods.Base.OPTIONAL_ORIGIN
            ? named
                .method()
                .over(
                    recipe.base() == null
                        ? MergeMethod.Operand.WEIGHTS
                        : MergeMethod.Operand.TASK_VECTORS)
            : named.method();
    this.binder = new ParameterBinder(recipe, named, method);
  }

  /**
   * Plans a merge; models are looked for relative to the recipe's folder, then to the working
   * directory.
   *
   * @throws RecipeException if anything does not fit; all problems are in it, one line each
   */
  public static MergePlan plan(Recipe recipe) {
    return plan(recipe, List.of(recipe.folder(), Path.of("")));
  }

  /**
   * Plans a merge.
   *
   * @param folders what relative paths of models are relative to: the first that has them
   * @throws RecipeException if anything does not fit; all problems are in it, one line each
   */
  public static MergePlan plan(Recipe recipe, List<Path> folders) {
    return plan(recipe, folders, ExternalFiles.REFUSE);
  }

  /**
   * Plans a merge.
   *
   * @param folders what relative paths of models are relative to: the first that has them
   * @param external what to do where a checkpoint's index or links lead out of its folder
   * @throws RecipeException if anything does not fit; all problems are in it, one line each
   * @throws CheckpointException if a model is there but cannot be used
   */
  public static MergePlan plan(Recipe recipe, List<Path> folders, ExternalFiles external) {
    return plan(recipe, folders, external, OutputLayout.SHARD_BYTES);
  }

  /**
   * Plans a merge.
   *
   * @param folders what relative paths of models are relative to: the first that has them
   * @param external what to do where a checkpoint's index or links lead out of its folder
   * @param shardBytes largest weight file where the base's division into files cannot be kept
   * @throws RecipeException if anything does not fit; all problems are in it, one line each
   * @throws CheckpointException if a model is there but cannot be used
   */
  public static MergePlan plan(
      Recipe recipe, List<Path> folders, ExternalFiles external, long shardBytes) {
    Planner planner = new Planner(recipe, folders, external, shardBytes);
    try {
      return planner.plan();
    } catch (RuntimeException | Error e) {
      planner.closeAll();
      throw e;
    }
  }

  private void closeAll() {
    adapters.values().forEach(LoraAdapter::close);
    checkpoints.values().forEach(Checkpoint::close);
  }

  private MergePlan plan() {
    checkRecipe();
    failIfAny();
    openModels();
    failIfAny();
    List<OpenSlice> slices = new ArrayList<>();
    for (Recipe.Slice slice : recipe.slices()) {
      slices.add(open(slice));
    }
    failIfAny();
    InputModel donor = donor(slices);
    modelsByText.values().stream().distinct().forEach(ledger::open);
    compareConfigs(donor);
    checkTokenizer(donor);
    failIfAny();
    List<OutputLayout.Entry> entries = new ArrayList<>();
    List<Integer> donorLayers = new ArrayList<>();
    if (recipe.sliced()) {
      planSlices(slices, donor, entries, donorLayers);
    } else {
      planModels(slices.get(0), donor, entries);
    }
    methodProblems.forEach(
        (problem, times) ->
            problems.add(
                times == 1 ? problem : problem + " (and %d more tensors)".formatted(times - 1)));
    failIfAny();
    if (entries.isEmpty()) {
      throw recipe.error(recipe.method().at(), "model '%s' has no tensors".formatted(donor.name()));
    }
    describeTypes();
    Map<String, byte[]> rewritten = rewriteConfig(donor, entries, donorLayers);
    MergeMethods.twin(named.name()).ifPresent(twin -> notices.add(tellApart(twin)));
    MergePlan plan =
        new MergePlan(
            named.name(),
            ResolvedRecipe.of(recipe, named, method, outDType()),
            folders(donor),
            donor.checkpoint(),
            OutputLayout.of(donor.checkpoint(), entries, shardBytes),
            donor.checkpoint().otherFiles(),
            rewritten,
            ledger.close(),
            List.copyOf(notices),
            recipe.allowNonFinite());
    closeUnread(plan);
    return plan;
  }

  private String tellApart(MergeMethods.Named twin) {
    return "'%s' runs: %s, λ = %s unless given; '%s' would be: %s, λ = %s"
        .formatted(
            named.name(),
            named.summary(),
            named.scaling(),
            twin.name(),
            twin.summary(),
            twin.scaling());
  }

  private void failIfAny() {
    if (!problems.isEmpty()) {
      problems.addAll(unusable);
      throw new RecipeException(problems);
    }
    if (!unusable.isEmpty()) { // nothing is wrong with the recipe
      throw new CheckpointException(String.join("\n", unusable));
    }
  }

  // ---- what can be said before any file is opened

  private void checkRecipe() {
    problems.addAll(binder.problems());
    boolean needsBase =
        named.base() == MergeMethods.Base.ORIGIN || named.base() == MergeMethods.Base.FIRST_INPUT;
    if (needsBase && recipe.base() == null && recipe.slices().get(0).base() == null) {
      problems.add(
          recipe.line(
              recipe.method().at(),
              "'%s' needs a 'base_model'; %s"
                  .formatted(
                      named.name(),
                      named.base() == MergeMethods.Base.ORIGIN
                          ? "name the model that the others were fine-tuned from"
                          : "name the one of the two models that counts as the first")));
    }
    Recipe.Selection selection = recipe.selection();
    if (selection.restricts() && selection.rest() == Recipe.Rest.BASE && recipe.base() == null) {
      problems.add(
          recipe.line(
              selection.at(),
              "tensors that are not merged come from the base: name a 'base_model', or set 'rest: mean'"));
    }
    if (recipe.missing() == Recipe.Missing.BASE && recipe.base() == null) {
      problems.add(recipe.line(recipe.method().at(), "'missing: base' needs a 'base_model'"));
    }
  }

  // ---- models

  private void openModels() {
    Recipe.Model base = recipe.base();
    if (base != null) {
      open(base, null);
    }
    InputModel under = base == null ? null : modelsByText.get(base.text());
    for (Recipe.Slice slice : recipe.slices()) {
      Recipe.Model ofSlice = slice.base();
      if (ofSlice != null) {
        open(ofSlice, under);
      }
      for (Recipe.Source source : slice.sources()) {
        open(source.model(), under);
      }
    }
  }

  private void open(Recipe.Model model, @Nullable InputModel base) {
    if (modelsByText.containsKey(model.text())) {
      return;
    }
    try {
      ModelLocator.Location location = locator.locate(model.text());
      Path checkpoint = location.checkpoint();
      Path adapter = location.adapter();
      InputModel under = checkpoint == null ? base : open(model.text(), checkpoint, adapter);
      if (under == null) {
        problems.add(
            recipe.line(
                model.at(),
                "model '%s' is an adapter; name the checkpoint that it is for, as 'checkpoint+adapter' or as base_model"
                    .formatted(model.text())));
        return;
      }
      InputModel opened = adapter == null ? under : open(model.text(), under, adapter);
      for (String problem : opened.adapterProblems()) {
        problems.add(recipe.line(model.at(), problem));
      }
      modelsByText.put(model.text(), opened);
    } catch (CheckpointException e) {
      unusable.add(recipe.line(model.at(), String.valueOf(e.getMessage())));
    } catch (IllegalArgumentException e) {
      problems.add(recipe.line(model.at(), String.valueOf(e.getMessage())));
    }
  }

  /** A checkpoint; its name is the recipe's, less the adapter's. */
  private InputModel open(String text, Path folder, @Nullable Path adapter) {
    Path real = real(folder);
    InputModel known = modelsByFiles.get(real.toString());
    if (known != null) {
      return known;
    }
    Checkpoint checkpoint = Checkpoint.open(folder, external);
    checkpoints.put(real, checkpoint);
    String name = adapter == null ? text : text.substring(0, text.lastIndexOf('+'));
    InputModel opened = new InputModel(name, checkpoint);
    modelsByFiles.put(real.toString(), opened);
    return opened;
  }

  private InputModel open(String text, InputModel under, Path folder) {
    Path real = real(folder);
    String key = System.identityHashCode(under) + "+" + real;
    InputModel known = modelsByFiles.get(key);
    if (known != null) {
      return known;
    }
    LoraAdapter adapter = adapters.get(real);
    if (adapter == null) {
      adapter = LoraAdapter.open(folder);
      adapters.put(real, adapter);
    }
    InputModel opened = new InputModel(text, under, adapter);
    modelsByFiles.put(key, opened);
    return opened;
  }

  private static Path real(Path folder) {
    try {
      return folder.toRealPath();
    } catch (IOException e) {
      return folder.toAbsolutePath().normalize();
    }
  }

  private InputModel model(Recipe.Model model) {
    return Objects.requireNonNull(modelsByText.get(model.text()), model.text());
  }

  private @Nullable InputModel baseOf(Recipe.Slice slice) {
    Recipe.Model base = slice.base() != null ? slice.base() : recipe.base();
    return base == null ? null : model(base);
  }

  /** Sorts out which of a slice's models are inputs and which is the base. */
  private OpenSlice open(Recipe.Slice slice) {
    InputModel base = baseOf(slice);
    List<Lane> lanes = new ArrayList<>();
    Lane baseLane = null;
    for (Recipe.Source source : slice.sources()) {
      Lane lane = new Lane(source, model(source.model()));
      lanes.add(lane);
      if (baseLane == null && lane.model() == base) {
        baseLane = lane;
      }
    }
    Recipe.Model named = slice.base() != null ? slice.base() : recipe.base();
    if (base != null && named != null && baseLane == null && !recipe.sliced()) {
      baseLane = new Lane(new Recipe.Source(named, null, Map.of()), base);
      if (joins()) {
        lanes.add(baseLane);
      }
    }
    if (method.operand() == MergeMethod.Operand.TASK_VECTORS) {
      return withOrigin(slice, lanes, base, baseLane);
    }
    if (this.named.base() == MergeMethods.Base.FIRST_INPUT && baseLane != null) {
      lanes.remove(baseLane);
      lanes.add(0, baseLane);
    }
    return new OpenSlice(slice, null, lanes);
  }

  /** True if a base outside the list is one more input, as mergekit has it. */
  private boolean joins() {
    // mergekit lets the base join here too, and then fails on two inputs; it is meant as the donor.
    return method.operand() == MergeMethod.Operand.WEIGHTS && !named.name().equals("passthrough");
  }

  private OpenSlice withOrigin(
      Recipe.Slice slice, List<Lane> lanes, @Nullable InputModel base, @Nullable Lane baseLane) {
    if (baseLane == null || base == null) {
      problems.add(
          recipe.line(
              slice.at(),
              "'%s' needs the base among the sources of every slice; add {model: %s, layer_range: […]}"
                  .formatted(named.name(), recipe.base() == null ? "BASE" : recipe.base().text())));
      return new OpenSlice(slice, null, lanes);
    }
    List<Lane> inputs = lanes.stream().filter(lane -> lane.model() != base).toList();
    for (Lane lane : lanes) {
      if (lane.model() == base && !lane.source().parameters().isEmpty()) {
        notices.add(
            "'%s' is the base, so its own parameters (%s) are not used"
                .formatted(
                    lane.model().name(), String.join(", ", lane.source().parameters().keySet())));
      }
    }
    if (inputs.isEmpty()) {
      problems.add(
          recipe.line(
              slice.at(),
              "there is no model to merge besides the base '%s'".formatted(base.name())));
    }
    return new OpenSlice(slice, baseLane, inputs);
  }

  private InputModel donor(List<OpenSlice> slices) {
    Recipe.Model base = recipe.base();
    return base != null ? model(base) : slices.get(0).inputs().get(0).model();
  }

  private Map<String, Path> folders(InputModel donor) {
    Map<String, Path> folders = new LinkedHashMap<>(donor.folders());
    for (InputModel model : modelsByText.values()) {
      model.folders().forEach(folders::putIfAbsent);
    }
    return folders;
  }

  private void compareConfigs(InputModel donor) {
    Set<Checkpoint> seen = new LinkedHashSet<>();
    for (InputModel model : modelsByText.values()) {
      if (!seen.add(model.checkpoint())) {
        continue;
      }
      if (!model.hasConfig()) {
        notices.add(
            "model '%s' has no config.json that can be read; its weights are merged all the same"
                .formatted(model.name()));
      } else if (!architecture(model).equals(architecture(donor)) && donor.hasConfig()) {
        String difference =
            "model '%s' is a %s, '%s' is a %s"
                .formatted(model.name(), architecture(model), donor.name(), architecture(donor));
        notices.add(difference);
      }
    }
  }

  private static String architecture(InputModel model) {
    JsonNode config = model.config();
    JsonNode listed = config.path("architectures").path(0);
    return listed.isTextual() ? listed.asText() : config.path("model_type").asText("model");
  }

  /**
   * The output has the base's tokenizer. That is what the recipe asks for if every model has the
   * base's tokens in the base's rows; rows are not moved.
   */
  private void checkTokenizer(InputModel donor) {
    Recipe.Tokenizer asked = recipe.tokenizer();
    if (asked == null) {
      return;
    }
    boolean union = asked.source().equals(Recipe.Tokenizer.UNION);
    boolean ofDonor =
        asked.source().equals(Recipe.Tokenizer.BASE) || modelsByText.get(asked.source()) == donor;
    if (!asked.tokens().isEmpty() || asked.padToMultipleOf() > 1 || !(union || ofDonor)) {
      problems.add(
          recipe.line(
              asked.at(),
              "rows of the embedding cannot be moved, chosen or padded; supported are 'tokenizer_source: base', and 'union' where all models have the same tokens"));
      return;
    }
    Optional<Vocabulary> own = Vocabulary.read(donor.checkpoint().folder());
    for (InputModel model : modelsByText.values()) {
      if (model.checkpoint() == donor.checkpoint()) {
        continue;
      }
      Optional<Vocabulary> other = Vocabulary.read(model.checkpoint().folder());
      if (own.isEmpty() || other.isEmpty()) {
        notices.add(
            "'%s' has no tokenizer.json with a vocabulary, so its tokens were not compared"
                .formatted(own.isEmpty() ? donor.name() : model.name()));
        continue;
      }
      Optional<String> obstacle = own.get().whyNotRowsOf(other.get(), donor.name(), model.name());
      if (obstacle.isEmpty() && union && other.get().ids().size() > own.get().ids().size()) {
        obstacle =
            Optional.of(
                "'%s' has %d tokens that '%s' does not have"
                    .formatted(
                        model.name(),
                        other.get().ids().size() - own.get().ids().size(),
                        donor.name()));
      }
      obstacle.ifPresent(
          reason ->
              problems.add(
                  recipe.line(asked.at(), reason + "; rows of the embedding cannot be moved")));
    }
  }

  // ---- tensors

  private void planModels(OpenSlice slice, InputModel donor, List<OutputLayout.Entry> entries) {
    for (String tensor : donor.names()) {
      List<String> names = new ArrayList<>();
      slice.inputs().forEach(lane -> names.add(tensor));
      planTensor(new Target(tensor, slice, donor, tensor, names, donor.layers().fraction(tensor)))
          .ifPresent(
              planned ->
                  entries.add(
                      new OutputLayout.Entry(
                          planned, donor.checkpoint().find(tensor).orElse(null))));
    }
    Set<String> copied = new LinkedHashSet<>();
    for (Lane lane : slice.inputs()) {
      planExtras(lane, donor, copied, entries);
    }
  }

  /** Tensors that only an expert has. */
  private void planExtras(
      Lane lane, InputModel donor, Set<String> copied, List<OutputLayout.Entry> entries) {
    InputModel model = lane.model();
    List<String> extras = new ArrayList<>();
    for (String tensor : model.names()) {
      if (ledger.knows(model, tensor) || donor.info(tensor).isPresent()) {
        continue;
      }
      if (donor.tiedTo(tensor).isPresent()) {
        ledger.otherwise(
            model, tensor, "left out: tied to the embedding in '%s'".formatted(donor.name()));
        continue;
      }
      extras.add(tensor);
      switch (recipe.extra()) {
        case ERROR ->
            problems.add(
                recipe.line(
                    lane.source().model().at(),
                    "model '%s' has tensor '%s', which '%s' does not have; to leave such tensors out, set 'extra: report'"
                        .formatted(model.name(), tensor, donor.name())));
        case REPORT ->
            ledger.otherwise(model, tensor, "left out: not in '%s'".formatted(donor.name()));
        case COPY -> {
          boolean first = copied.add(tensor);
          if (first) {
            model
                .weight(tensor)
                .ifPresent(
                    weight ->
                        entries.add(
                            new OutputLayout.Entry(
                                keep(tensor, model, weight, "copied from " + model.name()), null)));
          }
          ledger.used(
              model,
              tensor,
              first
                  ? "copied: not in '%s'".formatted(donor.name())
                  : "left out: copied from another model");
        }
      }
    }
    if (!extras.isEmpty() && recipe.extra() == Recipe.Extra.REPORT) {
      notices.add(
          "model '%s' has %d tensors that '%s' does not have, such as '%s'; they are left out ('extra: copy' keeps them)"
              .formatted(model.name(), extras.size(), donor.name(), extras.get(0)));
    }
  }

  private void planSlices(
      List<OpenSlice> slices,
      InputModel donor,
      List<OutputLayout.Entry> entries,
      List<Integer> donorLayers) {
    Optional<String> found = slicedStack(donor, slices);
    if (found.isEmpty()) {
      return;
    }
    String stack = found.get();
    for (OpenSlice slice : slices) {
      checkRanges(slice, stack);
    }
    failIfAny();
    List<String> before = new ArrayList<>();
    List<String> after = new ArrayList<>();
    for (String tensor : donor.names()) {
      Optional<LayerNames.Place> place = donor.layers().place(tensor);
      if (place.isEmpty() || !place.get().stack().equals(stack)) {
        (comesAfter(tensor) ? after : before).add(tensor);
      }
    }
    planOutside(before, slices.get(0), donor, entries);
    int output = 0;
    for (OpenSlice slice : slices) {
      int length = layers(slice.inputs().get(0)).length();
      for (int i = 0; i < length; i++) {
        planLayer(slice, stack, i, output, LayerNames.fraction(i, length), entries);
        Lane likeDonor = slice.base() != null ? slice.base() : slice.inputs().get(0);
        donorLayers.add(layers(likeDonor).from() + i);
        output++;
      }
    }
    planOutside(after, slices.get(slices.size() - 1), donor, entries);
  }

  private void planOutside(
      List<String> tensors, OpenSlice slice, InputModel donor, List<OutputLayout.Entry> entries) {
    for (String tensor : tensors) {
      InputModel reference =
          slice.base() != null ? slice.base().model() : slice.inputs().get(0).model();
      if (reference.info(tensor).isEmpty()) {
        reference = donor;
      }
      List<String> names = new ArrayList<>();
      slice.inputs().forEach(lane -> names.add(tensor));
      planTensor(new Target(tensor, slice, reference, tensor, names, 0))
          .ifPresent(
              planned ->
                  entries.add(
                      new OutputLayout.Entry(
                          planned, donor.checkpoint().find(tensor).orElse(null))));
    }
  }

  /** One layer of the output, from one layer of each source. */
  private void planLayer(
      OpenSlice slice,
      String stack,
      int index,
      int output,
      double fraction,
      List<OutputLayout.Entry> entries) {
    Lane reference = slice.base() != null ? slice.base() : slice.inputs().get(0);
    int layer = layers(reference).from() + index;
    for (String suffix : suffixes(reference.model(), stack, layer)) {
      String tensor = stack + "." + output + "." + suffix;
      List<String> names = new ArrayList<>();
      for (Lane lane : slice.inputs()) {
        names.add(stack + "." + (layers(lane).from() + index) + "." + suffix);
      }
      String read = stack + "." + layer + "." + suffix;
      planTensor(new Target(tensor, slice, reference.model(), read, names, fraction))
          .ifPresent(
              planned ->
                  entries.add(
                      new OutputLayout.Entry(
                          planned, reference.model().checkpoint().find(tensor).orElse(null))));
    }
  }

  private final Map<InputModel, Map<Integer, List<String>>> suffixes = new LinkedHashMap<>();

  private List<String> suffixes(InputModel model, String stack, int layer) {
    Map<Integer, List<String>> byLayer =
        suffixes.computeIfAbsent(
            model,
            key -> {
              Map<Integer, List<String>> found = new LinkedHashMap<>();
              for (String name : key.names()) {
                key.layers()
                    .place(name)
                    .filter(place -> place.stack().equals(stack))
                    .ifPresent(
                        place ->
                            found
                                .computeIfAbsent(place.layer(), number -> new ArrayList<>())
                                .add(place.suffix()));
              }
              return found;
            });
    return byLayer.getOrDefault(layer, List.of());
  }

  private static Recipe.LayerRange layers(Lane lane) {
    return Objects.requireNonNull(lane.source().layers());
  }

  private void checkRanges(OpenSlice slice, String stack) {
    List<Lane> lanes = new ArrayList<>(slice.inputs());
    if (slice.base() != null) {
      lanes.add(slice.base());
    }
    for (Lane lane : lanes) {
      int count = lane.model().layers().counts().getOrDefault(stack, 0);
      Recipe.LayerRange range = layers(lane);
      if (range.to() > count) {
        problems.add(
            recipe.line(
                range.at(),
                "'layer_range' is [%d, %d], but model '%s' has %d layers in '%s'"
                    .formatted(range.from(), range.to(), lane.model().name(), count, stack)));
      }
    }
  }

  /**
   * The stack whose layers the slices count; the one that config.json counts if there are several.
   */
  private Optional<String> slicedStack(InputModel donor, List<OpenSlice> slices) {
    Map<String, Integer> counts = donor.layers().counts();
    if (counts.size() == 1) {
      return Optional.of(counts.keySet().iterator().next());
    }
    int configured = configuredLayers(donor);
    List<String> fitting =
        counts.entrySet().stream()
            .filter(entry -> entry.getValue() == configured)
            .map(Map.Entry::getKey)
            .toList();
    if (fitting.size() == 1) {
      return Optional.of(fitting.get(0));
    }
    problems.add(
        recipe.line(
            slices.get(0).slice().at(),
            counts.isEmpty()
                ? "model '%s' has no layers that 'slices' could take apart".formatted(donor.name())
                : "model '%s' has several stacks of layers, %s; which one 'slices' means cannot be told, use 'models'"
                    .formatted(donor.name(), counts)));
    return Optional.empty();
  }

  private static int configuredLayers(InputModel model) {
    JsonNode config = model.config();
    for (String part : List.of("", "text_config", "llm_config")) {
      JsonNode at = part.isEmpty() ? config : config.path(part);
      for (String key : List.of("num_hidden_layers", "n_layer", "num_layers", "n_layers")) {
        if (at.path(key).isInt()) {
          return at.path(key).asInt();
        }
      }
    }
    return -1;
  }

  /** True for what a model applies after its layers: final norm and heads. */
  private static boolean comesAfter(String tensor) {
    return tensor.matches(
        "(.*\\.)?(lm_head|embed_out|score|classifier|cls|norm|ln_f|final_layernorm|final_layer_norm"
            + "|final_norm|output|output_norm)(\\..*)?");
  }

  /**
   * One tensor of the output and where its values come from.
   *
   * @param tensor its name in the output
   * @param slice whose models are merged
   * @param reference the model whose tensor says type and shape: the base, if there is one
   * @param read that tensor's name
   * @param names the tensor's name in each input
   * @param fraction how deep the tensor is, 0 to 1
   */
  private record Target(
      String tensor,
      OpenSlice slice,
      InputModel reference,
      String read,
      List<String> names,
      double fraction) {}

  /** One tensor of the output; empty if there is a problem with it, which is then booked. */
  private Optional<PlannedTensor> planTensor(Target target) {
    InputModel reference = target.reference();
    Optional<Weight> like = reference.weight(target.read());
    TensorInfo info = reference.info(target.read()).orElse(null);
    if (like.isEmpty() || info == null) {
      problems.add("tensor '%s' is not in model '%s'".formatted(target.read(), reference.name()));
      return Optional.empty();
    }
    String reason = recipe.selection().rejectedBy(target.tensor()).orElse(null);
    if (reason != null && recipe.selection().rest() == Recipe.Rest.BASE) {
      return Optional.of(copy(target, like.get(), reason));
    }
    Optional<String> obstacle = reference.whyNotMergeable(info);
    if (obstacle.isPresent()) {
      return copyBuffer(target, info, like.get(), obstacle.get());
    }
    List<Weight> inputs = new ArrayList<>();
    List<ParameterBinder.Input> sources = new ArrayList<>();
    int before = problems.size();
    for (int i = 0; i < target.names().size(); i++) {
      Lane lane = target.slice().inputs().get(i);
      String name = target.names().get(i);
      Optional<Weight> weight = input(lane, name, target, info, like.get());
      if (weight.isPresent()) {
        inputs.add(weight.get());
        sources.add(new ParameterBinder.Input(lane.source(), name));
      }
    }
    Weight base = null;
    Lane baseLane = target.slice().base();
    if (baseLane != null) {
      base = baseLane.model().weight(target.read()).orElse(null);
      if (base == null) {
        problems.add(
            recipe.line(
                baseLane.source().model().at(),
                "the base '%s' has no tensor '%s'"
                    .formatted(baseLane.model().name(), target.read())));
      }
      ledger.used(baseLane.model(), target.read(), "base of the merge");
    }
    if (problems.size() > before) {
      return Optional.empty();
    }
    if (inputs.isEmpty()) {
      return Optional.of(copy(target, like.get(), "in no other model"));
    }
    return reason == null
        ? merge(target, info, base, inputs, sources)
        : Optional.of(mean(target, info, base, inputs, reason));
  }

  private Optional<PlannedTensor> merge(
      Target target,
      TensorInfo info,
      @Nullable Weight base,
      List<Weight> inputs,
      List<ParameterBinder.Input> sources) {
    try {
      Bound bound =
          binder.bind(
              target.tensor(), target.fraction(), target.slice().slice(), sources, info.shape());
      return Optional.of(
          new PlannedTensor(
              target.tensor(),
              outDType(info.dtype()),
              info.shape(),
              new PlannedTensor.Merge(
                  bound.method(), base, inputs, bound.scaling(), taskVectorDType(info.dtype())),
              "merged"));
    } catch (RecipeException e) {
      for (String problem : e.problems()) {
        methodProblems.merge(
            problem.replace("'" + target.tensor() + "'", "a tensor"), 1, Integer::sum);
      }
      return Optional.empty();
    }
  }

  /** For tensors that are not selected, where the recipe says so. */
  private PlannedTensor mean(
      Target target, TensorInfo info, @Nullable Weight base, List<Weight> inputs, String reason) {
    MergeMethod mean = base == null ? new Linear(PerModel.each(1), true) : new WeightAverage();
    return new PlannedTensor(
        target.tensor(),
        outDType(info.dtype()),
        info.shape(),
        new PlannedTensor.Merge(mean, base, inputs, 1, null),
        "mean: " + reason);
  }

  /**
   * Whole numbers beside the weights are copied; anything else that cannot be merged is refused.
   */
  private Optional<PlannedTensor> copyBuffer(
      Target target, TensorInfo info, Weight like, String obstacle) {
    if (!isBuffer(info)) {
      problems.add("model '%s': %s".formatted(target.reference().name(), obstacle));
      return Optional.empty();
    }
    return sameIntegers(target, info)
        ? Optional.of(copy(target, like, info.dtype().torchName() + " is not averaged"))
        : Optional.empty();
  }

  /** What one model brings to a tensor, or nothing; a problem is booked unless that is allowed. */
  private Optional<Weight> input(
      Lane lane, String tensor, Target target, TensorInfo info, Weight like) {
    InputModel reference = target.reference();
    InputModel model = lane.model();
    Optional<Weight> found = model.weight(tensor);
    if (found.isEmpty()) {
      Optional<Weight> tied = model.tiedTo(tensor).flatMap(model::weight);
      if (tied.isPresent()) {
        notices.add(
            "model '%s' has no '%s': it is tied to the embedding, which is read in its place"
                .formatted(model.name(), tensor));
        found = tied;
      }
    }
    if (found.isEmpty()) {
      return absent(lane, tensor, reference, like);
    }
    TensorInfo own = model.info(tensor).orElse(info);
    Optional<String> obstacle = model.whyNotMergeable(own);
    if (obstacle.isPresent()) {
      problems.add(
          recipe.line(
              lane.source().model().at(),
              "model '%s': %s ('%s' has %s)"
                  .formatted(
                      model.name(), obstacle.get(), reference.name(), info.dtype().torchName())));
      return Optional.empty();
    }
    Optional<Weight> fitting = fit(lane, tensor, found.get(), target, info.shape());
    if (fitting.isPresent()) {
      if (own.dtype() != info.dtype()) {
        typeDifferences.putIfAbsent(
            model.name() + own.dtype() + info.dtype(),
            new TypeDifference(model, own.dtype(), info.dtype(), own, info));
      }
      boolean whole = fitting.get().shape().equals(found.get().shape());
      ledger.used(
          model,
          tensor,
          whole
              ? "merged"
              : "merged: the first %d of %d rows"
                  .formatted(fitting.get().shape().get(0), found.get().shape().get(0)));
    }
    return fitting;
  }

  private Optional<Weight> absent(Lane lane, String tensor, InputModel reference, Weight like) {
    switch (recipe.missing()) {
      case BASE -> {
        notices.add(
            "model '%s' lacks tensors, such as '%s': the base's stand in for them"
                .formatted(lane.model().name(), firstMissing(lane.model(), tensor)));
        return Optional.of(like);
      }
      case SKIP -> {
        notices.add(
            "model '%s' lacks tensors, such as '%s': these are merged without it"
                .formatted(lane.model().name(), firstMissing(lane.model(), tensor)));
        return Optional.empty();
      }
      case ERROR ->
          problems.add(
              recipe.line(
                  lane.source().model().at(),
                  "model '%s' has no tensor '%s', which '%s' has; 'missing: base' or 'missing: skip' allows it"
                      .formatted(lane.model().name(), tensor, reference.name())));
    }
    return Optional.empty();
  }

  private final Map<InputModel, String> firstMissing = new LinkedHashMap<>();

  private String firstMissing(InputModel model, String tensor) {
    return firstMissing.computeIfAbsent(model, key -> tensor);
  }

  /** The weight in the reference's shape: itself, or the first rows of a larger vocabulary. */
  private Optional<Weight> fit(
      Lane lane, String tensor, Weight weight, Target target, List<Long> shape) {
    InputModel reference = target.reference();
    List<Long> own = weight.shape();
    if (own.equals(shape)) {
      return Optional.of(weight);
    }
    boolean sameColumns =
        own.size() == shape.size()
            && !own.isEmpty()
            && own.subList(1, own.size()).equals(shape.subList(1, shape.size()));
    String problem =
        "tensor '%s': model '%s' has shape %s, '%s' has %s"
            .formatted(tensor, lane.model().name(), own, reference.name(), shape);
    if (sameColumns && isVocabulary(reference, target.read(), shape)) {
      if (own.get(0) > shape.get(0) && weight instanceof Weight.Stored stored) {
        notices.add(
            "model '%s': '%s' has %d rows, '%s' has %d; the first %d are merged"
                .formatted(
                    lane.model().name(),
                    tensor,
                    own.get(0),
                    reference.name(),
                    shape.get(0),
                    shape.get(0)));
        return Optional.of(new Weight.Stored(stored.checkpoint(), stored.tensor(), shape));
      }
      problem += "; its vocabulary is smaller, so it cannot be merged row by row";
    } else if (own.size() == 2
        && shape.size() == 2
        && own.get(0).equals(shape.get(1))
        && own.get(1).equals(shape.get(0))) {
      problem += "; is it transposed?";
    }
    problems.add(recipe.line(lane.source().model().at(), problem));
    return Optional.empty();
  }

  private static boolean isVocabulary(InputModel model, String tensor, List<Long> shape) {
    if (tensor.matches(VOCABULARY)) {
      return true;
    }
    JsonNode config = model.config();
    return shape.size() == 2
        && (config.path("vocab_size").asLong(-1) == shape.get(0)
            || config.path("text_config").path("vocab_size").asLong(-1) == shape.get(0));
  }

  /** True for whole numbers that a model keeps beside its weights, such as position ids. */
  private static boolean isBuffer(TensorInfo info) {
    boolean narrow = info.dtype() == DType.I8 || info.dtype() == DType.U8;
    return !info.dtype().isFloating()
        && !(narrow && info.shape().size() > 1)
        && !info.name().endsWith("qweight")
        && !info.name().endsWith("weight_packed");
  }

  /**
   * True if every model has the integers in the same type and shape; a problem is booked if not.
   */
  private boolean sameIntegers(Target target, TensorInfo info) {
    int before = problems.size();
    for (int i = 0; i < target.names().size(); i++) {
      Lane lane = target.slice().inputs().get(i);
      TensorInfo own = lane.model().info(target.names().get(i)).orElse(null);
      if (own != null && (own.dtype() != info.dtype() || !own.shape().equals(info.shape()))) {
        problems.add(
            recipe.line(
                lane.source().model().at(),
                "tensor '%s': model '%s' has %s %s, '%s' has %s %s"
                    .formatted(
                        target.tensor(),
                        lane.model().name(),
                        own.dtype(),
                        own.shape(),
                        target.reference().name(),
                        info.dtype(),
                        info.shape())));
      }
    }
    return problems.size() == before;
  }

  private PlannedTensor copy(Target target, Weight like, String reason) {
    for (int i = 0; i < target.names().size(); i++) {
      InputModel model = target.slice().inputs().get(i).model();
      if (model != target.reference()) {
        ledger.otherwise(model, target.names().get(i), "not merged: " + reason);
      }
    }
    ledger.used(target.reference(), target.read(), "copied: " + reason);
    return keep(target.tensor(), target.reference(), like, "copied: " + reason);
  }

  /** A weight as it is: its bytes, or with an adapter applied where there is one. */
  private PlannedTensor keep(String tensor, InputModel model, Weight weight, String source) {
    DType stored = Objects.requireNonNull(model.dtype(tensorName(weight, tensor)));
    DType out = stored.isFloating() ? outDType(stored) : stored;
    PlannedTensor.Work work =
        weight instanceof Weight.Stored bytes
            ? new PlannedTensor.Copy(bytes)
            : new PlannedTensor.Merge(
                new Linear(PerModel.each(1), false), null, List.of(weight), 1, null);
    return new PlannedTensor(tensor, out, weight.shape(), work, source);
  }

  private static String tensorName(Weight weight, String otherwise) {
    if (weight instanceof Weight.Stored stored) {
      return stored.tensor().name();
    } else if (weight instanceof Weight.Adapted adapted) {
      return tensorName(adapted.base(), otherwise);
    }
    return otherwise;
  }

  // ---- element types

  private boolean isMergekit() {
    return named.origin() == MergeMethods.Origin.MERGEKIT;
  }

  /** The one element type of the output; null if each tensor keeps its own. */
  private @Nullable DType outDType() {
    Recipe.Located<DType> out = recipe.outDtype();
    if (out != null) {
      return out.value();
    }
    // In mergekit dtype is the output's too; in recipes of this project it is the arithmetic's.
    Recipe.Located<DType> dtype = recipe.dtype();
    return dtype != null && isMergekit() ? dtype.value() : null;
  }

  private DType outDType(DType stored) {
    DType out = outDType();
    return out == null ? stored : out;
  }

  /**
   * The official code takes task vectors in the type of the checkpoint, or the one it was told to
   * load; so rounded they are merged here. What mergekit would round at every step is not rounded.
   */
  private @Nullable DType taskVectorDType(DType stored) {
    if (isMergekit() || method.operand() == MergeMethod.Operand.WEIGHTS) {
      return null;
    }
    Recipe.Located<DType> dtype = recipe.dtype();
    DType type = dtype == null ? stored : dtype.value();
    return type == DType.F16 || type == DType.BF16 ? type : null;
  }

  private void describeTypes() {
    for (TypeDifference difference : typeDifferences.values()) {
      notices.add(
          "model '%s' has %s where the base has %s, for example '%s': largest of the first values %.3g, the base's %.3g"
              .formatted(
                  difference.model().name(),
                  difference.type(),
                  difference.baseType(),
                  difference.example().name(),
                  largest(difference.model(), difference.example()),
                  largest(baseModel(difference), difference.baseExample())));
    }
  }

  private InputModel baseModel(TypeDifference difference) {
    return modelsByText.values().stream()
        .filter(
            model ->
                model
                    .info(difference.baseExample().name())
                    .filter(info -> info.equals(difference.baseExample()))
                    .isPresent())
        .findFirst()
        .orElse(difference.model());
  }

  private static float largest(InputModel model, TensorInfo info) {
    Optional<Weight> weight = model.weight(info.name());
    if (weight.isEmpty() || !(weight.get() instanceof Weight.Stored stored)) {
      return Float.NaN;
    }
    int length = (int) Math.min(SAMPLE, info.size());
    float[] values = new float[length];
    stored.checkpoint().read(stored.tensor(), 0, length, values);
    float largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  // ---- other files

  private Map<String, byte[]> rewriteConfig(
      InputModel donor, List<OutputLayout.Entry> entries, List<Integer> donorLayers) {
    Map<String, byte[]> rewritten = new LinkedHashMap<>();
    Optional<byte[]> config = ConfigEdits.read(donor.checkpoint().folder());
    if (config.isEmpty() || !donor.hasConfig()) {
      return rewritten;
    }
    byte[] bytes = config.get();
    boolean changed = false;
    try {
      DType out = outDType();
      boolean casts =
          entries.stream()
              .anyMatch(
                  entry ->
                      entry.donor() != null && entry.donor().dtype() != entry.tensor().dtype());
      if (out != null && casts) {
        Optional<byte[]> edited = ConfigEdits.withDType(bytes, out);
        changed |= edited.isPresent();
        bytes = edited.orElse(bytes);
      }
      if (!donorLayers.isEmpty()) {
        Optional<byte[]> edited =
            ConfigEdits.withLayers(bytes, configuredLayers(donor), donorLayers);
        changed |= edited.isPresent();
        bytes = edited.orElse(bytes);
      }
    } catch (IOException e) {
      notices.add(
          "config.json of '%s' cannot be edited and is copied as it is: %s"
              .formatted(donor.name(), e.getMessage()));
      return rewritten;
    }
    if (changed) {
      rewritten.put("config.json", bytes);
    }
    return rewritten;
  }

  /** Inputs that no tensor of the plan reads are not its to close. */
  private void closeUnread(MergePlan plan) {
    Set<AutoCloseable> read = plan.inputs();
    adapters.values().stream()
        .filter(adapter -> !read.contains(adapter))
        .forEach(LoraAdapter::close);
    checkpoints.values().stream()
        .filter(checkpoint -> !read.contains(checkpoint))
        .forEach(Checkpoint::close);
  }
}
