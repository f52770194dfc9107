package org.optmerge.benchmark;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;

/**
 * The prompts of each evaluation kit for each model: the text around a question, the length of an
 * answer and the pixels of an image. The texts are facts of the kits, in {@code prompts.json}.
 */
public final class Prompts {
  /** The placeholder of an image. */
  static final String IMAGE = "<image>";

  private Prompts() {}

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

  /**
   * The prompt of a kit for one model and some benchmarks.
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
   */
  public record Prompt(
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
      @Nullable Long maxPixels) {
    public Prompt {
      benchmarks = List.copyOf(benchmarks);
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

  /** All prompts. */
  public static List<Prompt> all() {
    try (InputStream in = Prompts.class.getResourceAsStream("prompts.json")) {
      if (in == null) {
        throw new IllegalStateException("prompts.json is not on the class path");
      }
      return Json.snakeCase().readValue(in, new TypeReference<List<Prompt>>() {});
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The prompt of a model for the questions of a benchmark.
   *
   * @param model {@code internvl2_5} or {@code qwen2_vl}
   * @param benchmark its name, which tells the kit
   * @return empty if the paper does not ask this model these questions
   */
  public static Optional<Prompt> find(String model, String benchmark) {
    return all().stream()
        .filter(prompt -> prompt.model().equals(model) && prompt.benchmarks().contains(benchmark))
        .findFirst();
  }
}
