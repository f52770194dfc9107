package org.optmerge.method;

import java.util.function.DoublePredicate;

/** Hyperparameter checks whose messages say who, what was expected and what came. */
public final class Check {
  private Check() {}

  public static void inUnitInterval(String method, String parameter, double value) {
    that(method, parameter, value, v -> v >= 0 && v <= 1, "in [0, 1]");
  }

  static void finite(String method, String parameter, double value) {
    that(method, parameter, value, Double::isFinite, "a finite number");
  }

  public static void atLeastZero(String method, String parameter, double value) {
    that(method, parameter, value, v -> v >= 0 && Double.isFinite(v), "at least 0");
  }

  public static void that(
      String method, String parameter, double value, DoublePredicate holds, String expected) {
    if (!holds.test(value)) {
      throw new IllegalArgumentException(
          "%s: %s must be %s, is %s".formatted(method, parameter, expected, value));
    }
  }

  /** Checks every value that is there already. */
  public static void each(
      String method, String parameter, PerModel values, DoublePredicate holds, String expected) {
    double[] given = values.given();
    for (int t = 0; t < given.length; t++) {
      String whose = values.count().isPresent() ? " of model " + (t + 1) : "";
      that(method, parameter + whose, given[t], holds, expected);
    }
  }

  /** Checks that a required parameter, NaN until given, has a value. */
  static void given(String method, String parameter, double value) {
    if (Double.isNaN(value)) {
      throw new IllegalArgumentException(
          "%s: %s is required and was not given".formatted(method, parameter));
    }
  }

  /** Checks that there is a value for each model. */
  static void covers(String method, String parameter, PerModel values, int count) {
    if (values.isRequired()) {
      throw new IllegalArgumentException(
          "%s: %s is required for every model and was not given".formatted(method, parameter));
    }
    values
        .count()
        .filter(given -> given != count)
        .ifPresent(
            given -> {
              throw new IllegalArgumentException(
                  "%s: %s has %d values for %d models".formatted(method, parameter, given, count));
            });
  }

  /** Checks the number of a task, counted from 1. */
  static void task(String method, int task, int count) {
    if (task > count) {
      throw new IllegalArgumentException(
          "%s: task must be in 1 to %d, the number of experts, is %d"
              .formatted(method, count, task));
    }
  }

  /** Checks the number of inputs. */
  static void inputs(String method, int count, int least, int most, String expected) {
    if (count < least || count > most) {
      throw new IllegalArgumentException(
          "%s: merges %s, got %d".formatted(method, expected, count));
    }
  }
}
