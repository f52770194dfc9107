package org.optmerge.model;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.Video;

/** A chat template: from a question to the text a model continues, and from tokens to an answer. */
enum ChatTemplate {
  /**
   * InternVL2.5: {@code <image>} in the question stands for the tiles of one picture; if there is
   * none, they come before the question, on a line of their own.
   */
  INTERNVL2_5("<|im_end|>", "<|endoftext|>") {
    @Override
    String media(Segment segment) {
      return "<img>" + segment.tokens("") + "</img>";
    }

    @Override
    String chat(String question, List<Segment> segments) {
      StringBuilder content = new StringBuilder();
      String rest = question;
      if (!question.contains(PLACEHOLDER) && !segments.isEmpty()) {
        rest = PLACEHOLDER + "\n" + question;
      }
      for (Segment segment : segments) {
        int at = rest.indexOf(PLACEHOLDER);
        if (at < 0) {
          throw new ModelException(
              "the question has fewer %s than the %d pictures"
                  .formatted(PLACEHOLDER, segments.size()));
        }
        content.append(rest, 0, at).append(media(segment));
        rest = rest.substring(at + PLACEHOLDER.length());
      }
      return turn(
          "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。",
          content.append(rest).toString());
    }
  },

  /** Qwen2-VL: pictures first, nothing between them and the question. */
  QWEN2_VL("<|im_end|>", "<|endoftext|>") {
    @Override
    String media(Segment segment) {
      return "<|vision_start|>" + segment.tokens("") + "<|vision_end|>";
    }

    @Override
    String chat(String question, List<Segment> segments) {
      return turn("You are a helpful assistant.", completion(question, segments));
    }
  },

  /** The miniature's models: words, and marks around each medium and the question. */
  MINIATURE("<end>") {
    @Override
    String media(Segment segment) {
      String mark =
          segment.kind() == Audio.class ? "aud" : segment.kind() == Video.class ? "vid" : "img";
      return "<%s> %s </%s> ".formatted(mark, segment.tokens(" "), mark);
    }

    @Override
    String chat(String question, List<Segment> segments) {
      return completion("<user> %s <assistant>".formatted(question), segments);
    }
  };

  private static final String PLACEHOLDER = "<image>";

  private final List<String> stops;

  /**
   * The tokens of a medium in a prompt.
   *
   * @param kind of medium
   * @param token as the vocabulary spells it
   * @param count how often it is repeated
   */
  record Segment(Class<? extends Media> kind, String token, int count) {
    String tokens(String between) {
      return String.join(between, Collections.nCopies(count, token));
    }
  }

  /**
   * @param stops tokens that end an answer, the one that is there in any case first
   */
  ChatTemplate(String... stops) {
    this.stops = List.of(stops);
  }

  /**
   * The template of a model.
   *
   * @param named {@code template} of its {@code config.json}; empty if it has none, so that the
   *     vocabulary tells
   * @throws ModelException if the template is not known, or the vocabulary tells of none
   */
  static ChatTemplate of(String named, Tokenizer tokenizer) {
    if (!named.isEmpty()) {
      return Arrays.stream(values())
          .filter(template -> template.key().equals(named))
          .findFirst()
          .orElseThrow(
              () ->
                  new ModelException(
                      "config.json: the chat template is '%s'; known: %s"
                          .formatted(named, keys())));
    }
    if (tokenizer.find("<user>").isPresent() && tokenizer.find("<assistant>").isPresent()) {
      return MINIATURE;
    }
    if (tokenizer.find(InternVL.IMAGE_CONTEXT).isPresent() && tokenizer.find("<img>").isPresent()) {
      return INTERNVL2_5;
    }
    if (tokenizer.find("<|vision_start|>").isPresent()) {
      return QWEN2_VL;
    }
    throw new ModelException(
        "the tokens of the model tell of no chat template; put one as 'template' into its"
            + " config.json: "
            + keys());
  }

  private static String keys() {
    return Arrays.stream(values()).map(ChatTemplate::key).collect(Collectors.joining(", "));
  }

  /** As {@code config.json} has it, such as {@code internvl2_5}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** A medium between its marks. */
  abstract String media(Segment segment);

  /** A user's question, up to where the answer begins. */
  abstract String chat(String question, List<Segment> segments);

  String completion(String text, List<Segment> segments) {
    return segments.stream().map(this::media).collect(Collectors.joining()) + text;
  }

  private static String turn(String system, String content) {
    return "<|im_start|>system\n%s<|im_end|>\n<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n"
        .formatted(system, content);
  }

  /**
   * The text of a prompt.
   *
   * @param segments the tokens of its media, in order
   */
  String prompt(Prompt.Form form, String text, List<Segment> segments) {
    return form == Prompt.Form.CHAT ? chat(text, segments) : completion(text, segments);
  }

  /** What fills an answer that has ended while others go on. */
  long pad(Tokenizer tokenizer) {
    return tokenizer.id(stops.get(0));
  }

  /** The tokens at which decoding ends. */
  Set<Long> stops(Tokenizer tokenizer) {
    return stops.stream()
        .map(tokenizer::find)
        .flatMapToLong(OptionalLong::stream)
        .boxed()
        .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * The answer in new tokens: the text before the first that ends it, without blanks around.
   *
   * @param ends ids of the tokens that end an answer
   */
  String answer(Tokenizer tokenizer, Set<Long> ends, long[] tokens) {
    long[] text = Arrays.stream(tokens).takeWhile(token -> !ends.contains(token)).toArray();
    return tokenizer.text(text).strip();
  }
}
