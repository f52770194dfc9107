package org.optmerge.report;

import java.awt.image.BufferedImage;
import java.util.Base64;
import java.util.Map;
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
    renderer
        .createRegistration(Table.class)
        .preferring(MIMEType.TEXT_HTML)
        .register(
            (table, context) -> {
              context.getOutputContainer().putText(Tables.text(table));
              context.renderIfRequested(MIMEType.TEXT_HTML, () -> Tables.html(table));
            });
    renderer
        .createRegistration(TableView.class)
        .preferring(MIMEType.TEXT_HTML)
        .register(
            (view, context) -> {
              context.getOutputContainer().putText(view.toString());
              context.renderIfRequested(
                  MIMEType.TEXT_HTML, () -> Tables.html(view.table(), view.format()));
            });
    renderer
        .createRegistration(Card.class)
        .preferring(MIMEType.TEXT_HTML)
        .register(
            (card, context) -> {
              context.getOutputContainer().putText(card.toString());
              context.renderIfRequested(MIMEType.TEXT_HTML, () -> CardHtml.html(card));
            });
    renderer
        .createRegistration(Card.Cards.class)
        .preferring(MIMEType.TEXT_HTML)
        .register(
            (cards, context) -> {
              context.getOutputContainer().putText(cards.toString());
              context.renderIfRequested(MIMEType.TEXT_HTML, () -> CardHtml.html(cards));
            });
    renderer
        .createRegistration(Question.class)
        .preferring(MIMEType.TEXT_HTML)
        .register(
            (example, context) -> {
              Card card = Card.of(example);
              context.getOutputContainer().putText(card.toString());
              context.renderIfRequested(MIMEType.TEXT_HTML, () -> CardHtml.html(card));
            });
    renderer
        .createRegistration(Image.class)
        .preferring(MIMEType.TEXT_HTML)
        .register(
            (image, context) -> {
              context
                  .getOutputContainer()
                  .putText("image: %d × %d".formatted(image.width(), image.height()));
              context.renderIfRequested(MIMEType.TEXT_HTML, () -> CardHtml.html(image));
            });
    renderer
        .createRegistration(Audio.class)
        .preferring(MIMEType.TEXT_HTML)
        .register(
            (audio, context) -> {
              context
                  .getOutputContainer()
                  .putText("sound: %.2f s at %d Hz".formatted(audio.seconds(), audio.sampleRate()));
              context.renderIfRequested(MIMEType.TEXT_HTML, () -> CardHtml.html(audio));
            });
    renderer
        .createRegistration(Video.class)
        .preferring(MIMEType.TEXT_HTML)
        .register(
            (video, context) -> {
              context
                  .getOutputContainer()
                  .putText(
                      "film: %d frames of %d × %d"
                          .formatted(video.frames().size(), video.width(), video.height()));
              context.renderIfRequested(MIMEType.TEXT_HTML, () -> CardHtml.html(video));
            });
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
}
