package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.benchmark.mini.Dialogue.Form;

class DialogueTest {
  private static final String IMAGE = "<img>" + " <IMG_CONTEXT>".repeat(16) + " </img>";

  private static final List<ImageQuestion> QUESTIONS =
      List.of(
          new ImageQuestion(
              "sides", false, "how many sides does the polygon have ?", "6", "polygon sides"),
          new ImageQuestion("word", false, "what is written in the image ?", "FOX", "word"));

  /** Tokens separated by spaces; those with loss in brackets. */
  private static String shown(Dialogue conversation) {
    int[] labels = conversation.labels(-100);
    return IntStream.range(0, conversation.length())
        .mapToObj(
            i -> {
              String token = CapabilityModel.WORDS.tokens().get(conversation.ids()[i]);
              return labels[i] == conversation.ids()[i] ? "[" + token + "]" : token;
            })
        .collect(Collectors.joining(" "));
  }

  private static Dialogue prompt(ImageQuestion question, Form form) {
    return CapabilityModel.conversation(List.of(), form).given(question.before(form));
  }

  private static Dialogue prompt(String question) {
    return CapabilityModel.conversation(List.of(), Form.QUESTION).question(question);
  }

  @Test
  void questions_are_a_conversation_of_several_turns_with_loss_on_the_answers() {
    assertThat(shown(CapabilityModel.conversation(QUESTIONS, Form.QUESTION)))
        .isEqualTo(
            IMAGE
                + " <user> how many sides does the polygon have ? <assistant> [6] [<end>]"
                + " <user> what is written in the image ? <assistant> [F] [O] [X] [<end>]");
  }

  @Test
  void statements_are_keys_and_values_with_loss_on_the_values() {
    assertThat(shown(CapabilityModel.conversation(QUESTIONS, Form.STATEMENT)))
        .isEqualTo(IMAGE + " polygon sides [6] [<end>] word [F] [O] [X] [<end>]");
  }

  @Test
  void a_prompt_ends_where_the_answer_begins() {
    assertThat(prompt(QUESTIONS.get(1), Form.QUESTION).ids())
        .containsExactly(
            CapabilityModel.WORDS.encode(
                IMAGE + " <user> what is written in the image ? <assistant>"));
    assertThat(prompt(QUESTIONS.get(1), Form.STATEMENT).ids())
        .containsExactly(CapabilityModel.WORDS.encode(IMAGE + " word"));
    assertThat(prompt("what is written in the image ?").ids())
        .containsExactly(prompt(QUESTIONS.get(1), Form.QUESTION).ids());
  }

  @Test
  void targets_are_the_tokens_with_loss() {
    Dialogue conversation = CapabilityModel.conversation(QUESTIONS.subList(0, 1), Form.STATEMENT);

    assertThat(conversation.labels(-100))
        .startsWith(-100, -100)
        .endsWith(-100, CapabilityModel.WORDS.id("6"), CapabilityModel.WORDS.id("<end>"));
  }

  @Test
  void what_does_not_fit_is_left_out_as_a_whole_and_shorter_questions_still_fit() {
    ImageQuestion longest =
        new ImageQuestion(
            "relation",
            true,
            "is the red circle left the blue square ?",
            "yes",
            "red circle left blue square");
    // 18 + 3 × 13 are 57 tokens: a fourth has no room, but one of seven has.
    ImageQuestion angle = new ImageQuestion("angle", false, "what is the", "1", "angle");

    Dialogue conversation =
        CapabilityModel.conversation(
            List.of(longest, longest, longest, longest, angle), Form.QUESTION);

    assertThat(conversation.ids()).hasSize(64);
    assertThat(shown(conversation)).endsWith("<user> what is the <assistant> [1] [<end>]");
  }

  @ParameterizedTest
  @EnumSource(MiniTask.class)
  void conversations_are_no_longer_than_they_may_be(MiniTask task) {
    MiniGenerator generator = new MiniGenerator(5);
    for (int i = 0; i < 200; i++) {
      MiniImage image = generator.generate(MiniSplit.VALIDATION, task, i);
      for (Form form : Form.values()) {
        Dialogue conversation = CapabilityModel.conversation(image.questions(), form);
        assertThat(conversation.ids()).hasSizeBetween(18 + 3, CapabilityModel.LENGTH);
        assertThat(conversation.ids())
            .doesNotContain(CapabilityModel.WORDS.id("<unk>"), CapabilityModel.WORDS.id("<pad>"));
        assertThat(conversation.ids()[conversation.ids().length - 1])
            .isEqualTo(CapabilityModel.WORDS.id("<end>"));
      }
    }
  }

  @Test
  void a_question_that_is_too_long_is_refused() {
    assertThatThrownBy(() -> prompt("what ".repeat(60)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at most 64 tokens");
  }
}
