package org.optmerge.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.util.Locale;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.AxesChartStyler.TextAlignment;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.theme.AbstractBaseTheme;

/** White, with light grid lines, and type that stays readable when a figure is printed small. */
final class PlotTheme extends AbstractBaseTheme {
  private static final Font BASE = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
  private static final Font BOLD = new Font(Font.SANS_SERIF, Font.BOLD, 14);

  @Override
  public Font getBaseFont() {
    return BASE;
  }

  @Override
  public Color getChartFontColor() {
    return Palette.INK;
  }

  /** Sets what does not follow from the font and its color. */
  static void apply(AxesChartStyler style) {
    style.setLocale(Locale.ROOT);
    style.setAntiAlias(true);
    style.setTextAntiAlias(true);
    style.setChartBackgroundColor(Color.WHITE);
    style.setChartPadding(14);
    style.setChartTitleFont(BOLD);
    style.setChartTitleBoxVisible(false);
    style.setChartTitlePadding(8);
    style.setLegendFont(BASE);
    style.setLegendBorderColor(Color.WHITE);
    style.setLegendBackgroundColor(Color.WHITE);
    style.setLegendSeriesLineLength(26);
    style.setLegendPosition(LegendPosition.OutsideE);
    style.setPlotBackgroundColor(Color.WHITE);
    style.setPlotBorderVisible(false);
    style.setPlotGridVerticalLinesVisible(false);
    style.setPlotGridLinesColor(Palette.GRID);
    style.setPlotGridLinesStroke(new BasicStroke(1f));
    style.setPlotTicksMarksVisible(false);
    style.setPlotMargin(4);
    style.setPlotContentSize(0.96);
    style.setAxisTitleFont(BASE);
    style.setAxisTitlePadding(8);
    style.setAxisTickLabelsFont(BASE);
    style.setAxisTickLabelsColor(Palette.MUTED);
    style.setAxisTickMarksColor(new Color(0xB5, 0xBC, 0xC4));
    style.setAxisTicksLineVisible(false);
    style.setAxisTicksMarksVisible(false);
    style.setYAxisLabelAlignment(TextAlignment.Right);
    style.setMarkerSize(7);
    style.setErrorBarsColor(Palette.INK);
    style.setErrorBarsColorSeriesColor(false);
  }
}
