package org.optmerge.merge.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.optmerge.merge.recipe.ParameterSetting.Flag;
import org.optmerge.merge.recipe.ParameterSetting.Gradient;
import org.optmerge.merge.recipe.ParameterSetting.Steps;
import org.optmerge.merge.recipe.ParameterSetting.Text;
import org.optmerge.merge.recipe.ParameterSetting.Value;
import org.optmerge.method.MethodParameters.Parameter;

/**
 * Values as parameters take them, as mergekit 0.1.5 reads them: true is the number 1, the word
 * {@code yes} is true, and only numbers interpolate.
 */
final class ParameterTypes {
  private static final Set<String> TRUE = Set.of("true", "t", "yes", "y", "on", "1");
  private static final Set<String> FALSE = Set.of("false", "f", "no", "n", "off", "0");

  private ParameterTypes() {}

  /** The value as the parameter takes it; empty if it takes no such value. */
  static Optional<Value> typed(Parameter parameter, Value value) {
    return switch (parameter.kind()) {
      case NUMBER -> number(value);
      case INTEGER ->
          number(value)
              .filter(
                  whole ->
                      ((Gradient) whole)
                          .knots().stream().allMatch(knot -> knot == Math.rint(knot)));
      case BOOLEAN -> each(value, ParameterTypes::flag);
      case CHOICE ->
          each(
              value,
              entry ->
                  Optional.of(entry)
                      .filter(
                          word ->
                              word instanceof Text text
                                  && parameter.choices().contains(text.text())));
    };
  }

  /** The value as a number, or as numbers that interpolate. */
  static Optional<Value> number(Value value) {
    if (value instanceof Gradient) {
      return Optional.of(value);
    }
    List<Value> entries = value instanceof Steps steps ? steps.entries() : List.of(value);
    List<Double> knots = new ArrayList<>();
    for (Value entry : entries) {
      if (entry instanceof Gradient one) {
        knots.addAll(one.knots());
      } else if (entry instanceof Flag flag) {
        knots.add(flag.on() ? 1.0 : 0.0);
      } else {
        return Optional.empty();
      }
    }
    return Optional.of(new Gradient(knots));
  }

  /** Reads one entry of a list. */
  @FunctionalInterface
  private interface Entry {
    Optional<Value> typed(Value entry);
  }

  private static Optional<Value> each(Value value, Entry entry) {
    List<Value> entries = entries(value);
    List<Value> typed = new ArrayList<>();
    for (Value one : entries) {
      Optional<Value> read = entry.typed(one);
      if (read.isEmpty()) {
        return Optional.empty();
      }
      typed.add(read.get());
    }
    return Optional.of(typed.size() == 1 ? typed.get(0) : new Steps(typed));
  }

  private static List<Value> entries(Value value) {
    if (value instanceof Steps steps) {
      return steps.entries();
    }
    return value instanceof Gradient numbers
        ? numbers.knots().stream().<Value>map(knot -> new Gradient(List.of(knot))).toList()
        : List.of(value);
  }

  private static Optional<Value> flag(Value entry) {
    if (entry instanceof Flag) {
      return Optional.of(entry);
    }
    if (entry instanceof Gradient number) {
      double knot = number.knots().get(0);
      return knot == 0 || knot == 1 ? Optional.of(new Flag(knot == 1)) : Optional.empty();
    }
    String word = ((Text) entry).text().toLowerCase(Locale.ROOT);
    if (TRUE.contains(word)) {
      return Optional.of(new Flag(true));
    }
    return FALSE.contains(word) ? Optional.of(new Flag(false)) : Optional.empty();
  }
}
