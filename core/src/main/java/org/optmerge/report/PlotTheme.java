package org.optmerge.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
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
  public Color getChartBackgroundColor() {
    return Color.WHITE;
  }

  @Override
  public Color getChartFontColor() {
    return Palette.INK;
  }

  @Override
  public int getChartPadding() {
    return 14;
  }

  @Override
  public Font getChartTitleFont() {
    return BOLD;
  }

  @Override
  public boolean isChartTitleBoxVisible() {
    return false;
  }

  @Override
  public int getChartTitlePadding() {
    return 8;
  }

  @Override
  public Font getLegendFont() {
    return BASE;
  }

  @Override
  public Color getLegendBorderColor() {
    return Color.WHITE;
  }

  @Override
  public Color getLegendBackgroundColor() {
    return Color.WHITE;
  }

  @Override
  public int getLegendSeriesLineLength() {
    return 26;
  }

  @Override
  public LegendPosition getLegendPosition() {
    return LegendPosition.OutsideE;
  }

  @Override
  public Color getPlotBackgroundColor() {
    return Color.WHITE;
  }

  @Override
  public boolean isPlotBorderVisible() {
    return false;
  }

  @Override
  public boolean isPlotGridVerticalLinesVisible() {
    return false;
  }

  @Override
  public Color getPlotGridLinesColor() {
    return Palette.GRID;
  }

  @Override
  public BasicStroke getPlotGridLinesStroke() {
    return new BasicStroke(1f);
  }

  @Override
  public boolean isPlotTicksMarksVisible() {
    return false;
  }

  @Override
  public int getPlotMargin() {
    return 4;
  }

  @Override
  public double getPlotContentSize() {
    return 0.96;
  }

  @Override
  public Font getAxisTitleFont() {
    return BASE;
  }

  @Override
  public Font getAxisTickLabelsFont() {
    return BASE;
  }

  @Override
  public Color getAxisTickLabelsColor() {
    return Palette.MUTED;
  }

  @Override
  public Color getAxisTickMarksColor() {
    return new Color(0xB5, 0xBC, 0xC4);
  }

  @Override
  public boolean isAxisTicksLineVisible() {
    return false;
  }

  @Override
  public int getAxisTitlePadding() {
    return 8;
  }

  @Override
  public int getMarkerSize() {
    return 7;
  }

  @Override
  public Color getErrorBarsColor() {
    return Palette.INK;
  }

  @Override
  public boolean isErrorBarsColorSeriesColor() {
    return false;
  }
}
