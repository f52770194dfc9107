package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.assertj.core.util.DoubleComparator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.Chart;
import org.optmerge.analysis.MagnitudeHistogram;
import org.optmerge.analysis.TaskVectorStatistics;
import org.optmerge.analysis.TaskVectorStatistics.Expert;
import org.optmerge.analysis.TaskVectorStatistics.Parameter;

class PlotsTest {
  private static final List<String> TASKS = List.of("vqa", "ocr", "chart");

  @Test
  void a_pdf_is_one_page_of_the_charts_size_and_the_same_every_time(@TempDir Path folder)
      throws IOException {
    CategoryChart chart = Plots.methods("Scores", "score (%)", Map.of("tsv", 50.0));

    Plots.savePdf(chart, folder.resolve("figures/scores.pdf"));

    byte[] written = Files.readAllBytes(folder.resolve("figures/scores.pdf"));
    String text = new String(written, StandardCharsets.ISO_8859_1);
    assertThat(text).startsWith("%PDF-").contains("%%EOF");
    assertThat(text.split("/Type /Page\\b", -1)).hasSize(2);
    assertThat(text).containsPattern("/MediaBox \\[0(\\.0)? 0(\\.0)? 720(\\.0+)? 420(\\.0+)?]");
    assertThat(written).isEqualTo(Plots.pdf(chart));
  }

  @Test
  void a_png_has_twice_the_chart_s_size() throws IOException {
    Chart<?, ?> chart = Plots.methods("Score", "score (%)", Map.of("ties-tensor", 54.3));

    BufferedImage image = ImageIO.read(new ByteArrayInputStream(Plots.png(chart, 2)));

    assertThat(image.getWidth()).isEqualTo(2 * chart.getWidth()).isEqualTo(1440);
    assertThat(image.getHeight()).isEqualTo(2 * chart.getHeight()).isEqualTo(840);
  }

  @Test
  void bars_are_drawn_in_their_methods_colours_on_white() {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("weight-average", 40.0);
    values.put("ties-tensor", 50.0);
    values.put("optmerge-lora", 60.0);

    BufferedImage image = Plots.image(Plots.methods("Score", "score (%)", values), 1);

    assertThat(new Color(image.getRGB(1, 1))).isEqualTo(Color.WHITE);
    for (Color colour : Palette.ofMethods(List.copyOf(values.keySet()))) {
      assertThat(pixels(image, colour)).as(colour.toString()).isGreaterThan(2_000);
    }
  }

  @Test
  void bars_with_and_without_an_interval_can_stand_side_by_side() {
    Map<String, Double> values = new LinkedHashMap<>(Map.of("tsv", 50.0));
    values.put("wudi", 55.0);

    BufferedImage without = Plots.image(Plots.methods("Score", "score (%)", values, Map.of()), 1);
    BufferedImage with =
        Plots.image(Plots.methods("Score", "score (%)", values, Map.of("wudi", 4.0)), 1);

    for (Color colour : Palette.ofMethods(List.copyOf(values.keySet()))) {
      assertThat(pixels(without, colour)).isGreaterThan(2_000);
      assertThat(pixels(with, colour)).isGreaterThan(2_000);
    }
    assertThat(pixels(with, Palette.INK)).isGreaterThan(pixels(without, Palette.INK));
  }

  @Test
  void an_expert_s_line_has_its_colour_in_every_figure() {
    List<Color> colours = Palette.ofTasks(TASKS);
    BufferedImage magnitudes = Plots.image(Plots.magnitudes("Magnitudes", histograms()), 2);
    BufferedImage norms =
        Plots.image(
            Plots.normPerLayer(
                "Norms",
                List.of("0", "1", "2"),
                Map.of(
                    "vqa", new double[] {1, 2, 3},
                    "ocr", new double[] {2, 2, 2},
                    "chart", new double[] {3, 1, 2})),
            2);

    for (Color colour : colours) {
      assertThat(pixels(magnitudes, colour)).isGreaterThan(300);
      assertThat(pixels(norms, colour)).isGreaterThan(300);
    }
  }

  @Test
  void statistics_of_checkpoints_are_drawn_with_the_share_of_what_is_unchanged() {
    // Two layers of two entries and one embedding; τ = (3, 4), (0, 0), (0, 2) and (1, 0), (0, 2),
    // (0, 0).
    TaskVectorStatistics statistics =
        new TaskVectorStatistics(
            List.of("vqa", "ocr"),
            List.of(
                parameter("model.layers.0.w", 25, 1, 3),
                parameter("model.layers.1.w", 0, 4, 0),
                parameter("model.embed_tokens.weight", 4, 0, 0)),
            parameter("all", 29, 5, 3),
            List.of(histogram(3, 4, 2), histogram(1, 2)),
            List.of());

    XYChart magnitudes = Plots.magnitudes(statistics);
    XYChart norms = Plots.normPerLayer(statistics);
    HeatMapChart cosines = Plots.cosines(statistics);

    assertThat(magnitudes.getSeries("vqa").getLabel()).isEqualTo("vqa (50.0 % unchanged)");
    assertThat(norms.getSeries("vqa").getYData()).containsExactly(5, 0, 2);
    assertThat(norms.getSeries("ocr").getYData()).containsExactly(1, 2, 0);
    // cos = 3 / (√29 · √5)
    List<Double> values = new ArrayList<>();
    for (Number[] cell : cosines.getHeatMapSeries().getHeatData()) {
      values.add(cell[2].doubleValue());
    }
    assertThat(values)
        .usingComparatorForType(new DoubleComparator(1e-12), Double.class)
        .containsExactly(1.0, 3 / Math.sqrt(145), 3 / Math.sqrt(145), 1.0);
  }

  @Test
  void the_density_over_octaves_adds_up_to_all_changed_entries() {
    XYSeries line =
        Plots.magnitudes("Magnitudes", Map.of("vqa", histogram(1, 1.1, 1.3, 1.6, 1.9, 2.1)))
            .getSeries("vqa");

    // Bins [1, 1.25), [1.25, 1.5), [1.5, 1.75), [1.75, 2), [2, 2.5) hold 2, 1, 1, 1, 1 of 6.
    double[] octaves = {1.25, 1.5 / 1.25, 1.75 / 1.5, 2 / 1.75, 2.5 / 2};
    double sum = 0;
    for (int i = 0; i < octaves.length; i++) {
      sum += line.getYData()[i] * Math.log(octaves[i]) / Math.log(2);
    }
    assertThat(line.getYData()).hasSize(5);
    assertThat(sum).isCloseTo(100, within(1e-9));
    assertThat(line.getXData()[0]).isCloseTo(Math.sqrt(1.25), within(1e-9));
  }

  @Test
  void layers_have_short_names_on_an_axis() {
    assertThat(
            Plots.layerLabels(
                List.of("lm_head.weight", "model.embed_tokens.weight", "model.layers.10")))
        .containsExactly("lm_head", "embed_tokens", "10");
    assertThat(
            Plots.layerLabels(
                List.of("vision_model.encoder.layers.0", "language_model.model.layers.0")))
        .containsExactly("vision 0", "language 0");
  }

  @Test
  void one_tiny_entry_does_not_stretch_the_axis() {
    Map<String, MagnitudeHistogram> experts = histograms();
    int before = Plots.magnitudes("Magnitudes", experts).getSeries("vqa").getXData().length;
    for (int i = 0; i < 20_000; i++) {
      experts.get("vqa").add(0.5f);
    }
    experts.get("vqa").add(1e-30f);

    assertThat(Plots.magnitudes("Magnitudes", experts).getSeries("vqa").getXData().length)
        .isLessThan(before + 60);
  }

  @Test
  void task_vectors_without_a_change_cannot_be_drawn() {
    assertThatThrownBy(() -> Plots.magnitudes("Magnitudes", Map.of("vqa", histogram(0))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the experts [vqa] changed nothing");
  }

  @Test
  void cells_of_the_cosine_matrix_are_light_enough_for_dark_text() {
    double[][] cosines = {{1, 0.8, -0.8}, {0.8, 1, 0}, {-0.8, 0, 1}};

    BufferedImage image = Plots.image(Plots.cosines("Cosines", TASKS, cosines), 1);

    // Every filled area, so all but text and its smooth edges: at least 4.5 to 1 against the ink.
    Map<Integer, Integer> counts = new LinkedHashMap<>();
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        counts.merge(image.getRGB(x, y), 1, Integer::sum);
      }
    }
    List<Color> areas =
        counts.entrySet().stream()
            .filter(entry -> entry.getValue() > 1_500)
            .map(entry -> new Color(entry.getKey()))
            .toList();
    assertThat(areas).hasSizeGreaterThanOrEqualTo(3);
    for (Color area : areas) {
      assertThat(contrast(area, Palette.INK)).as(area.toString()).isGreaterThan(4.5);
    }
  }

  @Test
  void rows_that_do_not_fit_are_refused() {
    assertThatThrownBy(() -> Plots.cosines("Cosines", TASKS, new double[][] {{1}}))
        .hasMessage("cosines: 3 names, but 1 rows");
    assertThatThrownBy(
            () ->
                Plots.normPerLayer(
                    "Norms", List.of("0", "1"), Map.of("vqa", new double[] {1, 2, 3})))
        .hasMessage("normPerLayer: 'vqa' has 3 values, there are 2 layers");
    assertThatThrownBy(
            () ->
                Plots.scores(
                    "Scores", "score (%)", TASKS, Map.of("ties", new double[] {1}), Map.of()))
        .hasMessage("scores: 'ties' has 1 values, there are 3 tasks");
    assertThatThrownBy(
            () ->
                Plots.lines(
                    "Loss", "step", "loss", new double[] {1, 2}, Map.of("wudi", new double[1])))
        .hasMessage("lines: 'wudi' has 1 values, there are 2 x values");
  }

  @Test
  void an_svg_is_well_formed_and_the_same_each_time_with_short_numbers() throws Exception {
    Map<String, double[]> values = Map.of("ties-tensor", new double[] {51.23456, 43.2, 60});
    Map<String, double[]> intervals = Map.of("ties-tensor", new double[] {1, 2, Double.NaN});

    String svg = Plots.svg(Plots.scores("Scores", "score (%)", TASKS, values, intervals));
    String again = Plots.svg(Plots.scores("Scores", "score (%)", TASKS, values, intervals));

    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
    var document =
        factory.newDocumentBuilder().parse(new ByteArrayInputStream(svg.getBytes("UTF-8")));
    assertThat(document.getDocumentElement().getTagName()).isEqualTo("svg");
    assertThat(svg).isEqualTo(again).doesNotContainPattern("\\d\\.\\d{3,}").hasSizeLessThan(80_000);
  }

  @Test
  void charts_can_stand_side_by_side() {
    Chart<?, ?> bars = Plots.methods("Score", "score (%)", Map.of("tsv", 1.0));
    Chart<?, ?> matrix = Plots.cosines("Cosines", List.of("vqa"), new double[][] {{1}});

    BufferedImage image = Plots.beside(bars, matrix);

    assertThat(image.getWidth()).isEqualTo(2 * (bars.getWidth() + matrix.getWidth()));
    assertThat(image.getHeight()).isEqualTo(2 * Math.max(bars.getHeight(), matrix.getHeight()));
    assertThatThrownBy(() -> Plots.beside()).hasMessage("beside: needs at least one chart");
    assertThatThrownBy(() -> Plots.image(bars, 0))
        .hasMessage("image: scale must be at least 1, is 0");
  }

  @Test
  void files_are_written_and_folders_made(@TempDir Path folder) throws IOException {
    Chart<?, ?> chart = Plots.methods("Score", "score (%)", Map.of("tsv", 1.0));

    Plots.savePng(chart, folder.resolve("figures/score.png"));
    Plots.saveSvg(chart, folder.resolve("figures/score.svg"));

    assertThat(folder.resolve("figures/score.png")).hasBinaryContent(Plots.png(chart, 2));
    assertThat(Files.readString(folder.resolve("figures/score.svg"))).isEqualTo(Plots.svg(chart));
    Path file = Files.createFile(folder.resolve("file"));
    assertThatThrownBy(() -> Plots.savePng(chart, file.resolve("score.png")))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("cannot write the figure " + file.resolve("score.png"));
  }

  /** A parameter of two entries with the squared norms and the product of two experts' changes. */
  private static Parameter parameter(String name, double vqa, double ocr, double product) {
    return new Parameter(
        name,
        List.of(2L),
        100,
        List.of(expert(vqa), expert(ocr)),
        List.of(List.of(vqa, product), List.of(product, ocr)),
        1,
        0);
  }

  private static Expert expert(double squaredNorm) {
    return new Expert(6, squaredNorm, 4, Optional.empty(), 3, 0, Optional.empty());
  }

  private static MagnitudeHistogram histogram(double... values) {
    MagnitudeHistogram histogram = new MagnitudeHistogram();
    for (double value : values) {
      histogram.add((float) value);
    }
    return histogram;
  }

  private static Map<String, MagnitudeHistogram> histograms() {
    Random random = new Random(3);
    Map<String, MagnitudeHistogram> experts = new LinkedHashMap<>();
    for (String task : TASKS) {
      MagnitudeHistogram histogram = new MagnitudeHistogram();
      for (int i = 0; i < 2_000; i++) {
        histogram.add((float) (random.nextGaussian() * 1e-3 * (1 + experts.size())));
      }
      experts.put(task, histogram);
    }
    return experts;
  }

  private static long pixels(BufferedImage image, Color colour) {
    long count = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        if ((image.getRGB(x, y) & 0xFFFFFF) == (colour.getRGB() & 0xFFFFFF)) {
          count++;
        }
      }
    }
    return count;
  }

  /** WCAG 2 contrast ratio. */
  private static double contrast(Color light, Color dark) {
    return (luminance(light) + 0.05) / (luminance(dark) + 0.05);
  }

  private static double luminance(Color colour) {
    double[] linear = new double[3];
    float[] parts = colour.getRGBColorComponents(null);
    for (int i = 0; i < 3; i++) {
      linear[i] =
          parts[i] <= 0.04045 ? parts[i] / 12.92 : Math.pow((parts[i] + 0.055) / 1.055, 2.4);
    }
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  }
}
