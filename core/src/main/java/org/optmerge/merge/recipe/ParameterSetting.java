package org.optmerge.merge.recipe;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * A recipe's setting of one parameter: a value, a gradient over layers, or a list of these with
 * filters on tensor names.
 *
 * @param name the parameter
 * @param choices tried in order; the first whose filter matches decides
 * @param at where it stands in the recipe
 */
public record ParameterSetting(String name, List<Choice> choices, Position at) {
  /** The filter that matches every tensor. */
  public static final String ALL = "*";

  /**
   * One value and the tensors it is for.
   *
   * @param filter a part of the tensor's name, or {@link #ALL}
   * @param value what the parameter is for them
   * @param at where it stands in the recipe
   */
  public record Choice(String filter, Value value, Position at) {
    boolean matches(String tensor) {
      return filter.equals(ALL) || tensor.contains(filter);
    }
  }

  /** A value, before it is resolved for a layer. */
  public sealed interface Value {
    /** The value at a layer: a {@link Double}, {@link Boolean}, {@link String} or {@link Map}. */
    Object at(double layerFraction);
  }

  /**
   * A number, or several that are interpolated over the layers.
   *
   * @param knots at least one finite number; the first is for the first layer, the last for the
   *     last
   */
  public record Gradient(List<Double> knots) implements Value {
    public Gradient {
      knots = List.copyOf(knots);
      if (knots.isEmpty() || !knots.stream().allMatch(Double::isFinite)) {
        throw new IllegalArgumentException(
            "Gradient: needs one or more finite numbers, has " + knots);
      }
    }

    @Override
    public Double at(double layerFraction) {
      double scaled = layerFraction * (knots.size() - 1);
      int below = (int) Math.floor(scaled);
      if (below >= knots.size() - 1) {
        return knots.get(knots.size() - 1);
      }
      double fraction = scaled - below;
      return (1 - fraction) * knots.get(below) + fraction * knots.get(below + 1);
    }
  }

  /**
   * Values that do not interpolate, such as yes and no: each holds from its layer to the next
   * one's.
   *
   * @param entries at least one, each of a single value
   */
  public record Steps(List<Value> entries) implements Value {
    public Steps {
      entries = List.copyOf(entries);
      if (entries.isEmpty()) {
        throw new IllegalArgumentException("Steps: needs one or more values");
      }
    }

    @Override
    public Object at(double layerFraction) {
      return entries.get((int) Math.floor(layerFraction * (entries.size() - 1))).at(0);
    }
  }

  /**
   * Yes or no.
   *
   * @param on the value
   */
  public record Flag(boolean on) implements Value {
    @Override
    public Boolean at(double layerFraction) {
      return on;
    }
  }

  /**
   * A word.
   *
   * @param text the value
   */
  public record Text(String text) implements Value {
    @Override
    public String at(double layerFraction) {
      return text;
    }
  }

  /**
   * A word with more to it, such as {@code {auto: tensor}}.
   *
   * @param words by key, in their order
   */
  public record Options(Map<String, String> words) implements Value {
    public Options {
      words = Collections.unmodifiableMap(new LinkedHashMap<>(words));
    }

    @Override
    public Map<String, String> at(double layerFraction) {
      return words;
    }
  }

  /**
   * A parameter's value for one tensor.
   *
   * @param value a {@link Double}, {@link Boolean}, {@link String} or {@link Map}
   * @param at where it stands in the recipe
   */
  public record Resolved(Object value, Position at) {}

  public ParameterSetting {
    choices = List.copyOf(choices);
    if (choices.isEmpty()) {
      throw new IllegalArgumentException("parameter '%s' has no value".formatted(name));
    }
  }

  /** The settings of two levels: where no filter of the first matches, the second is asked. */
  static Map<String, ParameterSetting> chain(
      Map<String, ParameterSetting> first, Map<String, ParameterSetting> second) {
    Map<String, ParameterSetting> both = new LinkedHashMap<>(first);
    second.forEach(
        (name, setting) ->
            both.merge(
                name,
                setting,
                (one, other) ->
                    new ParameterSetting(
                        name,
                        Stream.concat(one.choices.stream(), other.choices.stream()).toList(),
                        one.at)));
    return both;
  }

  /**
   * The value for a tensor; empty if no filter matches its name.
   *
   * @param tensor the tensor's name
   * @param layerFraction 0 for the first layer and for all that is outside the layers, 1 for the
   *     last
   * @param typed the value as the parameter takes it
   */
  public Optional<Resolved> resolve(
      String tensor, double layerFraction, UnaryOperator<Value> typed) {
    for (Choice choice : choices) {
      if (choice.matches(tensor)) {
        return Optional.of(
            new Resolved(typed.apply(choice.value()).at(layerFraction), choice.at()));
      }
    }
    return Optional.empty();
  }

  /** {@link #resolve(String, double, UnaryOperator)} of the value as written. */
  public Optional<Resolved> resolve(String tensor, double layerFraction) {
    return resolve(tensor, layerFraction, UnaryOperator.identity());
  }
}
