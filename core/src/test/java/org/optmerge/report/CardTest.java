package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.CapabilityBenchmark;
import org.optmerge.evaluation.ModelEvaluation;
import org.optmerge.evaluation.Predicted;
import org.optmerge.evaluation.Presentation;
import org.optmerge.model.media.Image;

class CardTest {
  private static final Pattern PNG = Pattern.compile("data:image/png;base64,([^\"]+)");

  private static Question example(String question, String answer) {
    byte[] rgb = new byte[3 * 2 * 2];
    rgb[0] = (byte) 255; // the pixel above left is red, the others are black
    return new Question(
        "vqa-3",
        "VQA",
        "color",
        List.of(new Image(2, 2, rgb)),
        question,
        List.of(answer),
        Map.of("heldOut", "true"));
  }

  private static BufferedImage picture(String html) throws IOException {
    Matcher png = PNG.matcher(html);
    assertThat(png.find()).isTrue();
    return ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(png.group(1))));
  }

  @Test
  void it_shows_picture_kind_question_answer_and_what_models_said() throws IOException {
    Card card =
        Card.of(example("is 1 < 2 ?", "yes"))
            .with("Base", "no & yes", 0)
            .with("Merged", "yes", 1)
            .with("Half", "y", 0.5);

    String html = CardHtml.html(card);

    assertThat(html)
        .contains("VQA · color · held out")
        .contains("is 1 &lt; 2?")
        .contains("<b>yes</b>")
        .contains("✗ Base: no &amp; yes")
        .contains("✓ Merged: yes")
        .contains("0.50 Half: y");
    BufferedImage picture = picture(html);
    assertThat(picture.getWidth()).isEqualTo(320);
    assertThat(picture.getRGB(159, 159)).isEqualTo(0xffff0000);
    assertThat(picture.getRGB(160, 159)).isEqualTo(0xff000000);
  }

  @Test
  void its_text_has_all_but_the_picture() {
    assertThat(Card.of(example("what color ?", "red")).with("Base", "blue", 0))
        .hasToString("what color ? → red\n  ✗ Base: blue");
  }

  @Test
  void cards_stand_beside_each_other() {
    Card.Cards cards = Card.rowOf(List.of(example("a ?", "1"), example("b ?", "2")));

    assertThat(CardHtml.html(cards)).contains("flex-wrap", "a?", "b?");
    assertThat(cards).hasToString("a ? → 1\nb ? → 2");
  }

  @Test
  void a_box_is_drawn_and_written_in_numbers() {
    Question grounding =
        CapabilityBenchmark.of("mini:grounding")
            .withPerTask(1)
            .questions()
            .findFirst()
            .orElseThrow();

    String html = CardHtml.html(Card.of(grounding));

    assertThat(html).containsPattern("<b>\\d+, \\d+ to \\d+, \\d+</b>");
  }

  @Test
  void it_finds_a_models_answer_to_its_question() {
    ModelEvaluation result =
        new ModelEvaluation(
            "Expert",
            Presentation.DEFAULT,
            List.of(
                Predicted.of("vqa-13", "blue", List.of("green"), Map.of()).scored(0),
                Predicted.of("vqa-3", "red", List.of("red"), Map.of()).scored(1)));

    assertThat(Card.of(example("what color ?", "red")).with(result))
        .hasToString("what color ? → red\n  ✓ Expert: red");
    assertThatThrownBy(
            () ->
                Card.of(example("what color ?", "red"))
                    .with(new ModelEvaluation("Expert", Presentation.DEFAULT, List.of())))
        .hasMessage("model 'Expert' was not asked the question 'vqa-3'");
  }
}
