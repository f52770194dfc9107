package org.optmerge.method;

import java.util.function.DoublePredicate;
import org.jspecify.annotations.Nullable;

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

  /** Checks a whole number. */
  public static void atLeast(String method, String parameter, long value, long least) {
    if (value < least) {
      throw new ParameterException(
          method, parameter, "%s must be at least %d, is %d".formatted(parameter, least, value));
    }
  }

  public static void that(
      String method, String parameter, double value, DoublePredicate holds, String expected) {
    if (!holds.test(value)) {
      throw new ParameterException(
          method, parameter, "%s must be %s, is %s".formatted(parameter, expected, value));
    }
  }

  /** Checks every value that is there already. */
  public static void each(
      String method,
      String parameter,
      @Nullable PerModel values,
      DoublePredicate holds,
      String expected) {
    double[] given = values == null ? new double[0] : values.given();
    boolean own = values != null && values.count().isPresent();
    for (int t = 0; t < given.length; t++) {
      if (!holds.test(given[t])) {
        throw new ParameterException(
            method,
            parameter,
            own ? t + 1 : 0,
            "%s%s must be %s, is %s"
                .formatted(parameter, own ? " of model " + (t + 1) : "", expected, given[t]));
      }
    }
  }

  /** The value of a required parameter. */
  static <T> T given(String method, String parameter, @Nullable T value) {
    if (value == null) {
      throw new ParameterException(
          method, parameter, "%s is required and was not given".formatted(parameter));
    }
    return value;
  }

  /** The values of a parameter that every model must have one of. */
  static double[] covers(String method, String parameter, @Nullable PerModel values, int count) {
    if (values == null) {
      throw new ParameterException(
          method,
          parameter,
          "%s is required for every model and was not given".formatted(parameter));
    }
    values
        .count()
        .filter(given -> given != count)
        .ifPresent(
            given -> {
              throw new ParameterException(
                  method,
                  parameter,
                  "%s has %d values for %d models".formatted(parameter, given, count));
            });
    return values.values(count);
  }

  /** Checks the number of a task, counted from 1. */
  static void task(String method, int task, int count) {
    if (task > count) {
      throw new ParameterException(
          method,
          "task",
          "task must be in 1 to %d, the number of experts, is %d".formatted(count, task));
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
