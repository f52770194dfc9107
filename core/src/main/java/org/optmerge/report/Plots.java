package org.optmerge.report;

import de.erichseifert.vectorgraphics2d.Processors;
import de.erichseifert.vectorgraphics2d.VectorGraphics2D;
import de.erichseifert.vectorgraphics2d.util.PageSize;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategorySeries;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapSeries;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.AxesChart;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.AxesChartStyler.TextAlignment;
import org.knowm.xchart.style.HeatMapStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.optmerge.analysis.MagnitudeHistogram;
import org.optmerge.analysis.TaskVectorStatistics;

/**
 * The figures of this project, drawn from plain values, all in one look.
 *
 * <p>Each method returns an XChart chart, which may be changed further. In a notebook a chart as
 * the last expression of a cell is shown; {@link #savePng} and {@link #saveSvg} write files. The
 * colours are {@link Palette}'s: one for each method and each task, everywhere.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class Plots {
  private static final int WIDTH = 720;
  private static final int HEIGHT = 420;

  /** A point, which is a chart's unit, in the unit of VectorGraphics2D's pages. */
  private static final double MILLIMETRES = 25.4 / 72;

  private static final Pattern LONG_NUMBER = Pattern.compile("-?\\d+\\.\\d{3,}(?:[eE]-?\\d+)?");
  private static final Pattern LAYER = Pattern.compile("(.*?)\\.(\\d+)");
  private static final Pattern CLIP_NAME = Pattern.compile("clip-?[0-9a-f]+");

  /** Orange over white to blue, light enough everywhere for dark text. */
  private static final List<Color> DIVERGING =
      List.of(new Color(0xF3, 0xB1, 0x7C), Color.WHITE, new Color(0x86, 0xB6, 0xE6));

  private Plots() {}

  /**
   * The distribution of the magnitudes of task vectors' entries: a density over a logarithmic axis,
   * one line for each expert, after Figure 2 of the OptMerge paper. Entries that an expert left
   * unchanged have no place on that axis; {@link #magnitudes(TaskVectorStatistics)} says how many
   * they are.
   *
   * @param experts the changes of each expert, by its name
   * @throws IllegalArgumentException if no expert changed anything
   */
  public static XYChart magnitudes(String title, Map<String, MagnitudeHistogram> experts) {
    int first = Integer.MAX_VALUE;
    int last = -1;
    for (MagnitudeHistogram histogram : experts.values()) {
      long count = histogram.count();
      for (int bin = 0; bin < MagnitudeHistogram.BINS; bin++) {
        // Below this a bin is not a pixel high, and a single tiny entry of billions would stretch
        // the axis over thirty decades.
        if (histogram.count(bin) > 2e-4 * count) {
          first = Math.min(first, bin);
          last = Math.max(last, bin);
        }
      }
    }
    if (last < 0) {
      throw new IllegalArgumentException(
          "magnitudes: the experts %s changed nothing; there is nothing to draw"
              .formatted(experts.keySet()));
    }
    XYChart chart =
        xy(title, "magnitude of an entry, |τ|", "share of changed entries per octave (%)");
    chart.getStyler().setXAxisLogarithmic(true);
    chart.getStyler().setXAxisLogarithmicDecadeOnly(true);
    chart.getStyler().setXAxisTickLabelsFormattingFunction(Plots::powerOfTen);
    chart.getStyler().setYAxisMin(0.0);
    List<Color> colors = Palette.ofTasks(List.copyOf(experts.keySet()));
    int number = 0;
    for (Map.Entry<String, MagnitudeHistogram> expert : experts.entrySet()) {
      MagnitudeHistogram histogram = expert.getValue();
      double count = Math.max(1, histogram.count());
      double[] x = new double[last - first + 1];
      double[] y = new double[x.length];
      for (int i = 0; i < x.length; i++) {
        double lower = Math.max(Float.MIN_VALUE, MagnitudeHistogram.lowerEdge(first + i));
        double upper = MagnitudeHistogram.lowerEdge(first + i + 1);
        // A bin is a quarter of 2^k wide wherever it lies, so its share is put over its octaves.
        double octaves = Math.log(upper / lower) / Math.log(2);
        x[i] = Math.sqrt(lower * upper);
        y[i] = 100 * histogram.count(first + i) / count / octaves;
      }
      XYSeries line = chart.addSeries(expert.getKey(), x, y);
      line.setMarker(SeriesMarkers.NONE);
      line.setLineColor(colors.get(number));
      line.setLineStyle(Palette.line(number++));
    }
    return chart;
  }

  /** {@link #magnitudes(String, Map)} of a whole model, with the share of unchanged entries. */
  public static XYChart magnitudes(TaskVectorStatistics statistics) {
    XYChart chart = magnitudes("How much the experts changed", byExpert(statistics));
    for (int t = 0; t < statistics.experts().size(); t++) {
      double zeros = statistics.total().experts().get(t).shareOfZeros();
      if (zeros >= 0.0005) {
        String name = statistics.experts().get(t);
        chart
            .getSeries(name)
            .setLabel(String.format(Locale.ROOT, "%s (%.1f %% unchanged)", name, 100 * zeros));
      }
    }
    return chart;
  }

  static Map<String, MagnitudeHistogram> byExpert(TaskVectorStatistics statistics) {
    Map<String, MagnitudeHistogram> experts = new LinkedHashMap<>();
    for (int t = 0; t < statistics.experts().size(); t++) {
      experts.put(statistics.experts().get(t), statistics.magnitudes().get(t));
    }
    return experts;
  }

  /**
   * The Frobenius norm of what each expert changed, layer by layer.
   *
   * @param layers the layers' names, in order, such as {@code 0}, {@code 1}, …
   * @param norms for each expert one norm per layer
   * @throws IllegalArgumentException if an expert has another number of norms than there are layers
   */
  public static XYChart normPerLayer(
      String title, List<String> layers, Map<String, double[]> norms) {
    norms.forEach(
        (expert, values) -> requireLength("normPerLayer", expert, values, layers.size(), "layers"));
    XYChart chart = xy(title, "layer", "Frobenius norm, ‖τ‖");
    chart.getStyler().setYAxisMin(0.0);
    turnLongLabels(chart.getStyler(), layers);
    // Between two layers there is nothing: only whole numbers are labelled.
    chart
        .getStyler()
        .setXAxisTickLabelsFormattingFunction(
            x -> x == Math.rint(x) && x >= 0 && x < layers.size() ? layers.get(x.intValue()) : " ");
    double[] x = IntStream.range(0, layers.size()).asDoubleStream().toArray();
    draw(chart, x, norms, Palette.ofTasks(List.copyOf(norms.keySet())));
    return chart;
  }

  /** {@link #normPerLayer(String, List, Map)} of a whole model. */
  public static XYChart normPerLayer(TaskVectorStatistics statistics) {
    Map<String, List<Double>> norms = statistics.normsByLayer();
    Map<String, double[]> experts = new LinkedHashMap<>();
    for (int t = 0; t < statistics.experts().size(); t++) {
      int expert = t;
      experts.put(
          statistics.experts().get(t),
          norms.values().stream().mapToDouble(layer -> layer.get(expert)).toArray());
    }
    return normPerLayer(
        "Where the experts changed it", layerLabels(List.copyOf(norms.keySet())), experts);
  }

  /**
   * Short names for an axis: {@code model.layers.3} becomes {@code 3}, or {@code language 3} where
   * there is more than one stack of layers; {@code model.embed_tokens.weight} becomes {@code
   * embed_tokens}.
   */
  static List<String> layerLabels(List<String> layers) {
    long stacks =
        layers.stream()
            .map(LAYER::matcher)
            .filter(Matcher::matches)
            .map(layer -> layer.group(1))
            .distinct()
            .count();
    return layers.stream()
        .map(
            name -> {
              Matcher layer = LAYER.matcher(name);
              if (layer.matches()) {
                String stack = layer.group(1).replaceFirst("[._].*", "");
                return stacks == 1 ? layer.group(2) : stack + " " + layer.group(2);
              }
              return name.replaceFirst("\\.(weight|bias)$", "").replaceFirst(".*\\.", "");
            })
        .toList();
  }

  /**
   * The cosines between task vectors, every value readable in its cell.
   *
   * @param names the task vectors' names
   * @param cosines a square matrix, row and column i for name i, entries in [−1, 1] or NaN
   * @throws IllegalArgumentException if the matrix is not square, or not of the names' number
   */
  public static HeatMapChart cosines(String title, List<String> names, double[][] cosines) {
    if (cosines.length != names.size()) {
      throw new IllegalArgumentException(
          "cosines: %d names, but %d rows".formatted(names.size(), cosines.length));
    }
    double largest = 0;
    for (int row = 0; row < cosines.length; row++) {
      requireLength("cosines", names.get(row), cosines[row], names.size(), "columns");
      for (int column = 0; column < cosines.length; column++) {
        if (row != column && !Double.isNaN(cosines[row][column])) {
          largest = Math.max(largest, Math.abs(cosines[row][column]));
        }
      }
    }
    // Task vectors are often nearly orthogonal: a scale from −1 to 1 would show nothing but the
    // diagonal. Twice the largest value keeps the diagonal apart.
    double scale = Math.max(0.1, Math.min(1, Math.ceil(20 * largest) / 10));
    int cells = Math.max(2, names.size());
    HeatMapChart chart =
        heatMap(title, 260 + 74 * cells, 150 + 48 * cells, "0.00", DIVERGING.toArray(new Color[0]));
    fill(chart, "cosine", names, names, cosines).setMin(-scale).setMax(scale);
    return chart;
  }

  /**
   * A table of values as a map: the larger, the bluer, every value readable in its cell.
   *
   * @param rows from above
   * @param columns from the left
   * @param values for each row one value per column, not negative; NaN: an empty cell
   * @throws IllegalArgumentException if there is not one value for each cell
   */
  public static HeatMapChart map(
      String title, List<String> rows, List<String> columns, double[][] values) {
    if (values.length != rows.size()) {
      throw new IllegalArgumentException(
          "map: %d names, but %d rows".formatted(rows.size(), values.length));
    }
    double largest = 0;
    for (int row = 0; row < values.length; row++) {
      requireLength("map", rows.get(row), values[row], columns.size(), "columns");
      for (double value : values[row]) {
        largest = Double.isNaN(value) ? largest : Math.max(largest, value);
      }
    }
    int margin = 7 * rows.stream().mapToInt(String::length).max().orElse(0);
    HeatMapChart chart =
        heatMap(
            title,
            140 + margin + 78 * columns.size(),
            110 + 26 * rows.size(),
            "0.0",
            Color.WHITE,
            DIVERGING.get(2));
    chart.getStyler().setLegendVisible(false);
    chart.getStyler().setYAxisTickMarkSpacingHint(10);
    fill(chart, "value", rows, columns, values).setMin(0).setMax(Math.max(1e-9, largest));
    return chart;
  }

  private static HeatMapChart heatMap(
      String title, int width, int height, String decimals, Color... colors) {
    HeatMapChart chart = new HeatMapChart(width, height, new PlotTheme());
    chart.setTitle(title);
    HeatMapStyler style = chart.getStyler();
    PlotTheme.apply(style);
    style.setPlotContentSize(1);
    style.setPlotGridLinesVisible(false);
    style.setShowValue(true);
    style.setValueFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
    style.setValueFontColor(Palette.INK);
    style.setHeatMapValueDecimalPattern(decimals);
    style.setXAxisTickMarkSpacingHint(20);
    style.setYAxisTickMarkSpacingHint(20);
    style.setRangeColors(colors);
    style.setDrawBorder(true);
    return chart;
  }

  /**
   * A cell for each value that is a number. XChart counts rows from below; values are from above.
   */
  private static HeatMapSeries fill(
      HeatMapChart chart, String name, List<String> rows, List<String> columns, double[][] values) {
    List<String> fromBelow = new ArrayList<>(rows);
    Collections.reverse(fromBelow);
    List<Number[]> cells = new ArrayList<>();
    for (int row = 0; row < values.length; row++) {
      for (int column = 0; column < columns.size(); column++) {
        if (!Double.isNaN(values[row][column])) {
          cells.add(new Number[] {column, values.length - 1 - row, values[row][column]});
        }
      }
    }
    return chart.addSeries(name, columns, fromBelow, cells);
  }

  /** {@link #cosines(String, List, double[][])} of whole models. */
  public static HeatMapChart cosines(TaskVectorStatistics statistics) {
    int experts = statistics.experts().size();
    double[][] cosines = new double[experts][experts];
    for (int s = 0; s < experts; s++) {
      for (int t = 0; t < experts; t++) {
        cosines[s][t] = statistics.total().cosine(s, t);
      }
    }
    return cosines("How alike their changes are (cosine)", statistics.experts(), cosines);
  }

  /**
   * One bar for each method, in its colour, with its value.
   *
   * @param valueTitle what the bars measure, with its unit
   * @param values by method, drawn in the map's order from left to right
   */
  public static CategoryChart methods(String title, String valueTitle, Map<String, Double> values) {
    return methods(title, valueTitle, values, null);
  }

  /**
   * {@link #methods(String, String, Map)} with intervals.
   *
   * @param halfWidths by method, half the width of its interval; NaN or absent: none is drawn;
   *     null: the values are written above the bars instead
   */
  public static CategoryChart methods(
      String title,
      String valueTitle,
      Map<String, Double> values,
      @Nullable Map<String, Double> halfWidths) {
    List<String> names = List.copyOf(values.keySet());
    // Thirty pixels for a bar are enough for its turned name, forty for its value above it.
    int width = Math.max(WIDTH, 80 + 30 * names.size());
    // A turned name takes its length from the plot.
    int longest = names.stream().mapToInt(String::length).max().orElse(0);
    int height = areLong(names) ? HEIGHT - 40 + Math.max(100, 7 * longest) : HEIGHT;
    CategoryChart chart = new CategoryChart(width, height, new PlotTheme());
    label(chart, title, "", valueTitle);
    var style = chart.getStyler();
    style.setLegendVisible(false);
    style.setOverlapped(true);
    style.setAvailableSpaceFill(0.7);
    style.setXAxisTickMarkSpacingHint(10);
    style.setXAxisTitleVisible(false);
    if (halfWidths == null && names.size() <= 15) {
      style.setLabelsVisible(true);
      style.setLabelsFontColor(Palette.INK);
      style.setLabelsFontColorAutomaticEnabled(false);
      style.setLabelsPosition(1.06);
      style.setPlotContentSize(0.92);
      // Writes the bars' labels too. Bars begin at 0, so three digits are enough for the axis.
      style.setYAxisTickLabelsFormattingFunction(Plots::threeDigits);
    }
    turnLongLabels(style, names);
    List<Color> colors = Palette.ofMethods(names);
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      Double halfWidth = halfWidths == null ? null : halfWidths.get(name);
      List<@Nullable Double> value = onlyAt(i, names.size(), values.get(name));
      CategorySeries bar =
          halfWidth == null || halfWidth.isNaN()
              ? chart.addSeries(name, names, value)
              : chart.addSeries(name, names, value, onlyAt(i, names.size(), halfWidth));
      bar.setFillColor(colors.get(i));
    }
    return chart;
  }

  /**
   * Groups of bars: for each task one bar per method, with intervals.
   *
   * @param valueTitle what the bars measure, with its unit
   * @param tasks the groups, from left to right
   * @param values for each method one value per task
   * @param halfWidths for each method half the width of the interval of each value; empty: none
   * @throws IllegalArgumentException if a row has not one number per task
   */
  public static CategoryChart scores(
      String title,
      String valueTitle,
      List<String> tasks,
      Map<String, double[]> values,
      Map<String, double[]> halfWidths) {
    values.forEach((method, row) -> requireLength("scores", method, row, tasks.size(), "tasks"));
    halfWidths.forEach(
        (method, row) -> requireLength("scores", method, row, tasks.size(), "tasks"));
    CategoryChart chart = new CategoryChart(WIDTH, HEIGHT, new PlotTheme());
    label(chart, title, "", valueTitle);
    var style = chart.getStyler();
    style.setXAxisTitleVisible(false);
    style.setAvailableSpaceFill(0.75);
    turnLongLabels(style, tasks);
    List<Color> colors = Palette.ofMethods(List.copyOf(values.keySet()));
    int number = 0;
    for (Map.Entry<String, double[]> method : values.entrySet()) {
      double[] errors = halfWidths.get(method.getKey());
      CategorySeries bars =
          errors == null
              ? chart.addSeries(method.getKey(), tasks, boxed(method.getValue()))
              : chart.addSeries(method.getKey(), tasks, boxed(method.getValue()), boxed(errors));
      bars.setFillColor(colors.get(number++));
    }
    return chart;
  }

  /**
   * Lines over a numeric axis, such as a score over λ or a loss over steps.
   *
   * @param x shared by all lines
   * @param lines by method, one value for each x
   * @throws IllegalArgumentException if a line has another number of values than there are x
   */
  public static XYChart lines(
      String title, String xTitle, String yTitle, double[] x, Map<String, double[]> lines) {
    lines.forEach((method, y) -> requireLength("lines", method, y, x.length, "x values"));
    XYChart chart = xy(title, xTitle, yTitle);
    draw(chart, x, lines, Palette.ofMethods(List.copyOf(lines.keySet())));
    return chart;
  }

  /**
   * A chart as an image.
   *
   * @param scale pixels for each unit of the chart's size; 2 is sharp on dense screens
   */
  public static BufferedImage image(Chart<?, ?> chart, int scale) {
    if (scale < 1) {
      throw new IllegalArgumentException("image: scale must be at least 1, is " + scale);
    }
    BufferedImage image =
        new BufferedImage(
            chart.getWidth() * scale, chart.getHeight() * scale, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    try {
      graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      graphics.setRenderingHint(
          RenderingHints.KEY_FRACTIONALMETRICS, RenderingHints.VALUE_FRACTIONALMETRICS_ON);
      graphics.setRenderingHint(
          RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
      graphics.scale(scale, scale);
      chart.paint(graphics, chart.getWidth(), chart.getHeight());
    } finally {
      graphics.dispose();
    }
    return image;
  }

  /**
   * Charts side by side on white, as one image of twice their size, for a page that tells one
   * story.
   */
  public static BufferedImage beside(Chart<?, ?>... charts) {
    List<BufferedImage> images = new ArrayList<>();
    int width = 0;
    int height = 0;
    for (Chart<?, ?> chart : charts) {
      BufferedImage image = image(chart, 2);
      images.add(image);
      width += image.getWidth();
      height = Math.max(height, image.getHeight());
    }
    if (images.isEmpty()) {
      throw new IllegalArgumentException("beside: needs at least one chart");
    }
    BufferedImage all = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = all.createGraphics();
    try {
      graphics.setColor(Color.WHITE);
      graphics.fillRect(0, 0, width, height);
      int left = 0;
      for (BufferedImage image : images) {
        graphics.drawImage(image, left, (height - image.getHeight()) / 2, null);
        left += image.getWidth();
      }
    } finally {
      graphics.dispose();
    }
    return all;
  }

  /** A chart as a PNG file's bytes; {@code scale} as for {@link #image}. */
  public static byte[] png(Chart<?, ?> chart, int scale) {
    return png(IndexedColors.of(image(chart, scale)));
  }

  static byte[] png(BufferedImage image) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
    try (ImageOutputStream out = ImageIO.createImageOutputStream(bytes)) {
      writer.setOutput(out);
      ImageWriteParam smallest = writer.getDefaultWriteParam();
      smallest.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      smallest.setCompressionQuality(0);
      writer.write(null, new IIOImage(image, null, null), smallest);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  /**
   * A chart as an SVG document. Numbers have two decimals, and names inside do not change from run
   * to run, so that the file is small and its changes can be read.
   */
  public static String svg(Chart<?, ?> chart) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      VectorGraphicsEncoder.saveVectorGraphic(chart, bytes, VectorGraphicsFormat.SVG);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String rounded =
        LONG_NUMBER
            .matcher(bytes.toString(StandardCharsets.UTF_8))
            .replaceAll(number -> rounded(Double.parseDouble(number.group())));
    Map<String, String> names = new LinkedHashMap<>();
    return CLIP_NAME
        .matcher(rounded)
        .replaceAll(
            name ->
                Matcher.quoteReplacement(
                    names.computeIfAbsent(name.group(), n -> "clip" + names.size())));
  }

  /** A chart as a PDF document of one page, for a paper. The same chart gives the same bytes. */
  public static byte[] pdf(Chart<?, ?> chart) {
    // XChart's own encoder for PDF wants another library.
    VectorGraphics2D graphics = new VectorGraphics2D();
    graphics.scale(MILLIMETRES, MILLIMETRES);
    chart.paint(graphics, chart.getWidth(), chart.getHeight());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PageSize page =
        new PageSize(0, 0, MILLIMETRES * chart.getWidth(), MILLIMETRES * chart.getHeight());
    try {
      Processors.get("pdf").getDocument(graphics.getCommands(), page).writeTo(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /**
   * Writes a chart as PDF.
   *
   * @throws UncheckedIOException if the file cannot be written
   */
  public static void savePdf(Chart<?, ?> chart, Path file) {
    write(file, pdf(chart));
  }

  /**
   * Writes a chart as a PNG of twice its size.
   *
   * @throws UncheckedIOException if the file cannot be written
   */
  public static void savePng(Chart<?, ?> chart, Path file) {
    write(file, png(chart, 2));
  }

  /** Writes an image, such as {@link #beside}, as PNG. */
  public static void savePng(BufferedImage image, Path file) {
    write(file, png(image));
  }

  /**
   * Writes a chart as SVG.
   *
   * @throws UncheckedIOException if the file cannot be written
   */
  public static void saveSvg(Chart<?, ?> chart, Path file) {
    write(file, svg(chart).getBytes(StandardCharsets.UTF_8));
  }

  private static void write(Path file, byte[] content) {
    try {
      Path folder = file.toAbsolutePath().getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      Files.write(file, content);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the figure " + file, e);
    }
  }

  private static void draw(
      XYChart chart, double[] x, Map<String, double[]> lines, List<Color> colors) {
    int number = 0;
    for (Map.Entry<String, double[]> entry : lines.entrySet()) {
      XYSeries line = chart.addSeries(entry.getKey(), x, entry.getValue());
      line.setLineColor(colors.get(number));
      line.setMarkerColor(colors.get(number));
      line.setLineStyle(Palette.line(number));
      line.setMarker(x.length > 60 ? SeriesMarkers.NONE : Palette.marker(number));
      number++;
    }
  }

  private static XYChart xy(String title, String xTitle, String yTitle) {
    XYChart chart = new XYChart(WIDTH, HEIGHT, new PlotTheme());
    label(chart, title, xTitle, yTitle);
    chart.getStyler().setXAxisTickMarkSpacingHint(60);
    return chart;
  }

  private static void label(
      AxesChart<? extends AxesChartStyler, ?> chart, String title, String x, String y) {
    chart.setTitle(title);
    chart.setXAxisTitle(x);
    chart.setYAxisTitle(y);
    PlotTheme.apply(chart.getStyler());
  }

  private static void turnLongLabels(AxesChartStyler style, List<String> names) {
    if (areLong(names)) {
      // At a slant XChart centres names below their bars, and which is whose becomes a guess.
      style.setXAxisLabelRotation(90);
      style.setXAxisLabelAlignmentVertical(TextAlignment.Right);
    }
  }

  /** True if names would not fit side by side below their bars. */
  private static boolean areLong(List<String> names) {
    return names.stream().mapToInt(String::length).max().orElse(0) * names.size() > 80;
  }

  private static void requireLength(
      String plot, String series, double[] values, int length, String what) {
    if (values.length != length) {
      throw new IllegalArgumentException(
          "%s: '%s' has %d values, there are %d %s"
              .formatted(plot, series, values.length, length, what));
    }
  }

  private static List<@Nullable Double> onlyAt(int index, int size, @Nullable Double value) {
    List<@Nullable Double> values = new ArrayList<>(Collections.nCopies(size, null));
    values.set(index, value);
    return values;
  }

  private static List<@Nullable Double> boxed(double[] values) {
    List<@Nullable Double> boxed = new ArrayList<>(values.length);
    for (double value : values) {
      boxed.add(Double.isNaN(value) ? null : (Double) value);
    }
    return boxed;
  }

  private static String threeDigits(double value) {
    double magnitude = Math.abs(value);
    if (magnitude >= 1e6 || (magnitude < 1e-4 && magnitude > 0)) {
      return String.format(Locale.ROOT, "%.2e", value);
    }
    BigDecimal rounded =
        magnitude >= 1000
            ? new BigDecimal(Math.rint(value))
            : new BigDecimal(value).round(new MathContext(3));
    return rounded.signum() == 0 ? "0" : rounded.stripTrailingZeros().toPlainString();
  }

  private static String powerOfTen(double value) {
    long exponent = Math.round(Math.log10(value));
    StringBuilder text = new StringBuilder("10");
    for (char digit : Long.toString(exponent).toCharArray()) {
      text.append(digit == '-' ? '⁻' : "⁰¹²³⁴⁵⁶⁷⁸⁹".charAt(digit - '0'));
    }
    return text.toString();
  }

  private static String rounded(double value) {
    double two = Math.round(value * 100) / 100.0;
    return two == Math.rint(two) ? Long.toString((long) two) : Double.toString(two);
  }
}
