package org.optmerge.merge.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.plan.ParameterBinder.Bound;
import org.optmerge.merge.recipe.ParameterPreset;
import org.optmerge.merge.recipe.Position;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.recipe.RecipeException;
import org.optmerge.merge.weights.InputModel;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.method.Factorwise;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.MergeMethods;
import org.optmerge.taskvector.Weight;

/**
 * Plans one tensor at a time: finds it in every input, compares shapes and types, resolves the
 * parameters, and books what becomes of it.
 */
final class TensorPlanner {
  private static final String TO_COPY = "; listed under 'exclude', the base's is copied instead";

  private static final MergeMethod MEAN_OF_TASK_VECTORS =
      MergeMethods.named("weight-average").method();
  private static final MergeMethod MEAN_OF_WEIGHTS =
      MergeMethods.named("linear").with(Map.of("weight", 1));

  /** Of one input: its weight, with an adapter applied. */
  private static final MergeMethod SUM_OF_WEIGHTS =
      MergeMethods.named("linear").with(Map.of("weight", 1, "normalize", false));

  private final Recipe recipe;
  private final ParameterBinder binder;
  private final ElementTypes types;
  private final PlanFindings findings;
  private final CoverageLedger ledger;
  private final Vocabularies vocabularies;
  private final Map<InputModel, String> firstMissing = new LinkedHashMap<>();
  private final Map<InputModel, Map<InputModel, Presence>> presences = new LinkedHashMap<>();

  /** Models of which it was said that most of them is missing. */
  private final Set<InputModel> told = new LinkedHashSet<>();

  private final Map<String, Copied> copied = new LinkedHashMap<>();

  /** A tensor that only experts have, and the expert that it is copied from. */
  private record Copied(InputModel model, String tensor) {}

  TensorPlanner(
      Recipe recipe,
      ParameterBinder binder,
      ElementTypes types,
      PlanFindings findings,
      CoverageLedger ledger,
      Vocabularies vocabularies) {
    this.recipe = recipe;
    this.binder = binder;
    this.types = types;
    this.findings = findings;
    this.ledger = ledger;
    this.vocabularies = vocabularies;
  }

  /**
   * The reason why a tensor is not merged. Presets leave embeddings and heads out by their usual
   * names; here, under any other.
   */
  private Optional<String> rejected(String tensor, InputModel reference, TensorInfo info) {
    Optional<String> reason = recipe.selection().rejectedBy(tensor);
    ParameterPreset preset = recipe.selection().preset();
    return reason.isEmpty()
            && preset != null
            && vocabularies.isVocabulary(reference, info.name(), info.shape())
        ? Optional.of("preset %s: a row for each token".formatted(preset.label()))
        : reason;
  }

  /** One tensor of the output; empty if there is a problem with it, which is then booked. */
  Optional<PlannedTensor> plan(Target target) {
    InputModel reference = target.reference();
    Optional<Weight> like = reference.weight(target.read());
    TensorInfo info = reference.info(target.read()).orElse(null);
    if (like.isEmpty() || info == null) {
      findings.problem(
          target.slice().slice().at(),
          "tensor '%s' is not in model '%s'".formatted(target.read(), reference.name()));
      return Optional.empty();
    }
    String reason = rejected(target.tensor(), reference, info).orElse(null);
    boolean rows =
        (vocabularies.moves() || vocabularies.crops())
            && vocabularies.isVocabulary(reference, target.read(), info.shape());
    if (reason != null && recipe.selection().rest() == Recipe.Rest.BASE) {
      return Optional.of(rows ? copyRows(target, reason) : copy(target, reason));
    }
    Optional<String> obstacle = reference.whyNotMergeable(info);
    if (obstacle.isPresent()) {
      return copyBuffer(target, info, obstacle.get());
    }
    List<Weight> inputs = new ArrayList<>();
    List<ParameterBinder.Input> sources = new ArrayList<>();
    List<InputModel> models = new ArrayList<>();
    int before = findings.count();
    boolean ownValues = false;
    boolean someAbsent = false;
    for (int i = 0; i < target.names().size(); i++) {
      SliceInput input = target.slice().inputs().get(i);
      String name = target.names().get(i);
      Optional<Weight> weight = input(input, name, target, info, like.get());
      boolean there = isThere(input.model(), name);
      someAbsent |= !there;
      ownValues |= there && weight.isPresent() && input.model() != reference;
      if (weight.isPresent()) {
        inputs.add(weight.get());
        models.add(input.model());
        sources.add(new ParameterBinder.Input(input.source(), name));
      }
    }
    Weight base = null;
    SliceInput baseInput = target.slice().base();
    if (baseInput != null) {
      base = baseInput.model().weight(target.read()).orElse(null);
      if (base == null) {
        findings.problem(
            baseInput.at(),
            "the base '%s' has no tensor '%s'".formatted(baseInput.model().name(), target.read()));
      }
      ledger.used(baseInput.model(), target.read(), "base of the merge");
    }
    if (findings.count() > before) {
      return Optional.empty();
    }
    if (inputs.isEmpty() || (someAbsent && !ownValues)) {
      return Optional.of(
          rows ? copyRows(target, "in no other model") : copy(target, "in no other model"));
    }
    if (rows) {
      List<Weight> aligned =
          vocabularies.align(target.tensor(), members(models, inputs, base, target));
      inputs = aligned.subList(0, inputs.size());
      base = base == null ? null : aligned.get(inputs.size());
      if (findings.count() > before) {
        return Optional.empty();
      }
      info = withShape(info, inputs.get(0).shape());
    }
    return reason == null
        ? merge(target, info, base, inputs, sources)
        : Optional.of(mean(target, info, base, inputs, reason));
  }

  private static List<Vocabularies.Member> members(
      List<InputModel> models, List<Weight> inputs, @Nullable Weight base, Target target) {
    List<Vocabularies.Member> members = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      members.add(new Vocabularies.Member(models.get(i), inputs.get(i)));
    }
    SliceInput baseInput = target.slice().base();
    if (base != null && baseInput != null) {
      members.add(new Vocabularies.Member(baseInput.model(), base));
    }
    return members;
  }

  private static TensorInfo withShape(TensorInfo info, List<Long> shape) {
    return new TensorInfo(info.name(), info.dtype(), shape, info.file(), info.offset());
  }

  /** The reference's rows in the order of the output's tokens, with those that it lacks. */
  private PlannedTensor copyRows(Target target, String reason) {
    InputModel reference = target.reference();
    List<Vocabularies.Member> members = new ArrayList<>();
    reference
        .weight(target.read())
        .ifPresent(weight -> members.add(new Vocabularies.Member(reference, weight)));
    for (int i = 0; i < target.names().size(); i++) {
      InputModel model = target.slice().inputs().get(i).model();
      if (model != reference) {
        ledger.otherwise(model, target.names().get(i), "not merged: " + reason);
        model
            .weight(target.names().get(i))
            .ifPresent(weight -> members.add(new Vocabularies.Member(model, weight)));
      }
    }
    ledger.used(reference, target.read(), "copied: " + reason);
    Weight rows = vocabularies.align(target.tensor(), members).get(0);
    return keep(target.tensor(), reference, target.read(), rows, "copied: " + reason);
  }

  private Optional<PlannedTensor> merge(
      Target target,
      TensorInfo info,
      @Nullable Weight base,
      List<Weight> inputs,
      List<ParameterBinder.Input> sources) {
    DType common = types.common(target.reference(), info, inputs);
    DType out = types.output(target.reference(), info, common);
    try {
      Bound bound =
          binder.bind(
              target.tensor(), target.fraction(), target.slice().slice(), sources, info.shape());
      return Optional.of(
          new PlannedTensor(
              target.tensor(),
              out,
              info.shape(),
              new PlannedTensor.Merge(
                  recipe.factorwise() ? factorwise(bound.method(), inputs) : bound.method(),
                  base,
                  inputs,
                  bound.scaling(),
                  types.taskVectors(info.dtype()),
                  types.inputs(common, out)),
              "merged"));
    } catch (RecipeException e) {
      Position kind = e.at().orElse(recipe.method().at());
      String detail = String.join("\n", e.problems());
      findings.problem(new PlanFindings.Problem(kind, target.tensor(), detail));
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      Position at = recipe.method().at();
      String detail = "tensor '%s': %s".formatted(target.tensor(), e.getMessage());
      findings.problem(new PlanFindings.Problem(at, target.tensor(), recipe.line(at, detail)));
      return Optional.empty();
    }
  }

  /** Merges factors where adapters change a tensor; elsewhere the method stays as it is. */
  private static MergeMethod factorwise(MergeMethod method, List<Weight> inputs) {
    long adapted = inputs.stream().filter(Weight.Adapted.class::isInstance).count();
    if (adapted == 0) {
      return method;
    }
    if (adapted < inputs.size()) {
      throw new IllegalArgumentException(
          "factorwise: an adapter changes it in %d of %d models; it must in all or in none"
              .formatted(adapted, inputs.size()));
    }
    return new Factorwise(method);
  }

  /** For tensors that are not selected, where the recipe says so. */
  private PlannedTensor mean(
      Target target, TensorInfo info, @Nullable Weight base, List<Weight> inputs, String reason) {
    MergeMethod mean = base == null ? MEAN_OF_WEIGHTS : MEAN_OF_TASK_VECTORS;
    return new PlannedTensor(
        target.tensor(),
        types.output(target.reference(), info, types.common(target.reference(), info, inputs)),
        info.shape(),
        new PlannedTensor.Merge(mean, base, inputs, 1, null, null),
        "mean: " + reason);
  }

  /**
   * What cannot be merged is copied where all models have the same bytes, and whole numbers beside
   * the weights in any case; anything else is refused.
   */
  private Optional<PlannedTensor> copyBuffer(Target target, TensorInfo info, String obstacle) {
    boolean equal = isEqualEverywhere(target);
    if (!equal && !isBuffer(info)) {
      findings.problem(
          target.slice().slice().at(),
          "model '%s': %s%s".formatted(target.reference().name(), obstacle, TO_COPY));
      return Optional.empty();
    }
    if (!equal && !sameIntegers(target, info)) {
      return Optional.empty();
    }
    String type = info.dtype() == DType.OTHER ? info.type() : info.dtype().torchName();
    if (!equal) {
      findings.warning(
          "tensor '%s' (%s) is not the same in all models and is not averaged; that of '%s' is copied"
              .formatted(target.tensor(), type, target.reference().name()));
    }
    return Optional.of(copy(target, equal ? "the same in all models" : type + " is not averaged"));
  }

  /** True if every model that has the tensor has the reference's bytes. */
  private static boolean isEqualEverywhere(Target target) {
    if (!(target.reference().weight(target.read()).orElse(null)
        instanceof Weight.Stored reference)) {
      return false;
    }
    for (int i = 0; i < target.names().size(); i++) {
      InputModel model = target.slice().inputs().get(i).model();
      Optional<Weight> own = model.weight(target.names().get(i));
      if (own.isPresent()
          && !(own.get() instanceof Weight.Stored stored && reference.hasBytesOf(stored))) {
        return false;
      }
    }
    return true;
  }

  private static boolean isThere(InputModel model, String tensor) {
    return model.info(tensor).isPresent() || model.tiedTo(tensor).isPresent();
  }

  /**
   * The weight that one model brings to a tensor, or nothing; a problem is booked unless that is
   * allowed.
   */
  private Optional<Weight> input(
      SliceInput input, String tensor, Target target, TensorInfo info, Weight like) {
    InputModel reference = target.reference();
    InputModel model = input.model();
    Optional<Weight> found = model.weight(tensor);
    if (found.isEmpty()) {
      Optional<Weight> tied = model.tiedTo(tensor).flatMap(model::weight);
      if (tied.isPresent()) {
        findings.notice(
            "model '%s' has no '%s': it is tied to the embedding, which is read in its place"
                .formatted(model.name(), tensor));
        found = tied;
      }
    }
    if (found.isEmpty()) {
      return absent(input, tensor, reference, like);
    }
    TensorInfo own = model.info(tensor).orElse(info);
    Optional<String> obstacle = model.whyNotMergeable(own);
    if (obstacle.isPresent()) {
      findings.problem(
          input.at(),
          "model '%s': %s ('%s' has %s)%s"
              .formatted(
                  model.name(),
                  obstacle.get(),
                  reference.name(),
                  info.dtype().torchName(),
                  TO_COPY));
      return Optional.empty();
    }
    Optional<Weight> fitting = fit(input, tensor, found.get(), target, info.shape());
    if (fitting.isPresent()) {
      if (own.dtype() != info.dtype()) {
        types.differs(model, own, reference, info);
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

  private Optional<Weight> absent(
      SliceInput input, String tensor, InputModel reference, Weight like) {
    InputModel model = input.model();
    Presence presence =
        presences
            .computeIfAbsent(model, key -> new LinkedHashMap<>())
            .computeIfAbsent(reference, key -> new Presence(model, reference));
    if (!recipe.sliced()) {
      Optional<String> foreign = presence.whyForeign();
      if (foreign.isPresent()) {
        findings.problem(
            new PlanFindings.Problem(input.at(), tensor, recipe.line(input.at(), foreign.get())));
        return Optional.empty();
      }
      if (presence.isOfTowerNotThere(tensor)) {
        findings.notice(
            "model '%s' has none of the parts beside the language model, such as '%s': they stay as '%s' and the other models have them"
                .formatted(model.name(), firstMissing(model, tensor), reference.name()));
        return Optional.empty();
      }
    }
    switch (recipe.missing()) {
      case BASE -> {
        findings.notice(
            "model '%s' lacks tensors, such as '%s': the base's stand in for them"
                .formatted(model.name(), firstMissing(model, tensor)));
        return Optional.of(like);
      }
      case SKIP -> {
        findings.notice(
            "model '%s' lacks tensors, such as '%s': these are merged without it"
                .formatted(model.name(), firstMissing(model, tensor)));
        return Optional.empty();
      }
      case ERROR -> {
        boolean most = !recipe.sliced() && presence.mostIsMissing();
        if (!most || told.add(model)) {
          findings.problem(
              input.at(),
              most
                  ? "model '%s' has only %s, and no '%s'; give a whole model"
                      .formatted(model.name(), presence.share(), tensor)
                  : "model '%s' has no tensor '%s', which '%s' has; 'missing: base' or 'missing: skip' allows it"
                      .formatted(model.name(), tensor, reference.name()));
        }
      }
    }
    return Optional.empty();
  }

  private String firstMissing(InputModel model, String tensor) {
    return firstMissing.computeIfAbsent(model, key -> tensor);
  }

  /** The weight in the reference's shape: itself, or the first rows of a larger vocabulary. */
  private Optional<Weight> fit(
      SliceInput input, String tensor, Weight weight, Target target, List<Long> shape) {
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
            .formatted(tensor, input.model().name(), own, reference.name(), shape);
    if (sameColumns
        && (vocabularies.isVocabulary(reference, target.read(), shape)
            || vocabularies.isVocabulary(input.model(), tensor, own))) {
      return vocabularies.moves() || vocabularies.crops()
          ? Optional.of(weight)
          : commonRows(input, tensor, weight, target, shape);
    } else if (own.size() == 2
        && shape.size() == 2
        && own.get(0).equals(shape.get(1))
        && own.get(1).equals(shape.get(0))) {
      problem += "; is it transposed?";
    }
    findings.problem(input.at(), problem);
    return Optional.empty();
  }

  /**
   * A weight of another number of rows in the reference's: more are left out, the reference's stand
   * in for those that lack. Refused where tokenizers show that tokens would be lost.
   */
  private Optional<Weight> commonRows(
      SliceInput input, String tensor, Weight weight, Target target, List<Long> shape) {
    InputModel reference = target.reference();
    InputModel model = input.model();
    long own = weight.shape().get(0);
    long rows = shape.get(0);
    List<String> lost = vocabularies.inRowsFrom(Math.min(own, rows), reference, model);
    if (!lost.isEmpty()) {
      findings.problem(
          input.at(),
          "tensor '%s': model '%s' has %d rows, '%s' has %d, and %d of the tokens, such as '%s', are in one of them only; %s"
              .formatted(
                  tensor,
                  model.name(),
                  own,
                  reference.name(),
                  rows,
                  lost.size(),
                  lost.get(0),
                  Vocabularies.ADVICE));
      return Optional.empty();
    }
    findings.warning(
        "model '%s': '%s' has %d rows, '%s' has %d; the first %d are merged%s"
            .formatted(
                model.name(),
                tensor,
                own,
                reference.name(),
                rows,
                Math.min(own, rows),
                own < rows ? ", the others are those of '%s'".formatted(reference.name()) : ""));
    if (own > rows) {
      return Optional.of(Weight.Part.firstRows(weight, rows));
    }
    Weight like = reference.weight(target.read()).orElseThrow();
    List<Long> rest = new ArrayList<>(shape);
    rest.set(0, rows - own);
    long columns = shape.stream().skip(1).reduce(1L, Math::multiplyExact);
    return Optional.of(
        new Weight.Joined(List.of(weight, new Weight.Part(like, own * columns, rest)), shape));
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
    int before = findings.count();
    for (int i = 0; i < target.names().size(); i++) {
      SliceInput input = target.slice().inputs().get(i);
      TensorInfo own = input.model().info(target.names().get(i)).orElse(null);
      if (own != null && (own.dtype() != info.dtype() || !own.shape().equals(info.shape()))) {
        findings.problem(
            input.at(),
            "tensor '%s': model '%s' has %s %s, '%s' has %s %s"
                .formatted(
                    target.tensor(),
                    input.model().name(),
                    own.dtype(),
                    own.shape(),
                    target.reference().name(),
                    info.dtype(),
                    info.shape()));
      }
    }
    return findings.count() == before;
  }

  private PlannedTensor copy(Target target, String reason) {
    for (int i = 0; i < target.names().size(); i++) {
      InputModel model = target.slice().inputs().get(i).model();
      if (model != target.reference()) {
        ledger.otherwise(model, target.names().get(i), "not merged: " + reason);
      }
    }
    ledger.used(target.reference(), target.read(), "copied: " + reason);
    return keep(target.tensor(), target.reference(), target.read(), "copied: " + reason);
  }

  /**
   * A weight as it is: its bytes, or with an adapter applied where there is one. Quantised numbers
   * keep their type, as they have a meaning in no other.
   */
  PlannedTensor keep(String tensor, InputModel model, String read, String source) {
    Weight weight = model.weight(read).orElseThrow();
    boolean rows = vocabularies.moves() && vocabularies.isVocabulary(model, read, weight.shape());
    return keep(
        tensor,
        model,
        read,
        rows
            ? vocabularies.align(tensor, List.of(new Vocabularies.Member(model, weight))).get(0)
            : weight,
        source);
  }

  private PlannedTensor keep(
      String tensor, InputModel model, String read, Weight weight, String source) {
    TensorInfo info = model.info(read).orElseThrow();
    DType out = model.whyNotMergeable(info).isPresent() ? info.dtype() : types.output(model, info);
    PlannedTensor.Work work =
        weight instanceof Weight.Stored bytes
            ? new PlannedTensor.Copy(bytes)
            : new PlannedTensor.Merge(SUM_OF_WEIGHTS, null, List.of(weight), 1, null, null);
    return new PlannedTensor(tensor, out, weight.shape(), work, source);
  }

  private static boolean areEqual(Copied earlier, InputModel model, String tensor) {
    return earlier.model().weight(earlier.tensor()).orElse(null) instanceof Weight.Stored one
        && model.weight(tensor).orElse(null) instanceof Weight.Stored other
        && one.hasBytesOf(other);
  }

  /**
   * Tensors that only an input has.
   *
   * @param tensors for each its name in the input and the one it would have in the output
   * @return those that the recipe wants copied
   */
  List<PlannedTensor> extras(SliceInput input, InputModel reference, Map<String, String> tensors) {
    InputModel model = input.model();
    List<PlannedTensor> planned = new ArrayList<>();
    String example = "";
    int left = 0;
    Map<InputModel, List<String>> collisions = new LinkedHashMap<>();
    for (Map.Entry<String, String> entry : tensors.entrySet()) {
      String tensor = entry.getKey();
      switch (recipe.extra()) {
        case ERROR ->
            findings.problem(
                input.at(),
                "model '%s' has tensor '%s', which '%s' does not have; to leave such tensors out, set 'extra: report'"
                    .formatted(model.name(), tensor, reference.name()));
        case REPORT -> {
          ledger.otherwise(model, tensor, "left out: not in '%s'".formatted(reference.name()));
          example = left == 0 ? tensor : example;
          left++;
        }
        case COPY, UNION -> {
          Copied earlier = copied.get(entry.getValue());
          if (earlier == null) {
            copied.put(entry.getValue(), new Copied(model, tensor));
            planned.add(keep(entry.getValue(), model, tensor, "copied from " + model.name()));
            ledger.used(model, tensor, "copied: not in '%s'".formatted(reference.name()));
          } else if (recipe.extra() == Recipe.Extra.COPY || areEqual(earlier, model, tensor)) {
            ledger.used(
                model, tensor, "left out: copied from '%s'".formatted(earlier.model().name()));
          } else {
            collisions
                .computeIfAbsent(earlier.model(), key -> new ArrayList<>())
                .add(entry.getValue());
          }
        }
      }
    }
    collisions.forEach(
        (other, names) ->
            findings.problem(
                input.at(),
                "models '%s' and '%s' have different values for %d %s that '%s' does not have, such as '%s'; one name cannot hold both: give each model's encoder and connector names of their own, or take the first model's with 'extra: copy'"
                    .formatted(
                        other.name(),
                        model.name(),
                        names.size(),
                        names.size() == 1 ? "tensor" : "tensors",
                        reference.name(),
                        names.get(0))));
    if (left > 0) {
      findings.warning(
          "model '%s' has %d %s that '%s' does not have, such as '%s'; left out ('extra: copy' keeps them)"
              .formatted(
                  model.name(), left, left == 1 ? "tensor" : "tensors", reference.name(), example));
    }
    return planned;
  }
}
