package org.optmerge.benchmark.mini.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.optmerge.benchmark.mini.MiniSplit;

class StagePromptTest {
  private static String text(StagePrompt prompt) {
    return Arrays.stream(prompt.ids())
        .mapToObj(StageVocabulary.TOKENS::get)
        .collect(Collectors.joining(" "));
  }

  @Test
  void segmentsStandInTheOrderInWhichTheyAreAdded() {
    StagePrompt prompt =
        new StagePrompt()
            .empty(StageModality.VIDEO)
            .features(StageModality.AUDIO, 2)
            .question("where is the drum ?");
    assertThat(text(prompt))
        .isEqualTo(
            "<vid> </vid> <aud> <audio> <audio> </aud> <user> where is the drum ? <assistant>");
  }

  @Test
  void onlyAnswersAndTheirEndsAreLearned() {
    StagePrompt prompt =
        new StagePrompt()
            .dialogue(new SceneQuestion(StageQuestionType.PLACE, "where is the drum ?", "left"));
    int[] labels = prompt.labels(-100);
    assertThat(Arrays.stream(labels).filter(label -> label != -100))
        .containsExactly(StageVocabulary.id("left"), StageVocabulary.id("<end>"));
    assertThat(labels).endsWith(StageVocabulary.id("left"), StageVocabulary.id("<end>"));
  }

  @Test
  void factsSayWhatIsSeenAndNothingElse() {
    StageScene scene = StageScene.draw(1, MiniSplit.TEST, 0);
    String facts = text(new StagePrompt().facts(StageModality.VISION, scene, scene.dice("facts")));
    for (Player player : scene.players()) {
      assertThat(facts)
          .contains(
              "%s %s %s"
                  .formatted(
                      player.instrument().word(), player.color().word(), player.place().word()));
      assertThat(facts).doesNotContain(player.direction().word() + " ");
    }
    assertThat(new StagePrompt().facts(StageModality.AUDIO, scene, scene.dice("facts")).length())
        .isEqualTo(StageScene.SLOTS + 2);
  }

  @Test
  void shorterPromptsArePaddedToTheRight() {
    StagePrompt one = new StagePrompt().empty(StageModality.AUDIO);
    StagePrompt two = new StagePrompt().question("where is the drum ?");
    StagePrompt.Batch batch = StagePrompt.batch(List.of(one, two), -100);
    assertThat(batch.size()).isEqualTo(2);
    assertThat(batch.length()).isEqualTo(7);
    assertThat(Arrays.copyOf(batch.mask(), 7)).containsExactly(1, 1, 0, 0, 0, 0, 0);
    assertThat(batch.ids()[2]).isEqualTo(StageVocabulary.id(StageVocabulary.PAD));
  }

  @Test
  void anUnknownWordIsNamed() {
    assertThatThrownBy(() -> new StagePrompt().question("where is the harp ?"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'harp'");
  }
}
