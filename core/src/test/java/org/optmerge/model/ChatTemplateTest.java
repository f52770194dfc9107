package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.model.ChatTemplate.Segment;
import org.optmerge.model.Prompt.Form;
import org.optmerge.model.Prompt.Turn;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Video;

/** Texts of prompts, letter by letter as the published code writes them. */
class ChatTemplateTest {
  private static final String NEW =
      "<|im_start|>system\n你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。<|im_end|>\n";
  private static final String OLD =
      "<|im_start|>system\n你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型，英文名叫InternVL, 是一个有用无害的人工智能助手。<|im_end|>";
  private static final String QWEN = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n";
  private static final String VICUNA =
      "A chat between a curious user and an artificial intelligence assistant. The assistant gives"
          + " helpful, detailed, and polite answers to the user's questions. ";

  /** The published template of Qwen2-VL and Qwen2.5-VL, in chat_template.json. */
  private static final String QWEN_JINJA =
      "{% set image_count = namespace(value=0) %}{% set video_count = namespace(value=0) %}{% for"
          + " message in messages %}{% if loop.first and message['role'] != 'system'"
          + " %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif"
          + " %}<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}{{"
          + " message['content'] }}<|im_end|>\n{% else %}{% for content in message['content'] %}{%"
          + " if content['type'] == 'image' or 'image' in content or 'image_url' in content %}{%"
          + " set image_count.value = image_count.value + 1 %}{% if add_vision_id %}Picture {{"
          + " image_count.value }}: {% endif %}<|vision_start|><|image_pad|><|vision_end|>{% elif"
          + " content['type'] == 'video' or 'video' in content %}{% set video_count.value ="
          + " video_count.value + 1 %}{% if add_vision_id %}Video {{ video_count.value }}: {% endif"
          + " %}<|vision_start|><|video_pad|><|vision_end|>{% elif 'text' in content %}{{"
          + " content['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endif %}{% endfor %}{% if"
          + " add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

  /** The published template of llava-hf. */
  private static final String LLAVA_JINJA =
      "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper()"
          + " + ': '}}{% endif %}{# Render all images first #}{% for content in message['content']"
          + " | selectattr('type', 'equalto', 'image') %}{{ '<image>\\n"
          + "' }}{% endfor %}{# Render all text next #}{% if message['role'] != 'assistant' %}{%"
          + " for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{"
          + " content['text'] + ' '}}{% endfor %}{% else %}{% for content in message['content'] |"
          + " selectattr('type', 'equalto', 'text') %}{% generation %}{{ content['text'] + ' '}}{%"
          + " endgeneration %}{% endfor %}{% endif %}{% endfor %}{% if add_generation_prompt %}{{"
          + " 'ASSISTANT:' }}{% endif %}";

  @TempDir Path folder;

  private static List<Segment> images(int count) {
    return Collections.nCopies(count, new Segment(Image.class, "X", 2));
  }

  private static Arguments text(
      ChatTemplate template, String question, int images, String expected, Turn... earlier) {
    return Arguments.of(template, question, images, expected, List.of(earlier));
  }

  static Stream<Arguments> texts() {
    String i = "<img>XX</img>";
    String q = "<|vision_start|>XX<|vision_end|>";
    Turn turn = new Turn("a?", "b.");
    return Stream.of(
        text(
            ChatTemplate.INTERNVL2_5,
            "q",
            1,
            NEW + "<|im_start|>user\n" + i + "\nq<|im_end|>\n<|im_start|>assistant\n"),
        text(
            ChatTemplate.INTERNVL2_5,
            "q",
            0,
            NEW + "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n"),
        text(
            ChatTemplate.INTERNVL2_5,
            "q",
            2,
            NEW
                + "<|im_start|>user\nImage-1: %s\nImage-2: %s\nq<|im_end|>\n<|im_start|>assistant\n"
                    .formatted(i, i)),
        text(
            ChatTemplate.INTERNVL2_5,
            "is <image> or <image> left of <image>?",
            2,
            NEW
                + "<|im_start|>user\nis %s or %s left of <image>?<|im_end|>\n<|im_start|>assistant\n"
                    .formatted(i, i)),
        text(
            ChatTemplate.INTERNVL2_5,
            "q",
            1,
            NEW
                + "<|im_start|>user\n%s\na?<|im_end|>\n<|im_start|>assistant\nb.<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n"
                    .formatted(i),
            turn),
        text(
            ChatTemplate.INTERNLM2_CHAT,
            "q",
            1,
            OLD
                + "<|im_start|>user\n%s\na?<|im_end|><|im_start|>assistant\nb.<|im_end|><|im_start|>user\nq<|im_end|><|im_start|>assistant\n"
                    .formatted(i),
            turn),
        text(
            ChatTemplate.HERMES_2,
            "q",
            1,
            OLD + "<|im_start|>user\n" + i + "\nq<|im_end|><|im_start|>assistant\n"),
        text(
            ChatTemplate.QWEN2_VL,
            "q",
            2,
            QWEN + "<|im_start|>user\n" + q + q + "q<|im_end|>\n<|im_start|>assistant\n"),
        text(
            ChatTemplate.QWEN2_VL,
            "a <image> b <image> c",
            2,
            QWEN
                + "<|im_start|>user\na %s b %s c<|im_end|>\n<|im_start|>assistant\n"
                    .formatted(q, q)),
        text(
            ChatTemplate.QWEN2_VL,
            "and <image>?",
            2,
            QWEN
                + "<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\nb <image>.<|im_end|>\n<|im_start|>user\nand %s?<|im_end|>\n<|im_start|>assistant\n"
                    .formatted(q, q),
            new Turn("<image>", "b <image>.")),
        text(ChatTemplate.VICUNA_V1, "q", 1, VICUNA + "USER: XX\nq ASSISTANT:"),
        text(
            ChatTemplate.VICUNA_V1,
            "q",
            1,
            VICUNA + "USER: XX\na? ASSISTANT: b.</s>USER: q ASSISTANT:",
            turn),
        text(ChatTemplate.LLAVA, "q", 2, "USER: XX\nXX\nq ASSISTANT:"),
        text(ChatTemplate.LLAVA, "q", 1, "USER: XX\na? ASSISTANT: b. USER: q ASSISTANT:", turn));
  }

  @ParameterizedTest
  @MethodSource("texts")
  void is_as_published(
      ChatTemplate template, String question, int images, String expected, List<Turn> earlier) {
    assertThat(template.prompt(Form.CHAT, question, images(images), earlier)).isEqualTo(expected);
  }

  @Test
  void a_text_to_go_on_with_has_its_media_first_or_where_it_says() {
    for (ChatTemplate template : ChatTemplate.values()) {
      String medium = template.media(images(1).get(0));
      assertThat(template.prompt(Form.COMPLETION, "so", images(2)))
          .isEqualTo(medium + medium + "so");
    }
    assertThat(ChatTemplate.LLAVA.prompt(Form.COMPLETION, "so <image> is", images(1)))
        .isEqualTo("so XX is");
    assertThatThrownBy(
            () ->
                new Prompt(
                    List.of(),
                    "so",
                    Form.COMPLETION,
                    Prompt.Resolution.PUBLISHED,
                    List.of(new Turn("a", "b"))))
        .hasMessageContaining("no earlier turns");
  }

  @Test
  void media_stand_in_their_order() {
    Segment image = images(1).get(0);
    Segment video = new Segment(Video.class, "V", 1);
    assertThat(
            ChatTemplate.QWEN2_VL.prompt(
                Form.COMPLETION, "<video> and <image>", List.of(video, image)))
        .isEqualTo("<|vision_start|>V<|vision_end|> and <|vision_start|>XX<|vision_end|>");
    assertThatThrownBy(
            () ->
                ChatTemplate.QWEN2_VL.prompt(
                    Form.CHAT, "<video> and <image>", List.of(image, video)))
        .hasMessage("the questions have a place for 1 of 2 media; <video> is missing");
  }

  private ChatTemplate chosen(Map<String, String> files) throws IOException {
    for (Map.Entry<String, String> file : files.entrySet()) {
      Files.writeString(folder.resolve(file.getKey()), file.getValue());
    }
    return ChatFiles.read(folder).choose(ChatTemplate.MINIATURE);
  }

  private static String json(String template) {
    return new ObjectMapper().createObjectNode().put("chat_template", template).toString();
  }

  @Test
  void a_folder_tells_which_it_is() throws IOException {
    assertThat(ChatFiles.read(null).choose(ChatTemplate.LLAVA)).isEqualTo(ChatTemplate.LLAVA);
    assertThat(chosen(Map.of("config.json", "{}"))).isEqualTo(ChatTemplate.MINIATURE);
    assertThat(chosen(Map.of("tokenizer_config.json", json(QWEN_JINJA))))
        .isEqualTo(ChatTemplate.QWEN2_VL);
    assertThat(chosen(Map.of("chat_template.json", json(LLAVA_JINJA))))
        .isEqualTo(ChatTemplate.LLAVA);
    assertThat(chosen(Map.of("chat_template.jinja", QWEN_JINJA))).isEqualTo(ChatTemplate.QWEN2_VL);
    assertThat(chosen(Map.of("config.json", "{\"template\": \"internlm2-chat\"}")))
        .isEqualTo(ChatTemplate.INTERNLM2_CHAT);
  }

  @Test
  void a_template_that_is_not_known_is_refused_unless_a_completion_is_asked_for()
      throws IOException {
    Path qwen = Models.qwen(folder.resolve("qwen"));
    Files.writeString(
        qwen.resolve("chat_template.json"), json(QWEN_JINJA.replace("helpful", "gloomy")));
    try (MultimodalModel model = MultimodalModel.open(qwen)) {
      Prompt chat = new Prompt(List.of(), "what is it", Form.CHAT);
      assertThatThrownBy(() -> model.answer(List.of(chat), new Decoding(2)))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("chat_template.json: the chat template is none that is known")
          .hasMessageContaining("internvl2_5, internlm2-chat, Hermes-2, qwen2_vl, vicuna_v1, llava")
          .hasMessageContaining("name one as 'template' in config.json");
      Prompt completion = new Prompt(List.of(), "what is it", Form.COMPLETION);
      assertThat(model.answer(List.of(completion), new Decoding(2))).hasSize(1);
    }
  }
}
