package org.optmerge.method;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A hyperparameter that each input model has a value of, such as its weight or its density. */
public final class PerModel {
  private final double[] values;
  private final boolean same;

  private PerModel(double[] values, boolean same) {
    this.values = values;
    this.same = same;
  }

  /** The same value for every model, however many there are. */
  public static PerModel each(double value) {
    return new PerModel(new double[] {value}, true);
  }

  /**
   * One value per model, in the order of the inputs.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static PerModel of(double... values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("a per-model parameter needs at least one value");
    }
    return new PerModel(values.clone(), false);
  }

  /** One value per model, in the order of the inputs. */
  public static PerModel of(List<? extends Number> values) {
    return of(values.stream().mapToDouble(Number::doubleValue).toArray());
  }

  /** The number of models there are values for; empty if every model has the same. */
  public Optional<Integer> count() {
    return same ? Optional.empty() : Optional.of(values.length);
  }

  /**
   * The value of model {@code t}, counted from 0.
   *
   * @throws IllegalStateException if there is no such value
   */
  public double get(int t) {
    if (same) {
      return values[0];
    }
    if (t < 0 || t >= values.length) {
      throw new IllegalStateException(
          "no value for model %d, there are %d".formatted(t + 1, values.length));
    }
    return values[t];
  }

  /** The values of {@code count} models. */
  public double[] values(int count) {
    double[] all = new double[count];
    for (int t = 0; t < count; t++) {
      all[t] = get(t);
    }
    return all;
  }

  /** The values as given: one if every model has the same. */
  double[] given() {
    return values.clone();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof PerModel that
        && same == that.same
        && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(values) + Boolean.hashCode(same);
  }

  /** {@code 0.5} or {@code [0.5, 0.3]}. */
  @Override
  public String toString() {
    return same
        ? Double.toString(values[0])
        : Arrays.stream(values)
            .mapToObj(Double::toString)
            .collect(Collectors.joining(", ", "[", "]"));
  }
}
