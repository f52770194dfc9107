package org.optmerge.benchmark;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.base.Sha256;
import org.optmerge.model.Decoding;
import org.optmerge.model.MultimodalModel;
import org.optmerge.model.Prompt;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;
import org.optmerge.model.media.Media;
import org.optmerge.model.vision.BilinearResize;
import org.optmerge.model.vision.QwenPreprocessing;
import org.optmerge.model.vision.SmartResize;

/**
 * The way in which a kit asks one model the questions of some benchmarks: text, images, decoding.
 *
 * @param model {@code internvl2_5} or {@code qwen2_vl}
 * @param kit as manifests name it
 * @param benchmarks their names
 * @param form what is made of the question
 * @param prefix before it; {@code <image>} stands for the image's tokens
 * @param suffix behind it
 * @param suffixChinese behind a text with Chinese characters; null: the same
 * @param suffixOpen behind a question of a multiple choice without options; null: the same
 * @param suffixOpenChinese behind such a question with Chinese characters; null: the same
 * @param capitalise the first letter large and all others small, as Python's {@code capitalize}
 * @param maxNewTokens after which an answer is cut off
 * @param maxTiles of an image, for models that cut it; else null
 * @param minPixels smaller images are enlarged; null for models that cut images
 * @param maxPixels larger images are shrunk; null for models that cut images
 * @param jpeg true if the kit keeps images as JPEG on their way to the model
 * @param enlargeFirst how many times larger the first image is made, bilinearly
 * @param totalTiles most tiles of all images of a question; null: no such limit
 * @param repetitionPenalty that the kit asks for; null: the model's own
 * @param cutAt words at which the kit cuts an answer off
 */
public record KitPrompt(
    String model,
    String kit,
    List<String> benchmarks,
    Form form,
    String prefix,
    String suffix,
    @Nullable String suffixChinese,
    @Nullable String suffixOpen,
    @Nullable String suffixOpenChinese,
    boolean capitalise,
    int maxNewTokens,
    @Nullable Integer maxTiles,
    @Nullable Long minPixels,
    @Nullable Long maxPixels,
    boolean jpeg,
    int enlargeFirst,
    @Nullable Integer totalTiles,
    @Nullable Double repetitionPenalty,
    List<String> cutAt) {
  private static final String IMAGE = "<image>";
  private static final String LMMS_EVAL = "lmms-eval";
  private static final String INTERNVL = "InternVL";

  /** Limits of the utilities of the Qwen-VL models where nobody sets others. */
  private static final SmartResize WIDEST = new SmartResize(28, 4L * 28 * 28, 16384L * 28 * 28);

  /** Copies the lists. */
  public KitPrompt {
    benchmarks = List.copyOf(benchmarks);
    cutAt = List.copyOf(cutAt);
  }

  /** The text between the prefix and the suffix. */
  public enum Form {
    /** The question. */
    @JsonProperty("question")
    QUESTION,
    /** A hint on a line of its own if there is one, the question, an option a line. */
    @JsonProperty("multiple-choice")
    MULTIPLE_CHOICE,
    /** The same with words that say which is which. */
    @JsonProperty("qwen-multiple-choice")
    LABELLED_MULTIPLE_CHOICE
  }

  /** A question as the model gets it. */
  public Prompt ask(Question question) {
    return ask(List.of(question)).get(0);
  }

  /** Questions as the model gets them; a picture that several share is there once. */
  public List<Prompt> ask(List<Question> questions) {
    Map<Media, Media> first = new IdentityHashMap<>();
    Map<Media, Media> others = enlargeFirst > 1 ? new IdentityHashMap<>() : first;
    return questions.stream().map(question -> ask(question, first, others)).toList();
  }

  private Prompt ask(Question question, Map<Media, Media> first, Map<Media, Media> others) {
    List<Media> media = new ArrayList<>();
    for (Media medium : question.media()) {
      boolean isFirst = media.isEmpty();
      media.add(
          medium instanceof Image image
              ? (isFirst ? first : others).computeIfAbsent(medium, any -> shown(image, isFirst))
              : medium);
    }
    String text = userText(question);
    if (kit.equals(LMMS_EVAL)) {
      text = text.replace(IMAGE, "");
    }
    return new Prompt(media, text, Prompt.Form.CHAT).with(resolution(media.size()));
  }

  private Prompt.Resolution resolution(int images) {
    if (maxTiles != null) {
      Prompt.Resolution each = Prompt.Resolution.tiles(maxTiles);
      return totalTiles == null ? each : each.shared(images, totalTiles);
    }
    return minPixels == null || maxPixels == null
        ? Prompt.Resolution.PUBLISHED
        : Prompt.Resolution.pixels(minPixels, maxPixels);
  }

  private Image shown(Image image, boolean first) {
    Image shown = jpeg ? ImageFiles.throughJpeg(image) : image;
    if (first && enlargeFirst > 1) {
      shown =
          BilinearResize.resize(shown, enlargeFirst * shown.width(), enlargeFirst * shown.height());
    }
    // lmms-eval sets its limits for the processor alone; before it, the utilities of the Qwen-VL
    // models resize with the widest ones.
    return kit.equals(LMMS_EVAL) ? new QwenPreprocessing(WIDEST).resized(shown) : shown;
  }

  /**
   * Decoding as the kit asks for it: the best token each time. InternVL's own scripts have answers
   * of one token at least ({@code min_new_tokens=1}).
   */
  public Decoding decoding(MultimodalModel model) {
    return new Decoding(maxNewTokens)
        .withRepetitionPenalty(
            repetitionPenalty == null ? model.decoding().repetitionPenalty() : repetitionPenalty)
        .withMinNewTokens(kit.equals(INTERNVL) ? 1 : 0);
  }

  /** The same with shorter answers than the kit's, or longer ones. */
  public KitPrompt withMaxNewTokens(int tokens) {
    return new KitPrompt(
        model,
        kit,
        benchmarks,
        form,
        prefix,
        suffix,
        suffixChinese,
        suffixOpen,
        suffixOpenChinese,
        capitalise,
        tokens,
        maxTiles,
        minPixels,
        maxPixels,
        jpeg,
        enlargeFirst,
        totalTiles,
        repetitionPenalty,
        cutAt);
  }

  /** An answer as the kit writes it down. */
  public String written(String answer) {
    String rest = answer;
    for (String end : cutAt) {
      int at = rest.indexOf(end);
      rest = at < 0 ? rest : rest.substring(0, at);
    }
    return rest;
  }

  /** All that answers depend on, for provenance. */
  public String settings() {
    return "%s for %s: %s".formatted(kit, model, Sha256.of(Json.line(this)));
  }

  /** The user's turn: the text that goes into the model's own template. */
  public String userText(Question example) {
    String question = capitalise ? capitalised(example.text()) : example.text();
    String body =
        switch (form) {
          case QUESTION -> question;
          case MULTIPLE_CHOICE -> choices(example, question);
          case LABELLED_MULTIPLE_CHOICE -> labelledChoices(example, question);
        };
    String end = suffix(body, form != Form.QUESTION && options(example).isEmpty());
    int images = example.media().size();
    if (images > 1 && prefix.startsWith(IMAGE)) {
      StringBuilder each = new StringBuilder();
      for (int i = 1; i <= images; i++) {
        each.append("Image-").append(i).append(": ").append(IMAGE).append('\n');
      }
      return each + prefix.substring((IMAGE + "\n").length()) + body + end;
    }
    String text = prefix + body + end;
    return form == Form.LABELLED_MULTIPLE_CHOICE ? text.stripTrailing() : text;
  }

  private String suffix(String body, boolean open) {
    boolean chinese = body.codePoints().anyMatch(c -> c >= 0x4e00 && c <= 0x9fff);
    String special =
        open ? (chinese ? suffixOpenChinese : suffixOpen) : chinese ? suffixChinese : null;
    return special == null ? suffix : special;
  }

  private static String choices(Question example, String question) {
    StringBuilder text = new StringBuilder();
    String hint = example.fields().get("hint");
    if (hint != null) {
      text.append(hint).append('\n');
    }
    text.append(question);
    options(example).forEach(option -> text.append('\n').append(option));
    return text.toString();
  }

  private static String labelledChoices(Question example, String question) {
    StringBuilder text = new StringBuilder();
    String hint = example.fields().get("hint");
    if (hint != null) {
      text.append("Hint: ").append(hint).append('\n');
    }
    text.append("Question: ").append(question).append('\n');
    List<String> options = options(example);
    if (!options.isEmpty()) {
      text.append("Options:\n");
      options.forEach(option -> text.append(option).append('\n'));
    }
    return text.toString();
  }

  private static List<String> options(Question example) {
    return example.fields().entrySet().stream()
        .filter(field -> field.getKey().matches("[A-Z]"))
        .map(field -> field.getKey() + ". " + field.getValue())
        .toList();
  }

  private static String capitalised(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int second = text.offsetByCodePoints(0, 1);
    return text.substring(0, second).toUpperCase(Locale.ROOT)
        + text.substring(second).toLowerCase(Locale.ROOT);
  }
}
