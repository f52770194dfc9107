package org.optmerge.model;

import java.util.ArrayList;
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

/**
 * A chat template: from a question, perhaps after earlier turns, to the text a model continues, and
 * from tokens to an answer. Texts are those of the published code; what surrounds media follows
 * from the family.
 */
enum ChatTemplate {
  /** InternVL2.5 and InternVL3. */
  INTERNVL2_5(
      "internvl2_5",
      Marks.im("你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。", "<|im_end|>\n"),
      "<|im_end|>",
      "<|endoftext|>"),

  /** InternVL 1.5 and 2 with an InternLM2. */
  INTERNLM2_CHAT(
      "internlm2-chat", Marks.im(Marks.FIRST_INTERNVL, "<|im_end|>"), "<|im_end|>", "</s>"),

  /** InternVL2 with a Qwen2. */
  HERMES_2("Hermes-2", Marks.im(Marks.FIRST_INTERNVL, "<|im_end|>"), "<|im_end|>", "<|endoftext|>"),

  /** Qwen2-VL and Qwen2.5-VL: pictures first, nothing between them and the question. */
  QWEN2_VL(
      "qwen2_vl",
      Marks.im("You are a helpful assistant.", "<|im_end|>\n"),
      "<|im_end|>",
      "<|endoftext|>") {
    @Override
    String media(Segment segment) {
      return "<|vision_start|>" + segment.tokens("") + "<|vision_end|>";
    }

    @Override
    String before(String question, List<Segment> segments) {
      return placeholders(segments, "") + question;
    }
  },

  /** LLaVA-1.5 as its own code asks it, and Vicuna. */
  VICUNA_V1(
      "vicuna_v1",
      new Marks(
          "A chat between a curious user and an artificial intelligence assistant. The assistant"
              + " gives helpful, detailed, and polite answers to the user's questions. ",
          "USER: ",
          " ASSISTANT:",
          " ",
          "</s>"),
      "</s>") {
    @Override
    String media(Segment segment) {
      return segment.tokens("");
    }

    @Override
    String before(String question, List<Segment> segments) {
      return placeholders(segments, "\n") + question;
    }
  },

  /** LLaVA-1.5 as Hugging Face's processor asks it. */
  LLAVA("llava", new Marks("", "USER: ", " ASSISTANT:", " ", " "), "</s>") {
    @Override
    String media(Segment segment) {
      return segment.tokens("");
    }

    @Override
    String before(String question, List<Segment> segments) {
      return placeholders(segments, "\n") + question;
    }
  },

  /** The miniature's models: words, and marks around each medium and the question. */
  MINIATURE("miniature", new Marks("", "<user> ", " <assistant>", " ", " "), "<end>") {
    @Override
    String media(Segment segment) {
      String mark =
          segment.kind() == Audio.class ? "aud" : segment.kind() == Video.class ? "vid" : "img";
      return "<%s> %s </%s> ".formatted(mark, segment.tokens(" "), mark);
    }

    @Override
    String before(String question, List<Segment> segments) {
      return question;
    }

    @Override
    String prompt(Prompt.Form form, String text, List<Segment> segments, List<Prompt.Turn> turns) {
      if (!turns.isEmpty()) {
        throw new ModelException("the miniature's models know no earlier turns");
      }
      String question = form == Prompt.Form.CHAT ? chat(text, List.of()) : text;
      return segments.stream().map(this::media).collect(Collectors.joining()) + question;
    }
  };

  private final String key;
  private final Marks marks;
  private final List<String> stops;

  /**
   * The texts of a conversation.
   *
   * @param beginning of all, with the system's turn
   * @param user begins a question
   * @param assistant ends a question, up to where the answer begins
   * @param lead what an earlier answer begins with
   * @param end what follows an earlier answer
   */
  private record Marks(String beginning, String user, String assistant, String lead, String end) {
    static final String FIRST_INTERNVL =
        "你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型，英文名叫InternVL, 是一个有用无害的人工智能助手。";

    /**
     * @param separator ends each turn
     */
    static Marks im(String system, String separator) {
      return new Marks(
          "<|im_start|>system\n" + system + separator,
          "<|im_start|>user\n",
          separator + "<|im_start|>assistant\n",
          "",
          separator);
    }
  }

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

    /** Where it stands in a question. */
    String placeholder() {
      return kind == Audio.class ? "<audio>" : kind == Video.class ? "<video>" : "<image>";
    }
  }

  /**
   * @param key as {@code config.json} has it
   * @param stops tokens that end an answer, the one that is there in any case first
   */
  ChatTemplate(String key, Marks marks, String... stops) {
    this.key = key;
    this.marks = marks;
    this.stops = List.of(stops);
  }

  /**
   * The template of a name, as {@code config.json} has it.
   *
   * @throws ModelException if there is none
   */
  static ChatTemplate named(String name) {
    return Arrays.stream(values())
        .filter(template -> plain(template.key).equals(plain(name)))
        .findFirst()
        .orElseThrow(
            () ->
                new ModelException(
                    "config.json: the chat template is '%s'; known: %s".formatted(name, keys())));
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replace('-', '_');
  }

  /**
   * The template that a vocabulary tells of.
   *
   * @throws ModelException if it tells of none
   */
  static ChatTemplate of(Tokenizer tokenizer) {
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

  /** The names of all. */
  static String keys() {
    return Arrays.stream(values()).map(ChatTemplate::key).collect(Collectors.joining(", "));
  }

  /** As {@code config.json} has it, such as {@code internvl2_5}. */
  public String key() {
    return key;
  }

  /** A medium between its marks; those of InternVL, unless a template has its own. */
  String media(Segment segment) {
    return "<img>" + segment.tokens("") + "</img>";
  }

  /**
   * A question that says nothing of its media, with placeholders where they stand; numbered ones as
   * InternVL's, unless a template has its own.
   */
  String before(String question, List<Segment> segments) {
    return numbered(question, segments);
  }

  private static String placeholders(List<Segment> segments, String end) {
    return segments.stream()
        .map(segment -> segment.placeholder() + end)
        .collect(Collectors.joining());
  }

  /** One picture on a line of its own, several with their numbers, as InternVL's page has it. */
  private static String numbered(String question, List<Segment> segments) {
    if (segments.size() == 1) {
      return placeholders(segments, "\n") + question;
    }
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < segments.size(); i++) {
      lines.append("Image-").append(i + 1).append(": ").append(segments.get(i).placeholder());
      lines.append('\n');
    }
    return lines + question;
  }

  /** A user's question after earlier turns, up to where the answer begins. */
  final String chat(String question, List<Prompt.Turn> earlier) {
    StringBuilder text = new StringBuilder(marks.beginning);
    for (Prompt.Turn turn : earlier) {
      text.append(marks.user).append(turn.question()).append(marks.assistant);
      text.append(marks.lead).append(turn.answer()).append(marks.end);
    }
    return text.append(marks.user).append(question).append(marks.assistant).toString();
  }

  /** The text of a prompt of one turn. */
  final String prompt(Prompt.Form form, String text, List<Segment> segments) {
    return prompt(form, text, segments, List.of());
  }

  /**
   * The text of a prompt.
   *
   * @param segments the tokens of its media, in order
   * @param earlier turns before this one
   * @throws ModelException if the questions say where media stand, but not for each of them
   */
  String prompt(Prompt.Form form, String text, List<Segment> segments, List<Prompt.Turn> earlier) {
    List<String> questions = new ArrayList<>();
    earlier.forEach(turn -> questions.add(turn.question()));
    questions.add(text);
    boolean placed =
        segments.stream()
            .map(Segment::placeholder)
            .anyMatch(place -> questions.stream().anyMatch(question -> question.contains(place)));
    if (!placed && !segments.isEmpty()) {
      String first = questions.get(0);
      questions.set(
          0,
          form == Prompt.Form.COMPLETION
              ? placeholders(segments, "") + first
              : before(first, segments));
    }
    List<String> asked = filled(questions, segments);
    String last = asked.get(earlier.size());
    if (form == Prompt.Form.COMPLETION) {
      return last;
    }
    List<Prompt.Turn> turns = new ArrayList<>();
    for (int i = 0; i < earlier.size(); i++) {
      turns.add(new Prompt.Turn(asked.get(i), earlier.get(i).answer()));
    }
    return chat(last, turns);
  }

  /** The first placeholders by the media's tokens, in order; more of them are text. */
  private List<String> filled(List<String> questions, List<Segment> segments) {
    List<String> filled = new ArrayList<>();
    int next = 0;
    for (String question : questions) {
      StringBuilder content = new StringBuilder();
      String rest = question;
      while (next < segments.size() && rest.contains(segments.get(next).placeholder())) {
        Segment segment = segments.get(next++);
        String placeholder = segment.placeholder();
        int at = rest.indexOf(placeholder);
        content.append(rest, 0, at).append(media(segment));
        rest = rest.substring(at + placeholder.length());
      }
      filled.add(content.append(rest).toString());
    }
    if (next < segments.size()) {
      throw new ModelException(
          "the questions have a place for %d of %d media; %s is missing"
              .formatted(next, segments.size(), segments.get(next).placeholder()));
    }
    return filled;
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
