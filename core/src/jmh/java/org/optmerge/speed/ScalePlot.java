package org.optmerge.speed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.optmerge.report.Plots;

/**
 * Draws measurements against size.
 *
 * <p>{@code ScalePlot POINTS OUT TITLE XTITLE YTITLE}: each line of POINTS is a series, x and y
 * with tabs between; OUT becomes an SVG.
 */
public final class ScalePlot {
  private ScalePlot() {}

  public static void main(String[] arguments) throws IOException {
    Map<String, List<double[]>> series = new LinkedHashMap<>();
    for (String line : Files.readAllLines(Path.of(arguments[0]))) {
      String[] fields = line.split("\t", -1);
      series
          .computeIfAbsent(fields[0], name -> new ArrayList<>())
          .add(new double[] {Double.parseDouble(fields[1]), Double.parseDouble(fields[2])});
    }
    XYChart chart =
        new XYChartBuilder()
            .width(720)
            .height(440)
            .title(arguments[2])
            .xAxisTitle(arguments[3])
            .yAxisTitle(arguments[4])
            .build();
    chart.getStyler().setYAxisMin(0.0);
    chart.getStyler().setXAxisMin(0.0);
    series.forEach(
        (name, points) ->
            chart.addSeries(
                name,
                points.stream().mapToDouble(point -> point[0]).toArray(),
                points.stream().mapToDouble(point -> point[1]).toArray()));
    Plots.saveSvg(chart, Path.of(arguments[1]));
  }
}
