package org.optmerge.merge.plan;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.ExternalFiles;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.recipe.RecipeException;
import org.optmerge.merge.recipe.ResolvedRecipe;
import org.optmerge.merge.weights.InputModel;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.MergeMethods;
import org.optmerge.method.MergekitMethods;
import org.optmerge.method.NamedMethod;

/**
 * Turns a recipe into a plan: opens every model, compares all names, shapes and types, resolves
 * every parameter for every tensor. Headers are read, data is not; nothing is written.
 *
 * <p>No table of architectures is consulted. The output has the tensors that the base has (or the
 * first model, if there is no base), whatever they are called.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class Planner {
  /**
   * The largest weight file where the base's layout cannot be kept, in bytes; as mergekit has it.
   */
  public static final long SHARD_BYTES = 5_000_000_000L;

  private final Recipe recipe;
  private final long shardBytes;
  private final NamedMethod named;
  private final MergeMethod method;
  private final PlanFindings findings;
  private final InputModels models;
  private final ParameterBinder binder;
  private final ElementTypes types;
  private final CoverageLedger ledger = new CoverageLedger();
  private final Vocabularies vocabularies;
  private final TensorPlanner tensors;
  private String stack = "";

  /** Whether the output's head is a tensor of its own although the donor's is tied. */
  private boolean untied;

  private Planner(Recipe recipe, List<Path> folders, ExternalFiles external, long shardBytes) {
    this.recipe = recipe;
    this.shardBytes = shardBytes;
    try {
      this.named = MergeMethods.named(recipe.method().value());
    } catch (IllegalArgumentException e) {
      throw recipe.error(recipe.method().at(), String.valueOf(e.getMessage()));
    }
    this.method = overOperand(recipe, named);
    this.findings = new PlanFindings(recipe);
    ModelLocator locator = new ModelLocator(folders, ModelLocator.defaultHubCache());
    this.models = new InputModels(locator, external, findings);
    this.binder = new ParameterBinder(recipe, named, method);
    this.types = new ElementTypes(recipe, named, method);
    this.vocabularies = new Vocabularies(recipe, named.name(), findings);
    this.tensors = new TensorPlanner(recipe, binder, types, findings, ledger, vocabularies);
  }

  /** A method that works on both works on task vectors if there is a base to take them from. */
  private static MergeMethod overOperand(Recipe recipe, NamedMethod named) {
    MergeMethod method =
        recipe.mergekit().version() == Recipe.MergekitVersion.V0_1_4
            ? MergekitMethods.before015(named.method())
            : named.method();
    if (named.base() != NamedMethod.Base.OPTIONAL_ORIGIN) {
      return method;
    }
    return method.over(
        recipe.base() == null ? MergeMethod.Operand.WEIGHTS : MergeMethod.Operand.TASK_VECTORS);
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
    return plan(recipe, folders, ExternalFiles.REFUSE, SHARD_BYTES);
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
    return plan(recipe, folders, external, false, shardBytes);
  }

  /**
   * Plans a merge.
   *
   * @param folders what relative paths of models are relative to: the first that has them
   * @param external what to do where a checkpoint's index or links lead out of its folder
   * @param strictIndex whether an index that is missing, incomplete or stale is refused, not noted
   * @param shardBytes largest weight file where the base's division into files cannot be kept
   * @throws RecipeException if anything does not fit; all problems are in it, one line each
   * @throws CheckpointException if a model is there but cannot be used
   */
  public static MergePlan plan(
      Recipe recipe,
      List<Path> folders,
      ExternalFiles external,
      boolean strictIndex,
      long shardBytes) {
    Planner planner = new Planner(recipe, folders, external, shardBytes);
    if (strictIndex) {
      planner.models.requireIndexes();
    }
    try {
      return planner.plan();
    } catch (RuntimeException | Error e) {
      planner.models.close();
      throw e;
    }
  }

  private MergePlan plan() {
    checkRecipe();
    findings.failIfAny();
    models.openAll(recipe);
    findings.failIfAny();
    InputModel donor = donor();
    models.align(recipe, donor);
    checkFolders(donor);
    findings.failIfAny();
    for (InputModel model : models.all()) {
      for (String note : model.checkpoint().notes()) {
        findings.warning("model '%s': %s".formatted(model.name(), note));
      }
    }
    List<OpenSlice> slices = recipe.slices().stream().map(this::open).toList();
    findings.failIfAny();
    models.all().forEach(ledger::open);
    vocabularies.open(donor, models.all(), models.tokenizer(recipe));
    findings.failIfAny();
    List<String> differences = compareConfigs(donor);
    List<Integer> donorLayers = new ArrayList<>();
    List<OutputLayout.Entry> entries =
        recipe.sliced()
            ? planSlices(slices, donor, donorLayers)
            : recipe.mergekit().modules().isEmpty()
                ? planModels(slices.get(0), donor)
                : planModules(slices, donor);
    findings.failIfAny(differences);
    if (entries.isEmpty()) {
      throw recipe.error(recipe.method().at(), "model '%s' has no tensors".formatted(donor.name()));
    }
    types.warnings().forEach(findings::warning);
    types.notices().forEach(findings::notice);
    MergeMethods.disambiguation(recipe.method().value()).ifPresent(findings::notice);
    Map<String, byte[]> rewritten = rewriteConfig(donor, entries, donorLayers);
    rewriteTokenizer(rewritten);
    vocabularies
        .tokenIds()
        .ifPresent(ids -> ids.rewrite(ModelFiles.of(donor.checkpoint()), rewritten));
    ChatTemplates.write(recipe, donor, models.all(), rewritten, findings);
    findings.failIfAny();
    if (recipe.extra() == Recipe.Extra.UNION) {
      List<Checkpoint> others = new ArrayList<>();
      models.all().forEach(model -> others.add(model.checkpoint()));
      FileUnion.add(donor.checkpoint(), others, rewritten, findings);
    }
    MergePlan plan =
        new MergePlan(
            named.name(),
            ResolvedRecipe.of(recipe, named, method, types.output()),
            models.folders(donor),
            donor.checkpoint(),
            OutputLayout.of(donor.checkpoint(), entries, shardBytes),
            vocabularies
                .files()
                .map(files -> files.kept(donor.checkpoint().otherFiles()))
                .orElse(donor.checkpoint().otherFiles()),
            rewritten,
            ledger.close(),
            findings.notices(),
            findings.warnings(),
            recipe.allowNonFinite());
    Set<Checkpoint> read = new LinkedHashSet<>(plan.inputs());
    read.add(plan.donor());
    models.closeAllBut(read);
    return plan;
  }

  // ---- what can be said before any file is opened

  private void checkRecipe() {
    findings.problems(binder.problems());
    boolean needsBase =
        named.base() == NamedMethod.Base.ORIGIN || named.base() == NamedMethod.Base.FIRST_INPUT;
    if (needsBase && recipe.base() == null && recipe.slices().get(0).base() == null) {
      findings.problem(
          recipe.method().at(),
          "'%s' needs a 'base_model'; %s"
              .formatted(
                  named.name(),
                  named.base() == NamedMethod.Base.ORIGIN
                      ? "name the model that the others were fine-tuned from"
                      : "name the one of the two models that counts as the first"));
    }
    if (recipe.mergekit().modules().size() > 1
        && recipe.mergekit().modules().values().stream()
            .flatMap(module -> module.slices().stream())
            .flatMap(slice -> slice.sources().stream())
            .anyMatch(source -> source.layers() != null)) {
      findings.problem(
          recipe.mergekit().modules().values().iterator().next().at(),
          "a module with 'slices' beside others is not supported; give every module 'models', and"
              + " take layers apart in a stage of its own");
    }
    Recipe.Selection selection = recipe.selection();
    if (selection.restricts() && selection.rest() == Recipe.Rest.BASE && recipe.base() == null) {
      findings.problem(
          selection.at(),
          "tensors that are not merged come from the base: name a 'base_model', or set 'rest:"
              + " mean'");
    }
    if (recipe.missing() == Recipe.Missing.BASE && recipe.base() == null) {
      findings.problem(recipe.method().at(), "'missing: base' needs a 'base_model'");
    }
  }

  // ---- models

  private @Nullable InputModel baseOf(Recipe.Slice slice) {
    Recipe.Model base = slice.base() != null ? slice.base() : recipe.base();
    return base == null ? null : models.get(base);
  }

  /** Sorts out which of a slice's models are inputs and which is the base. */
  private OpenSlice open(Recipe.Slice slice) {
    InputModel base = baseOf(slice);
    List<SliceInput> sliceInputs = new ArrayList<>();
    SliceInput baseInput = null;
    for (Recipe.Source source : slice.sources()) {
      SliceInput input = new SliceInput(source, models.get(source.model()));
      sliceInputs.add(input);
      if (baseInput == null && input.model() == base) {
        baseInput = input;
      }
    }
    Recipe.Model named = slice.base() != null ? slice.base() : recipe.base();
    if (base != null && named != null && baseInput == null && !recipe.sliced()) {
      baseInput = new SliceInput(new Recipe.Source(named, null, Map.of()), base);
      if (joins()) {
        sliceInputs.add(baseInput);
      }
    }
    if (method.operand() == MergeMethod.Operand.TASK_VECTORS) {
      return withOrigin(slice, sliceInputs, base, baseInput);
    }
    if (this.named.base() == NamedMethod.Base.FIRST_INPUT && baseInput != null) {
      sliceInputs.remove(baseInput);
      sliceInputs.add(0, baseInput);
    }
    return new OpenSlice(slice, null, sliceInputs);
  }

  /** True if a base outside the list is one more input, as mergekit has it. */
  private boolean joins() {
    // mergekit lets the base join here too, and then fails on two inputs; it is meant as the donor.
    return method.operand() == MergeMethod.Operand.WEIGHTS && !method.takesOneModel();
  }

  private OpenSlice withOrigin(
      Recipe.Slice slice,
      List<SliceInput> sliceInputs,
      @Nullable InputModel base,
      @Nullable SliceInput baseInput) {
    if (baseInput == null || base == null) {
      findings.problem(
          slice.at(),
          "'%s' needs the base among the sources of every slice; add {model: %s, layer_range: […]}"
              .formatted(named.name(), recipe.base() == null ? "BASE" : recipe.base().text()));
      return new OpenSlice(slice, null, sliceInputs);
    }
    List<SliceInput> inputs = sliceInputs.stream().filter(input -> input.model() != base).toList();
    for (SliceInput input : sliceInputs) {
      if (input.model() == base && !input.source().parameters().isEmpty()) {
        findings.notice(
            "'%s' is the base, so its own parameters (%s) are not used"
                .formatted(
                    input.model().name(), String.join(", ", input.source().parameters().keySet())));
      }
    }
    if (inputs.isEmpty()) {
      findings.problem(
          slice.at(), "there is no model to merge besides the base '%s'".formatted(base.name()));
    }
    return new OpenSlice(slice, baseInput, inputs);
  }

  /** The model whose other files the output has: the base, or else the first. */
  private InputModel donor() {
    Recipe.Model base = recipe.base();
    return models.get(base != null ? base : recipe.slices().get(0).sources().get(0).model());
  }

  /**
   * Every other file of weights, and adapters that are not merged: what would be lost is refused.
   */
  private void checkFolders(InputModel donor) {
    SideWeights side = new SideWeights(recipe, donor, findings, ledger);
    models
        .places()
        .forEach(
            (model, at) -> {
              side.check(model, at);
              UnmergedLora.problem(model, recipe.selection())
                  .ifPresent(problem -> findings.problem(at, problem));
            });
  }

  /** Says which models have no configuration; returns which are of another architecture. */
  private List<String> compareConfigs(InputModel donor) {
    List<String> differences = new ArrayList<>();
    Set<Checkpoint> seen = new LinkedHashSet<>();
    for (InputModel model : models.all()) {
      if (!seen.add(model.checkpoint())) {
        continue;
      }
      if (!model.hasConfig()) {
        findings.warning(
            "model '%s' has no config.json that can be read; its weights are merged all the same"
                .formatted(model.name()));
      } else if (!architecture(model).equals(architecture(donor)) && donor.hasConfig()) {
        String difference =
            "model '%s' is a %s, '%s' is a %s"
                .formatted(model.name(), architecture(model), donor.name(), architecture(donor));
        findings.warning(difference);
        differences.add(recipe.line(recipe.slices().get(0).at(), difference));
      }
    }
    return differences;
  }

  private static String architecture(InputModel model) {
    JsonNode config = model.config();
    JsonNode listed = config.path("architectures").path(0);
    return listed.isTextual() ? listed.asText() : config.path("model_type").asText("model");
  }

  // ---- tensors

  private List<OutputLayout.Entry> planModels(OpenSlice slice, InputModel donor) {
    TiedGroups tied = tied(List.of(slice), donor);
    List<Target> targets = new ArrayList<>();
    for (String tensor : donor.names()) {
      targets.add(tied.target(Target.of(tensor, slice, donor, donor.layers().fraction(tensor))));
    }
    targets.addAll(heads(tied, slice, donor));
    List<OutputLayout.Entry> entries = new ArrayList<>();
    planAll(targets, tied, donor, entries);
    Set<InputModel> seen = new LinkedHashSet<>();
    for (SliceInput input : slice.inputs()) {
      if (seen.add(input.model())) {
        extrasOf(input, donor, entries);
      }
    }
    return entries;
  }

  /** Each tensor from the models of the part that it belongs to; other parts are the base's. */
  private List<OutputLayout.Entry> planModules(List<OpenSlice> slices, InputModel donor) {
    Map<String, OpenSlice> ofModule = new LinkedHashMap<>();
    List<String> modules = List.copyOf(recipe.mergekit().modules().keySet());
    for (int i = 0; i < modules.size(); i++) {
      ofModule.put(modules.get(i), slices.get(i));
    }
    ModuleNames names = new ModuleNames(modules);
    TiedGroups tied = tied(slices, donor);
    List<Target> targets = new ArrayList<>();
    List<String> unlisted = new ArrayList<>();
    Set<String> found = new LinkedHashSet<>();
    for (String tensor : donor.names()) {
      OpenSlice slice = names.of(tensor).map(ofModule::get).orElse(null);
      if (slice == null) {
        unlisted.add(tensor);
      } else {
        found.add(names.of(tensor).orElseThrow());
        targets.add(tied.target(Target.of(tensor, slice, donor, donor.layers().fraction(tensor))));
      }
    }
    for (Map.Entry<String, Recipe.Module> module : recipe.mergekit().modules().entrySet()) {
      if (!found.contains(module.getKey())) {
        findings.problem(
            module.getValue().at(),
            "module '%s': no tensor of '%s' is of it, such as '%s'; modules are parts of tensors' names"
                .formatted(module.getKey(), donor.name(), donor.names().get(0)));
      }
    }
    List<OutputLayout.Entry> entries = new ArrayList<>();
    planAll(targets, tied, donor, entries);
    for (String tensor : unlisted) {
      entries.add(
          new OutputLayout.Entry(
              tensors.keep(tensor, donor, tensor, "copied: in no module of the recipe"),
              donor.checkpoint().find(tensor).orElse(null)));
      ledger.used(donor, tensor, "copied: in no module of the recipe");
    }
    if (!unlisted.isEmpty()) {
      findings.notice(
          "%d tensors, such as '%s', are in no module of the recipe: those of '%s' are copied"
              .formatted(unlisted.size(), unlisted.get(0), donor.name()));
    }
    return entries;
  }

  private void extrasOf(SliceInput input, InputModel donor, List<OutputLayout.Entry> entries) {
    Map<String, String> extras = new LinkedHashMap<>();
    for (String tensor : input.model().names()) {
      if (!ledger.knows(input.model(), tensor) && donor.info(tensor).isEmpty()) {
        extras.put(tensor, tensor);
      }
    }
    addExtras(new LayerSlices.Extras(input, donor, extras), entries);
  }

  /** What is tied, and what of it was trained apart. */
  private TiedGroups tied(List<OpenSlice> slices, InputModel donor) {
    Map<InputModel, SliceInput> inputs = new LinkedHashMap<>();
    slices.forEach(
        slice -> slice.inputs().forEach(input -> inputs.putIfAbsent(input.model(), input)));
    TiedGroups tied = new TiedGroups(donor, inputs.keySet());
    untied |= new TiedBookkeeping(recipe, donor, findings, ledger).book(tied, inputs);
    return tied;
  }

  /** Heads that the output has, as an expert has trained one, and the donor has not. */
  private static List<Target> heads(TiedGroups tied, OpenSlice slice, InputModel donor) {
    List<Target> heads = new ArrayList<>();
    tied.heads()
        .forEach(
            (head, embedding) ->
                heads.add(
                    new Target(
                        head,
                        slice,
                        donor,
                        embedding,
                        slice.inputs().stream()
                            .map(input -> input.model().info(head).isPresent() ? head : embedding)
                            .toList(),
                        donor.layers().fraction(embedding))));
    return heads;
  }

  private List<OutputLayout.Entry> planSlices(
      List<OpenSlice> slices, InputModel donor, List<Integer> donorLayers) {
    TiedGroups tied = tied(slices, donor);
    LayerSlices arranged = new LayerSlices(slices, donor, findings);
    arranged.arrange();
    List<OutputLayout.Entry> entries = new ArrayList<>();
    List<Target> targets = new ArrayList<>(arranged.targets());
    if (findings.count() == 0) {
      targets.addAll(heads(tied, slices.get(slices.size() - 1), donor));
    }
    planAll(targets, tied, donor, entries);
    arranged.extras().forEach(extras -> addExtras(extras, entries));
    donorLayers.addAll(arranged.donorLayers());
    stack = arranged.stack();
    return entries;
  }

  /** Plans every target; those that are one parameter with another are planned as that one. */
  private void planAll(
      List<Target> targets, TiedGroups tied, InputModel donor, List<OutputLayout.Entry> entries) {
    Map<String, Target> byTensor = new LinkedHashMap<>();
    targets.forEach(target -> byTensor.put(target.tensor(), target));
    Map<String, Optional<PlannedTensor>> first = new LinkedHashMap<>();
    for (Target target : targets) {
      String name = target.tensor();
      String alias = tied.aliasOf(name).filter(byTensor::containsKey).orElse(name);
      Target leading = byTensor.getOrDefault(alias, target);
      first
          .computeIfAbsent(alias, key -> tensors.plan(leading))
          .map(planned -> alias.equals(name) ? planned : planned.as(name))
          .ifPresent(
              planned ->
                  entries.add(
                      new OutputLayout.Entry(planned, donor.checkpoint().find(name).orElse(null))));
    }
  }

  private void addExtras(LayerSlices.Extras extras, List<OutputLayout.Entry> entries) {
    for (PlannedTensor planned :
        tensors.extras(extras.input(), extras.reference(), extras.tensors())) {
      entries.add(new OutputLayout.Entry(planned, null));
    }
  }

  // ---- other files

  private Map<String, byte[]> rewriteConfig(
      InputModel donor, List<OutputLayout.Entry> entries, List<Integer> donorLayers) {
    Map<String, byte[]> rewritten = new LinkedHashMap<>(donor.checkpoint().derivedFiles());
    Optional<byte[]> config =
        Optional.ofNullable(rewritten.get("config.json"))
            .or(() -> ConfigEdits.read(donor.checkpoint().folder()));
    if (config.isEmpty() || !donor.hasConfig()) {
      return rewritten;
    }
    byte[] bytes = config.get();
    try {
      Optional<TokenIds> ids = vocabularies.tokenIds();
      if (ids.isPresent()) {
        bytes = ids.get().edit("config.json", bytes);
      }
      boolean casts =
          entries.stream()
              .anyMatch(
                  entry ->
                      entry.donor() != null && entry.donor().dtype() != entry.tensor().dtype());
      if (casts) {
        bytes = ConfigEdits.withDType(bytes, mostCommonType(entries));
      }
      if (untied) {
        bytes = ConfigEdits.withoutTie(bytes);
      }
      for (OutputLayout.Entry entry : entries) {
        TensorInfo before = entry.donor();
        List<Long> after = entry.tensor().shape();
        if (before != null
            && after.size() == 2
            && !before.shape().get(0).equals(after.get(0))
            && vocabularies.isVocabulary(donor, before.name(), before.shape())) {
          bytes = ConfigEdits.withVocabulary(bytes, before.shape().get(0), after.get(0));
        }
      }
      if (!donorLayers.isEmpty()) {
        int configured = LayerSlices.configuredLayers(donor);
        int counted = donor.layers().counts().getOrDefault(stack, 0);
        bytes =
            new LayerSettings(
                    stack, configured > 0 ? configured : counted, donorLayers, findings::notice)
                .edit(bytes);
      }
    } catch (IOException e) {
      findings.warning(
          "config.json of '%s' cannot be edited and is copied as it is: %s"
              .formatted(donor.name(), e.getMessage()));
      return rewritten;
    }
    if (bytes != config.get()) {
      rewritten.put("config.json", bytes);
    }
    return rewritten;
  }

  private void rewriteTokenizer(Map<String, byte[]> rewritten) {
    Optional<TokenizerFiles> files = vocabularies.files();
    if (files.isEmpty()) {
      return;
    }
    List<String> refusals = new ArrayList<>();
    try {
      rewritten.putAll(files.get().rewritten(refusals));
    } catch (IOException e) {
      throw new CheckpointException("the tokenizer cannot be read: " + e.getMessage(), e);
    }
    if (!refusals.isEmpty()) {
      throw new RecipeException(
          refusals.stream().map(it -> recipe.line(recipe.method().at(), it)).toList());
    }
  }

  /** The floating type in which the output has most of its numbers. */
  private static DType mostCommonType(List<OutputLayout.Entry> entries) {
    Map<DType, Long> numbers = new EnumMap<>(DType.class);
    for (OutputLayout.Entry entry : entries) {
      if (entry.tensor().dtype().isFloating()) {
        numbers.merge(entry.tensor().dtype(), entry.tensor().size(), Long::sum);
      }
    }
    return numbers.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse(DType.F32);
  }
}
