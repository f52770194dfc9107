package org.optmerge.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import org.apiguardian.api.API;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.internal.chartpart.Chart;
import org.optmerge.analysis.TaskVectorStatistics;
import org.optmerge.base.Progress;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.evaluation.AnswerSheet;
import org.optmerge.evaluation.DescentTrajectories;
import org.optmerge.evaluation.Interval;
import org.optmerge.evaluation.ModelFamily;
import org.optmerge.method.interference.Trajectory;

/** The paper's figures, drawn of the miniature. */
@API(status = API.Status.EXPERIMENTAL)
public final class PaperFigures {
  private PaperFigures() {}

  /** Figure 2: how large the entries of task vectors are, and their norm layer by layer. */
  public static Map<String, Chart<?, ?>> figure2(ModelFamily family) {
    TaskVectorStatistics statistics =
        TaskVectorStatistics.of(
            family.base(),
            family.experts(),
            name -> name.endsWith("_proj.weight"),
            1,
            Progress.NONE);
    Map<String, Chart<?, ?>> charts = new LinkedHashMap<>();
    charts.put("magnitudes", Plots.magnitudes(family.title(), Plots.byExpert(statistics)));
    Chart<?, ?> norms = Plots.normPerLayer(statistics);
    norms.setTitle(family.title());
    charts.put("norm-per-layer", norms);
    return charts;
  }

  /**
   * Figures 3 and 4: the norm of the merged task vector and the interference loss over the steps of
   * Adam and of SGD, over all matrices.
   */
  public static Map<String, Chart<?, ?>> figures3And4(ModelFamily family) {
    return figures3And4(
        family.title(), DescentTrajectories.of(family, (method, matrices) -> {}).methods());
  }

  /**
   * Figures 3 and 4 of recorded steps.
   *
   * @param trajectories by method, all with points at the same steps
   * @return {@code norm} and {@code loss}
   */
  public static Map<String, Chart<?, ?>> figures3And4(
      String title, Map<String, List<Trajectory.Point>> trajectories) {
    double[] steps = {};
    Map<String, double[]> norms = new LinkedHashMap<>();
    Map<String, double[]> losses = new LinkedHashMap<>();
    for (Map.Entry<String, List<Trajectory.Point>> method : trajectories.entrySet()) {
      List<Trajectory.Point> points = method.getValue();
      steps = points.stream().mapToDouble(Trajectory.Point::step).toArray();
      norms.put(method.getKey(), points.stream().mapToDouble(Trajectory.Point::norm).toArray());
      losses.put(method.getKey(), points.stream().mapToDouble(Trajectory.Point::loss).toArray());
    }
    Map<String, Chart<?, ?>> charts = new LinkedHashMap<>();
    charts.put(
        "norm", Plots.lines(title, "step", "norm of the merged task vector, ‖τ‖", steps, norms));
    charts.put(
        "loss", Plots.lines(title, "step", "interference loss, all matrices", steps, losses));
    for (Chart<?, ?> chart : charts.values()) {
      ((XYChart) chart).getStyler().setYAxisMin(0.0);
    }
    return charts;
  }

  /**
   * The mean accuracy on the validation set over λ, for merges whose λ was searched.
   *
   * @throws IllegalArgumentException if no row was
   */
  public static Chart<?, ?> scalings(String title, List<AnswerSheet> rows) {
    List<AnswerSheet> searched = rows.stream().filter(row -> !row.curve().isEmpty()).toList();
    if (searched.isEmpty()) {
      throw new IllegalArgumentException("scalings: no row has a curve over λ");
    }
    double[] scalings =
        searched.stream()
            .flatMap(row -> row.curve().keySet().stream())
            .mapToDouble(Double::parseDouble)
            .distinct()
            .sorted()
            .toArray();
    Map<String, double[]> lines = new LinkedHashMap<>();
    for (AnswerSheet row : searched) {
      lines.put(
          row.label(),
          Arrays.stream(scalings)
              .map(scaling -> 100 * row.curve().getOrDefault(Double.toString(scaling), Double.NaN))
              .toArray());
    }
    return Plots.lines(title, "λ", "mean accuracy on validation (%)", scalings, lines);
  }

  /** The mean accuracy of each model and merge, with its 95 % interval. */
  public static Chart<?, ?> means(String title, List<AnswerSheet> rows) {
    Map<String, Interval> means = new LinkedHashMap<>();
    rows.forEach(row -> means.put(row.label(), SheetTables.interval(row)));
    return intervals(title, "mean accuracy of five tasks (%)", means);
  }

  static CategoryChart intervals(String title, String valueTitle, Map<String, Interval> intervals) {
    Map<String, Double> means = new LinkedHashMap<>();
    Map<String, Double> halfWidths = new LinkedHashMap<>();
    intervals.forEach(
        (label, interval) -> {
          means.put(label, interval.mean());
          halfWidths.put(label, (interval.upper() - interval.lower()) / 2);
        });
    return Plots.methods(title, valueTitle, means, halfWidths);
  }

  /** Accuracies of each model and merge by task, as a map. */
  public static Chart<?, ?> accuracies(String title, List<AnswerSheet> rows) {
    List<String> columns =
        new ArrayList<>(MiniTask.CAPABILITIES.stream().map(MiniTask::label).toList());
    columns.add("Mean");
    return Plots.map(
        title + " (accuracy, %)",
        rows.stream().map(AnswerSheet::label).toList(),
        columns,
        rows.stream()
            .map(
                row ->
                    DoubleStream.concat(
                            columns.stream().limit(columns.size() - 1).mapToDouble(row::accuracy),
                            DoubleStream.of(row.mean()))
                        .map(share -> 100 * share)
                        .toArray())
            .toArray(double[][]::new));
  }
}
