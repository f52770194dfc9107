package org.optmerge.report;

import java.awt.image.BufferedImage;
import java.util.Base64;
import java.util.Optional;
import java.util.stream.Collectors;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.PixelBox;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.AudioFiles;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.Video;
import org.optmerge.model.media.VideoFiles;

/** Cards as HTML that needs no other file: pictures and sounds are in it. */
final class CardHtml {
  /** Of a picture on the page; its file has twice as many pixels. */
  private static final int SIDE = 160;

  private CardHtml() {}

  static String html(Card.Cards cards) {
    return cards.cards().stream()
        .map(CardHtml::html)
        .collect(
            Collectors.joining(
                "\n", "<div style=\"display:flex;flex-wrap:wrap;gap:14px\">\n", "\n</div>"));
  }

  static String html(Card card) {
    Question example = card.question();
    String answer = String.join(" / ", example.answers());
    Optional<PixelBox> box = PixelBox.ofAnswer(answer);
    StringBuilder html = new StringBuilder();
    html.append("<div style=\"width:%dpx;line-height:1.35\">".formatted(SIDE + 8));
    for (Media media : example.media()) {
      html.append(media(media, box)).append("<br/>");
    }
    html.append("<small>%s</small><br/>".formatted(Tables.escapeHtml(kind(example))));
    html.append(Tables.escapeHtml(example.text().replace(" ?", "?"))).append("<br/>");
    html.append("<b>%s</b>".formatted(Tables.escapeHtml(shown(answer))));
    for (Card.Answer given : card.answers()) {
      html.append("<br/>")
          .append(
              Tables.escapeHtml(
                  new Card.Answer(given.model(), shown(given.text()), given.score()).toString()));
    }
    return html.append("</div>").toString();
  }

  private static String kind(Question example) {
    boolean heldOut = "true".equals(example.fields().get("heldOut"));
    return example.group()
        + (example.type().isEmpty() ? "" : " · " + example.type())
        + (heldOut ? " · held out" : "");
  }

  /** A box of the miniature is four tokens; its numbers are easier to read. */
  static String shown(String answer) {
    return PixelBox.ofAnswer(answer)
        .map(b -> "%d, %d to %d, %d".formatted(b.left(), b.top(), b.right(), b.bottom()))
        .orElse(answer);
  }

  private static String media(Media media, Optional<PixelBox> box) {
    if (media instanceof Image image) {
      return image(Pictures.of(image, box, 2 * SIDE), SIDE);
    }
    return media instanceof Audio audio ? audio(audio) : video((Video) media);
  }

  /** A spectrogram of a sound, and a player. */
  private static String audio(Audio audio) {
    return image(Pictures.of(Spectrogram.of(audio), Optional.empty(), 2 * SIDE), SIDE)
        + "<br/><audio controls style=\"width:%dpx;height:32px\" src=\"data:audio/wav;base64,%s\"></audio>"
            .formatted(SIDE, Base64.getEncoder().encodeToString(AudioFiles.wav(audio)));
  }

  /** A film that repeats, four frames a second. */
  private static String video(Video video) {
    return "<img width=\"%d\" style=\"image-rendering:pixelated\" alt=\"\" src=\"data:image/gif;base64,%s\"/>"
        .formatted(SIDE, Base64.getEncoder().encodeToString(VideoFiles.gif(video, 250)));
  }

  static String html(Media media) {
    return media(media, Optional.empty());
  }

  /** A picture at a width on the page. */
  static String image(BufferedImage picture, int width) {
    return "<img width=\"%d\" alt=\"\" src=\"data:image/png;base64,%s\"/>"
        .formatted(width, Base64.getEncoder().encodeToString(Plots.png(picture)));
  }
}
