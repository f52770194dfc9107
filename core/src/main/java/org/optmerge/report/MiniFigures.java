package org.optmerge.report;

import ai.djl.ndarray.NDManager;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import org.knowm.xchart.internal.chartpart.Chart;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Interval;
import org.optmerge.evaluation.MiniFamily;
import org.optmerge.evaluation.MiniMerge;
import org.optmerge.evaluation.MiniRow;
import org.optmerge.merge.MagnitudeHistogram;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.Progress;
import org.optmerge.merge.TaskVectorStatistics;
import org.optmerge.method.Descent;
import org.optmerge.method.Init;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.OptMerge;
import org.optmerge.method.Trajectory;
import org.optmerge.method.Wudi;

/** The paper's figures, drawn of the miniature. */
public final class MiniFigures {
  private static final int EVERY = 10;

  private MiniFigures() {}

  /** Figure 2: how large the entries of task vectors are, and their norm layer by layer. */
  public static Map<String, Chart<?, ?>> figure2(MiniFamily family) {
    Map<String, Path> experts = new LinkedHashMap<>();
    family.experts().forEach((task, expert) -> experts.put(task.label(), expert));
    TaskVectorStatistics statistics =
        TaskVectorStatistics.of(
            family.base(), experts, name -> name.endsWith("_proj.weight"), 1, Progress.NONE);
    Map<String, Chart<?, ?>> charts = new LinkedHashMap<>();
    charts.put("magnitudes", Plots.magnitudes(family.title(), magnitudes(statistics)));
    charts.put("norm-per-layer", Plots.normPerLayer(statistics));
    return charts;
  }

  private static Map<String, MagnitudeHistogram> magnitudes(TaskVectorStatistics statistics) {
    Map<String, MagnitudeHistogram> magnitudes = new LinkedHashMap<>();
    for (int t = 0; t < statistics.experts().size(); t++) {
      magnitudes.put(statistics.experts().get(t), statistics.magnitudes().get(t));
    }
    return magnitudes;
  }

  /**
   * Figures 3 and 4: the norm of the merged task vector and the interference loss over the steps of
   * Adam and of SGD, summed over all matrices.
   */
  public static Map<String, Chart<?, ?>> figures3And4(MiniFamily family) {
    Map<String, MergeMethod> methods = new LinkedHashMap<>();
    methods.put("WUDI, Adam from the sum", Wudi.PUBLISHED);
    methods.put("WUDI, SGD from the sum", new Wudi(Init.SUM, Descent.sgd(1e-4, 0.9, 300)));
    methods.put("WUDI, SGD from the mean", new Wudi(Init.MEAN, Descent.sgd(1e-4, 0.9, 300)));
    methods.put("OptMerge, SGD from the mean", OptMerge.LORA);
    Map<String, double[]> norms = new LinkedHashMap<>();
    Map<String, double[]> losses = new LinkedHashMap<>();
    double[] steps = {};
    try (MergePlan plan = MiniMerge.published("figure", "weight-average").plan(family, 0)) {
      for (Map.Entry<String, MergeMethod> method : methods.entrySet()) {
        List<Trajectory.Point> sum = summed(plan, method.getValue());
        steps = sum.stream().mapToDouble(Trajectory.Point::step).toArray();
        norms.put(method.getKey(), sum.stream().mapToDouble(Trajectory.Point::norm).toArray());
        double first = sum.get(0).loss();
        losses.put(
            method.getKey(), sum.stream().mapToDouble(point -> point.loss() / first).toArray());
      }
    }
    Map<String, Chart<?, ?>> charts = new LinkedHashMap<>();
    charts.put(
        "norm",
        Plots.lines(family.title(), "step", "norm of the merged task vector", steps, norms));
    charts.put(
        "loss",
        Plots.lines(
            family.title(), "step", "interference loss / its value at the start", steps, losses));
    return charts;
  }

  private static List<Trajectory.Point> summed(MergePlan plan, MergeMethod method) {
    List<Trajectory.Point> sum = new ArrayList<>();
    for (String parameter : plan.mergedParameters()) {
      try (NDManager manager = NDManager.newBaseManager()) {
        List<Trajectory.Point> points =
            Trajectory.of(method, plan.taskVectors(parameter, manager), EVERY).points();
        for (int i = 0; i < points.size(); i++) {
          Trajectory.Point point = points.get(i);
          if (sum.size() <= i) {
            sum.add(point);
          } else {
            Trajectory.Point so = sum.get(i);
            sum.set(
                i,
                new Trajectory.Point(
                    point.step(), so.loss() + point.loss(), Math.hypot(so.norm(), point.norm())));
          }
        }
      }
    }
    return sum;
  }

  /**
   * The mean accuracy on the validation set over λ, for merges whose λ was searched.
   *
   * @throws IllegalArgumentException if no row was
   */
  public static Chart<?, ?> scalings(String title, List<MiniRow> rows) {
    List<MiniRow> searched = rows.stream().filter(row -> !row.curve().isEmpty()).toList();
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
    for (MiniRow row : searched) {
      lines.put(
          row.label(),
          Arrays.stream(scalings)
              .map(scaling -> 100 * row.curve().getOrDefault(Double.toString(scaling), Double.NaN))
              .toArray());
    }
    return Plots.lines(title, "λ", "mean accuracy on validation (%)", scalings, lines);
  }

  /** The mean accuracy of each model and merge, with its 95 % interval. */
  public static Chart<?, ?> means(String title, List<MiniRow> rows) {
    Map<String, Double> means = new LinkedHashMap<>();
    Map<String, Double> halfWidths = new LinkedHashMap<>();
    for (MiniRow row : rows) {
      Interval interval = Bootstrap.DEFAULT.mean(row.capabilities()).times(100);
      means.put(row.label(), interval.mean());
      halfWidths.put(row.label(), (interval.upper() - interval.lower()) / 2);
    }
    return Plots.methods(title, "mean accuracy of five tasks (%)", means, halfWidths);
  }

  /** Accuracies of each model and merge by task, as a map. */
  public static Chart<?, ?> accuracies(String title, List<MiniRow> rows) {
    List<String> columns =
        new ArrayList<>(MiniTask.CAPABILITIES.stream().map(MiniTask::label).toList());
    columns.add("Mean");
    return Plots.map(
        title + " (accuracy, %)",
        rows.stream().map(MiniRow::label).toList(),
        columns,
        rows.stream()
            .map(
                row ->
                    DoubleStream.concat(
                            MiniTask.CAPABILITIES.stream().mapToDouble(row::accuracy),
                            DoubleStream.of(row.mean()))
                        .map(share -> 100 * share)
                        .toArray())
            .toArray(double[][]::new));
  }
}
