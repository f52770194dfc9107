package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import javax.imageio.ImageIO;
import org.dflib.jjava.jupyter.Extension;
import org.dflib.jjava.jupyter.kernel.display.DisplayData;
import org.dflib.jjava.jupyter.kernel.display.Renderer;
import org.dflib.jjava.jupyter.kernel.display.mime.MIMEType;
import org.junit.jupiter.api.Test;
import org.knowm.xchart.CategoryChart;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.CapabilityBenchmark;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.stage.StageMedia;
import org.optmerge.benchmark.mini.stage.StageScene;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.Table;

class NotebookExtensionTest {
  private static Renderer renderer() {
    Renderer renderer = new Renderer();
    NotebookExtension.register(renderer);
    return renderer;
  }

  @Test
  void the_kernel_finds_it() {
    assertThat(ServiceLoader.load(Extension.class))
        .hasAtLeastOneElementOfType(NotebookExtension.class);
  }

  @Test
  void a_chart_is_shown_as_a_png_of_twice_its_size_and_a_text_that_stays_the_same()
      throws IOException {
    CategoryChart chart = Plots.methods("Scores", "score (%)", Map.of("tsv", 50.0));

    DisplayData shown = renderer().render(chart);

    assertThat(shown.getData(MIMEType.TEXT_PLAIN)).isEqualTo("chart: Scores");
    BufferedImage image = image(shown);
    assertThat(image.getWidth()).isEqualTo(2 * chart.getWidth());
    assertThat(image.getHeight()).isEqualTo(2 * chart.getHeight());
    assertThat(shown.hasDataForType(MIMEType.IMAGE_SVG)).isFalse();
  }

  @Test
  void a_chart_is_shown_as_svg_when_that_is_asked_for() {
    CategoryChart chart = Plots.methods("Scores", "score (%)", Map.of("tsv", 50.0));

    DisplayData shown = renderer().renderAs(chart, "image/svg+xml");

    assertThat((String) shown.getData(MIMEType.IMAGE_SVG)).isEqualTo(Plots.svg(chart));
  }

  @Test
  void a_table_is_shown_as_html_and_as_text() {
    Table table = Table.create("t", DoubleColumn.create("x", 1.5));

    DisplayData shown = renderer().render(table);

    assertThat(shown.getData(MIMEType.TEXT_HTML)).isEqualTo(Tables.html(table));
    assertThat(shown.getData(MIMEType.TEXT_PLAIN)).isEqualTo(Tables.text(table));
  }

  @Test
  void a_table_with_a_format_is_shown_in_it() {
    Table table = Table.create("t", DoubleColumn.create("x", 1.52, 3.0));

    DisplayData shown = renderer().render(Tables.percent(table, "x"));

    assertThat((String) shown.getData(MIMEType.TEXT_HTML)).contains("1.5<", "<b>3.0</b>");
    assertThat((String) shown.getData(MIMEType.TEXT_PLAIN)).contains("1.5", "3.0*");
  }

  @Test
  void a_question_is_shown_as_a_card() {
    Question example =
        CapabilityBenchmark.of("mini:vqa").withPerTask(1).questions().findFirst().orElseThrow();

    DisplayData shown = renderer().render(example);

    assertThat(shown.getData(MIMEType.TEXT_HTML)).isEqualTo(CardHtml.html(Card.of(example)));
    assertThat(renderer().render(Card.of(example)).getData(MIMEType.TEXT_HTML))
        .isEqualTo(shown.getData(MIMEType.TEXT_HTML));
    assertThat((String) renderer().render(example.media().get(0)).getData(MIMEType.TEXT_HTML))
        .contains("data:image/png");
    assertThat((String) renderer().render(Card.rowOf(List.of(example))).getData(MIMEType.TEXT_HTML))
        .contains(CardHtml.html(Card.of(example)));
  }

  @Test
  void a_sound_has_a_player_and_a_film_moves() {
    StageScene scene = StageScene.draw(1, MiniSplit.TEST, 0);

    DisplayData sound = renderer().render(StageMedia.sound(scene));
    DisplayData film = renderer().render(StageMedia.film(scene));

    assertThat(sound.getData(MIMEType.TEXT_PLAIN)).isEqualTo("sound: 0.98 s at 16000 Hz");
    assertThat((String) sound.getData(MIMEType.TEXT_HTML)).contains("<audio controls");
    assertThat(film.getData(MIMEType.TEXT_PLAIN)).isEqualTo("film: 4 frames of 48 × 48");
    assertThat((String) film.getData(MIMEType.TEXT_HTML)).contains("data:image/gif");
  }

  @Test
  void an_image_is_shown_as_it_is() throws IOException {
    DisplayData shown = renderer().render(new BufferedImage(3, 2, BufferedImage.TYPE_INT_RGB));

    assertThat(shown.getData(MIMEType.TEXT_PLAIN)).isEqualTo("image: 3 × 2");
    assertThat(image(shown).getWidth()).isEqualTo(3);
  }

  private static BufferedImage image(DisplayData shown) throws IOException {
    byte[] png = Base64.getDecoder().decode((String) shown.getData(MIMEType.IMAGE_PNG));
    return ImageIO.read(new ByteArrayInputStream(png));
  }
}
