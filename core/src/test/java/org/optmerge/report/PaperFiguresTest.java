package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.Chart;
import org.optmerge.method.interference.Trajectory.Point;

class PaperFiguresTest {
  @Test
  void figures_3_and_4_show_norm_and_loss_over_the_steps() {
    Map<String, List<Point>> methods = new LinkedHashMap<>();
    methods.put("WUDI, Adam", List.of(new Point(0, 8, 3), new Point(10, 4, 2)));
    methods.put("OptMerge", List.of(new Point(0, 5, 1), new Point(10, 1, 1.5)));

    Map<String, Chart<?, ?>> figures = PaperFigures.figures3And4("LoRA", methods);

    XYChart norm = (XYChart) figures.get("norm");
    XYChart loss = (XYChart) figures.get("loss");
    assertThat(norm.getSeriesCollection().stream().map(XYSeries::getName))
        .containsExactly("WUDI, Adam", "OptMerge");
    XYSeries adam = norm.getSeries("WUDI, Adam");
    assertThat(adam.getXData()).containsExactly(0, 10);
    assertThat(adam.getYData()).containsExactly(3, 2);
    assertThat(loss.getSeries("OptMerge").getYData()).containsExactly(5, 1);
    assertThat(loss.getYAxisTitle()).isEqualTo("interference loss, all matrices");
    assertThat(loss.getStyler().getYAxisMin()).isZero();
  }
}
