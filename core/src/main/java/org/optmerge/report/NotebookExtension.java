package org.optmerge.report;

import java.awt.image.BufferedImage;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.dflib.jjava.jupyter.Extension;
import org.dflib.jjava.jupyter.kernel.BaseKernel;
import org.dflib.jjava.jupyter.kernel.display.Renderer;
import org.dflib.jjava.jupyter.kernel.display.mime.MIMEType;
import org.knowm.xchart.internal.chartpart.Chart;
import org.optmerge.benchmark.Question;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Video;
import tech.tablesaw.api.Table;

/**
 * Lets a notebook show a chart, a table, an image or a question of a benchmark that is the last
 * expression of a cell. The kernel finds this class by the service loader; cells need no import for
 * it.
 *
 * <p>Pictures have twice the pixels of their size on the page, so that they are sharp on dense
 * screens. Their text form does not change from run to run, so that a notebook's outputs can be
 * compared.
 */
public final class NotebookExtension implements Extension {
  private static final int SCALE = 2;

  @Override
  public void install(BaseKernel kernel) {
    register(kernel.getRenderer());
  }

  @SuppressWarnings("rawtypes") // XChart's Chart is generic, and a class literal is not
  static void register(Renderer renderer) {
    renderer
        .createRegistration(Chart.class)
        .preferring(MIMEType.IMAGE_PNG)
        .supporting(MIMEType.IMAGE_SVG)
        .register(
            (chart, context) -> {
              var out = context.getOutputContainer();
              out.putText("chart: " + chart.getTitle());
              context.renderIfRequested(
                  MIMEType.IMAGE_PNG,
                  () -> {
                    out.putMetaData(
                        MIMEType.IMAGE_PNG,
                        Map.of("width", chart.getWidth(), "height", chart.getHeight()));
                    return Base64.getEncoder().encodeToString(Plots.png(chart, SCALE));
                  });
              context.renderIfRequested(MIMEType.IMAGE_SVG, () -> Plots.svg(chart));
            });
    html(renderer, Table.class, Tables::text, Tables::html);
    html(
        renderer,
        TableView.class,
        TableView::toString,
        view -> Tables.html(view.table(), view.format()));
    html(renderer, Card.class, Card::toString, CardHtml::html);
    html(renderer, Card.Cards.class, Card.Cards::toString, CardHtml::html);
    html(
        renderer,
        Question.class,
        example -> Card.of(example).toString(),
        example -> CardHtml.html(Card.of(example)));
    html(
        renderer,
        Image.class,
        image -> "image: %d × %d".formatted(image.width(), image.height()),
        CardHtml::html);
    html(
        renderer,
        Audio.class,
        audio ->
            String.format(
                Locale.ROOT, "sound: %.2f s at %d Hz", audio.seconds(), audio.sampleRate()),
        CardHtml::html);
    html(
        renderer,
        Video.class,
        video ->
            "film: %d frames of %d × %d"
                .formatted(video.frames().size(), video.width(), video.height()),
        CardHtml::html);
    renderer
        .createRegistration(BufferedImage.class)
        .preferring(MIMEType.IMAGE_PNG)
        .register(
            (image, context) -> {
              var out = context.getOutputContainer();
              out.putText("image: %d × %d".formatted(image.getWidth(), image.getHeight()));
              context.renderIfRequested(
                  MIMEType.IMAGE_PNG, () -> Base64.getEncoder().encodeToString(Plots.png(image)));
            });
  }

  private static <T> void html(
      Renderer renderer, Class<T> type, Function<T, String> text, Function<T, String> html) {
    renderer
        .createRegistration(type)
        .preferring(MIMEType.TEXT_HTML)
        .register(
            (value, context) -> {
              context.getOutputContainer().putText(text.apply(value));
              context.renderIfRequested(MIMEType.TEXT_HTML, () -> html.apply(value));
            });
  }
}
