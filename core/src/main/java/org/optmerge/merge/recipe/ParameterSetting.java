package org.optmerge.merge.recipe;

import java.util.List;
import java.util.Optional;

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
    /** The value at a layer: a {@link Double}, {@link Boolean} or {@link String}. */
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
   * A parameter's value for one tensor.
   *
   * @param value a {@link Double}, {@link Boolean} or {@link String}
   * @param at where it stands in the recipe
   */
  public record Resolved(Object value, Position at) {}

  public ParameterSetting {
    choices = List.copyOf(choices);
    if (choices.isEmpty()) {
      throw new IllegalArgumentException("parameter '%s' has no value".formatted(name));
    }
  }

  /**
   * The value for a tensor; empty if no filter matches its name.
   *
   * @param tensor the tensor's name
   * @param layerFraction 0 for the first layer and for all that is outside the layers, 1 for the
   *     last
   */
  public Optional<Resolved> resolve(String tensor, double layerFraction) {
    for (Choice choice : choices) {
      if (choice.matches(tensor)) {
        return Optional.of(new Resolved(choice.value().at(layerFraction), choice.at()));
      }
    }
    return Optional.empty();
  }
}
