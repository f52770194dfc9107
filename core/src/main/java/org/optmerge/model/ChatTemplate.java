package org.optmerge.model;

import java.util.List;

/** How a question becomes the text a model was trained to continue. */
public enum ChatTemplate {
  /**
   * InternVL2.5: {@code <image>} in the question stands for the tiles of one picture; if there is
   * none, they come before the question, on a line of their own.
   */
  INTERNVL2_5(
      "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。",
      "<img>",
      "<IMG_CONTEXT>",
      "</img>") {
    @Override
    String content(String question, List<Integer> tokens) {
      StringBuilder content = new StringBuilder();
      String rest = question;
      if (!question.contains(PLACEHOLDER) && !tokens.isEmpty()) {
        rest = PLACEHOLDER + "\n" + question;
      }
      for (int count : tokens) {
        int at = rest.indexOf(PLACEHOLDER);
        if (at < 0) {
          throw new ModelException(
              "the question has fewer %s than the %d pictures"
                  .formatted(PLACEHOLDER, tokens.size()));
        }
        content.append(rest, 0, at).append(media(count));
        rest = rest.substring(at + PLACEHOLDER.length());
      }
      return content.append(rest).toString();
    }
  },

  /** Qwen2-VL: pictures first, nothing between them and the question. */
  QWEN2_VL("You are a helpful assistant.", "<|vision_start|>", "<|image_pad|>", "<|vision_end|>") {
    @Override
    String content(String question, List<Integer> tokens) {
      StringBuilder content = new StringBuilder();
      tokens.forEach(count -> content.append(media(count)));
      return content.append(question).toString();
    }
  };

  private static final String PLACEHOLDER = "<image>";

  /** The token that ends a turn, and an answer. */
  public static final String STOP = "<|im_end|>";

  private final String system;
  private final String before;
  private final String token;
  private final String after;

  ChatTemplate(String system, String before, String token, String after) {
    this.system = system;
    this.before = before;
    this.token = token;
    this.after = after;
  }

  /** The message that a conversation begins with. */
  public String system() {
    return system;
  }

  abstract String content(String question, List<Integer> tokens);

  String media(int count) {
    return before + token.repeat(count) + after;
  }

  /**
   * The prompt for one question.
   *
   * @param question as an evaluation kit asks it
   * @param tokens how many tokens each picture takes, in order
   */
  public String prompt(String question, List<Integer> tokens) {
    return "<|im_start|>system\n%s<|im_end|>\n<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n"
        .formatted(system, content(question, tokens));
  }

  /** The answer in decoded text: what comes before the end of the turn, without blanks around. */
  public static String answer(String decoded) {
    int end = decoded.indexOf(STOP);
    return (end < 0 ? decoded : decoded.substring(0, end)).strip();
  }
}
