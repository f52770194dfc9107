package org.optmerge.merge.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Suggestion;
import org.optmerge.merge.recipe.ParameterSetting;
import org.optmerge.merge.recipe.ParameterSetting.Flag;
import org.optmerge.merge.recipe.ParameterSetting.Gradient;
import org.optmerge.merge.recipe.ParameterSetting.Resolved;
import org.optmerge.merge.recipe.ParameterSetting.Steps;
import org.optmerge.merge.recipe.ParameterSetting.Text;
import org.optmerge.merge.recipe.ParameterSetting.Value;
import org.optmerge.merge.recipe.Position;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.recipe.RecipeException;
import org.optmerge.merge.recipe.RecipeParser;
import org.optmerge.merge.weights.Scaling;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.MergeMethods;
import org.optmerge.method.MethodParameters;
import org.optmerge.method.MethodParameters.Parameter;
import org.optmerge.method.NamedMethod;
import org.optmerge.method.ParameterException;

/**
 * Finds, for each tensor, the method with its parameters. What stands with a model comes before
 * what stands with its slice, that before what stands at the top, that before the default; at each
 * level the first matching filter decides, and a level without one is passed over. Settings of a
 * model are matched with the name of the tensor that is read, all others with the output's.
 *
 * <p>Equal sets of parameters share one method.
 */
final class ParameterBinder {
  /** Accepted for mergekit's sake: there it sets the type of temporaries and changes no number. */
  private static final Set<String> WITHOUT_EFFECT = Set.of("int8_mask");

  /** One input's tensor, and where its settings stand. */
  record Input(Recipe.Source source, String tensor) {}

  /** The parameters that a recipe gives, by name, for a number of inputs. */
  private record Settings(Map<String, Object> values, int inputs) {}

  /** A method with its parameters, and λ. */
  record Bound(MergeMethod method, Scaling scaling) {}

  private final Recipe recipe;
  private final NamedMethod named;
  private final MergeMethod method;
  private final List<Parameter> parameters;
  private final Map<Settings, MergeMethod> cache = new HashMap<>();

  /**
   * @param method the named method over the operand that the recipe's base makes it work on
   */
  ParameterBinder(Recipe recipe, NamedMethod named, MergeMethod method) {
    this.recipe = recipe;
    this.named = named;
    this.method = method;
    this.parameters = MethodParameters.of(method);
  }

  /** Everything that is wrong with the settings whatever the tensors are, one line each. */
  List<String> problems() {
    List<String> problems = new ArrayList<>();
    recipe.parameters().values().forEach(setting -> check(setting, false, problems));
    for (Recipe.Slice slice : recipe.slices()) {
      slice.parameters().values().forEach(setting -> check(setting, false, problems));
      for (Recipe.Source source : slice.sources()) {
        source.parameters().values().forEach(setting -> check(setting, true, problems));
      }
    }
    return problems;
  }

  private void check(ParameterSetting setting, boolean ofModel, List<String> problems) {
    String name = setting.name();
    Optional<Parameter> known = find(name);
    if (known.isEmpty()) {
      if (name.equals(RecipeParser.SCALING)) {
        checkScaling(setting, ofModel, problems);
      } else if (!WITHOUT_EFFECT.contains(name)) {
        List<String> names = known();
        problems.add(
            recipe.line(
                setting.at(),
                "'%s' has no parameter '%s'%s%s; known: %s"
                    .formatted(
                        named.name(),
                        name,
                        Suggestion.forWord(name, names),
                        ofLookAlike(name),
                        String.join(", ", names))));
      }
      return;
    }
    Parameter parameter = known.get();
    if (ofModel && !parameter.perModel()) {
      problems.add(
          recipe.line(
              setting.at(),
              "'%s' is a parameter of the whole merge, not of one model; set it under the top 'parameters'"
                  .formatted(name)));
      return;
    }
    for (ParameterSetting.Choice choice : setting.choices()) {
      if (ParameterTypes.typed(parameter, choice.value()).isEmpty()) {
        problems.add(
            recipe.line(
                choice.at(),
                "parameter '%s' must be %s, is %s"
                    .formatted(name, parameter.expected(), words(choice.value()))));
      }
    }
  }

  /** Names the method of nearly the same name, if it has the parameter. */
  private String ofLookAlike(String parameter) {
    return MergeMethods.lookAlike(named)
        .filter(other -> other.parameters().stream().anyMatch(p -> p.name().equals(parameter)))
        .map(other -> "; '%s' has it".formatted(other.fullName()))
        .orElse("");
  }

  private void checkScaling(ParameterSetting setting, boolean ofModel, List<String> problems) {
    if (ofModel) {
      problems.add(
          recipe.line(
              setting.at(),
              "'scaling' is of the whole merge, not of one model; use the top 'parameters'"
                  + (find("weight").isPresent() ? ", or 'weight' for this model" : "")));
    } else if (method.operand() == MergeMethod.Operand.WEIGHTS) {
      problems.add(
          recipe.line(
              setting.at(),
              "'%s' merges weights, not task vectors, so it has no 'scaling'"
                  .formatted(named.name())));
    } else {
      for (ParameterSetting.Choice choice : setting.choices()) {
        String fault =
            ParameterTypes.number(choice.value()).isPresent()
                ? null
                : ScalingBinder.fault(named, choice.value());
        if (fault != null) {
          problems.add(recipe.line(choice.at(), fault));
        }
      }
    }
  }

  private Optional<Parameter> find(String name) {
    return parameters.stream().filter(parameter -> parameter.name().equals(name)).findFirst();
  }

  private List<String> known() {
    List<String> names = new ArrayList<>(parameters.stream().map(Parameter::name).toList());
    if (method.operand() == MergeMethod.Operand.TASK_VECTORS) {
      names.add(RecipeParser.SCALING);
    }
    return names;
  }

  static String words(Value value) {
    if (value instanceof Text word) {
      return "'" + word.text() + "'";
    } else if (value instanceof Flag flag) {
      return String.valueOf(flag.on());
    } else if (value instanceof Gradient numbers && numbers.knots().size() > 1) {
      return "a list of numbers";
    } else if (value instanceof Steps steps) {
      return steps.entries().stream()
          .map(ParameterBinder::words)
          .collect(Collectors.joining(", ", "[", "]"));
    }
    return String.valueOf(value.at(0));
  }

  /**
   * The method for one tensor.
   *
   * @param tensor the output's name
   * @param layerFraction 0 to 1
   * @param slice where the inputs stand
   * @param inputs in order
   * @param shape of the tensor
   * @throws RecipeException if a value is missing or out of range; the message has its place
   */
  Bound bind(
      String tensor,
      double layerFraction,
      Recipe.Slice slice,
      List<Input> inputs,
      List<Long> shape) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (Parameter parameter : parameters) {
      Optional<?> value =
          parameter.perModel()
              ? perModel(parameter, tensor, layerFraction, slice, inputs)
              : global(parameter, tensor, layerFraction, slice);
      value.ifPresent(given -> values.put(parameter.name(), given));
    }
    values.put("seed", recipe.seed());
    Settings settings = new Settings(values, inputs.size());
    MergeMethod bound = cache.get(settings);
    try {
      if (bound == null) {
        bound = MethodParameters.bind(named.name(), method, values);
        cache.put(settings, bound);
      }
      bound.check(tensor, shape, inputs.size());
    } catch (ParameterException e) {
      throw recipe.error(
          place(e, layerFraction, tensor, slice, inputs),
          String.valueOf(e.of(named.name()).getMessage()));
    } catch (IllegalArgumentException e) {
      throw recipe.error(recipe.method().at(), String.valueOf(e.getMessage()));
    }
    return new Bound(bound, scaling(tensor, layerFraction, slice));
  }

  /** Empty: the default. */
  private Optional<Object> global(
      Parameter parameter, String tensor, double layerFraction, Recipe.Slice slice) {
    Resolved resolved = resolve(parameter.name(), tensor, layerFraction, slice, as(parameter));
    if (resolved != null) {
      return Optional.of(resolved.value());
    }
    if (parameter.required()) {
      throw recipe.error(
          recipe.method().at(),
          "'%s' needs parameter '%s'%s; add it under 'parameters'"
              .formatted(named.name(), parameter.name(), nothingFor(parameter.name(), tensor)));
    }
    return Optional.empty();
  }

  /** A value for each input; empty if none has one of its own, which is the default. */
  private Optional<List<Object>> perModel(
      Parameter parameter,
      String tensor,
      double layerFraction,
      Recipe.Slice slice,
      List<Input> inputs) {
    List<Object> values = new ArrayList<>(inputs.size());
    boolean given = false;
    for (Input input : inputs) {
      ParameterSetting own = input.source().parameters().get(parameter.name());
      Resolved resolved =
          own == null
              ? null
              : own.resolve(input.tensor(), layerFraction, as(parameter)).orElse(null);
      if (resolved == null) {
        resolved = resolve(parameter.name(), input.tensor(), layerFraction, slice, as(parameter));
      }
      if (resolved != null) {
        values.add(resolved.value());
        given = true;
      } else if (parameter.required()) {
        throw recipe.error(input.source().model().at(), missing(parameter, input, tensor));
      } else {
        values.add(parameter.defaultValue().orElseThrow());
      }
    }
    return given ? Optional.of(values) : Optional.empty();
  }

  private String missing(Parameter parameter, Input input, String tensor) {
    Recipe.Model base = recipe.base();
    if (base != null && input.source().model().equals(base)) {
      return ("'%s' needs parameter '%s' for every model, and base_model '%s', which is not under"
              + " 'models', counts as one; list it there with a %s, or remove base_model")
          .formatted(named.name(), parameter.name(), base.text(), parameter.name());
    }
    return "'%s' needs parameter '%s' for model '%s'%s"
        .formatted(
            named.name(),
            parameter.name(),
            input.source().model().text(),
            input.source().parameters().containsKey(parameter.name())
                ? ", and no filter matches tensor '%s'".formatted(tensor)
                : "; add 'parameters: {%s: …}'".formatted(parameter.name()));
  }

  private String nothingFor(String parameter, String tensor) {
    return recipe.parameters().containsKey(parameter)
        ? ", and no filter matches tensor '%s'".formatted(tensor)
        : "";
  }

  private @Nullable Resolved resolve(
      String parameter,
      String tensor,
      double layerFraction,
      Recipe.Slice slice,
      UnaryOperator<Value> typed) {
    ParameterSetting ofSlice = slice.parameters().get(parameter);
    if (ofSlice != null) {
      Optional<Resolved> resolved = ofSlice.resolve(tensor, layerFraction, typed);
      if (resolved.isPresent()) {
        return resolved.get();
      }
    }
    ParameterSetting top = recipe.parameters().get(parameter);
    return top == null ? null : top.resolve(tensor, layerFraction, typed).orElse(null);
  }

  /** Values as a parameter takes them; those that it does not take were refused before. */
  private static UnaryOperator<Value> as(Parameter parameter) {
    return value -> ParameterTypes.typed(parameter, value).orElse(value);
  }

  private Scaling scaling(String tensor, double layerFraction, Recipe.Slice slice) {
    if (method.operand() == MergeMethod.Operand.WEIGHTS) {
      return new Scaling.Given(1);
    }
    Resolved resolved =
        resolve(
            RecipeParser.SCALING,
            tensor,
            layerFraction,
            slice,
            value -> ParameterTypes.number(value).orElse(value));
    Object value = resolved == null ? named.scaling() : resolved.value();
    return value instanceof Double number
        ? new Scaling.Given(number)
        : ScalingBinder.sought(value)
            .<Scaling>map(sought -> sought)
            .orElseGet(() -> new Scaling.Given(named.scaling()));
  }

  /** The place of the faulty value; the method's place if it is a default. */
  private Position place(
      ParameterException fault,
      double layerFraction,
      String tensor,
      Recipe.Slice slice,
      List<Input> inputs) {
    String name = fault.parameter();
    for (int t = 0; t < inputs.size(); t++) {
      ParameterSetting own = inputs.get(t).source().parameters().get(name);
      Optional<Resolved> resolved =
          own == null ? Optional.empty() : own.resolve(inputs.get(t).tensor(), layerFraction);
      if (resolved.isPresent() && fault.model().orElse(t + 1) == t + 1) {
        return resolved.get().at();
      }
    }
    Resolved resolved = resolve(name, tensor, layerFraction, slice, UnaryOperator.identity());
    return resolved == null ? recipe.method().at() : resolved.at();
  }
}
