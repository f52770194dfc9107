package org.optmerge.metric;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;

/** Averages over data sets and over rows of score tables, as the paper's tables have them. */
public final class Averages {
  /** The ten columns of the paper's tables, all in percent. */
  private static final List<String> COLUMNS =
      List.of(
          ("VizWiz GQA MathVista_MINI MathVision_MINI ChartQA TextVQA OCRVQA RefCOCO RefCOCO+"
                  + " RefCOCOg")
              .split(" "));

  private static final Set<String> MATHVISTA_ROWS =
      Set.of("geometry reasoning", "algebraic reasoning", "geometry problem solving");
  private static final Set<String> MATHVISION_ROWS =
      Set.of(
          "metric geometry - angle",
          "metric geometry - area",
          "metric geometry - length",
          "solid geometry");

  private Averages() {}

  /**
   * The plain mean of the ten columns.
   *
   * @param columns percent by column; those that are missing or NaN are left out, as the official
   *     summary does
   * @return empty if there is no column
   */
  static OptionalDouble ofColumns(Map<String, Double> columns) {
    double[] found =
        COLUMNS.stream()
            .mapToDouble(column -> columns.getOrDefault(column, Double.NaN))
            .filter(percent -> !Double.isNaN(percent))
            .toArray();
    return mean(found);
  }

  /**
   * The paper's column for MathVista or MATH-Vision: the unweighted mean of the accuracies of its
   * geometry rows, which overlap in MathVista.
   *
   * @param accuracies percent by row of the score table
   * @param mathVista true for MathVista, false for MATH-Vision
   * @return empty if none of the rows is there
   */
  public static OptionalDouble geometry(Map<String, Double> accuracies, boolean mathVista) {
    Set<String> rows = mathVista ? MATHVISTA_ROWS : MATHVISION_ROWS;
    double[] found =
        accuracies.entrySet().stream()
            .filter(row -> rows.contains(row.getKey().strip().toLowerCase(Locale.ROOT)))
            .mapToDouble(Map.Entry::getValue)
            .toArray();
    return mean(found);
  }

  private static OptionalDouble mean(double[] values) {
    return values.length == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of(Means.IN_ORDER.of(values));
  }
}
