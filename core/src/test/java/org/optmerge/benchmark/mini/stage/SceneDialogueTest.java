package org.optmerge.benchmark.mini.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.optmerge.benchmark.mini.Batch;
import org.optmerge.benchmark.mini.Dialogue;
import org.optmerge.benchmark.mini.Dice;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.WordVocabulary;

class SceneDialogueTest {
  private static String text(Dialogue dialogue) {
    return Arrays.stream(dialogue.ids())
        .mapToObj(ModalityModel.WORDS.tokens()::get)
        .collect(Collectors.joining(" "));
  }

  @Test
  void segments_stand_in_the_order_in_which_they_are_added() {
    Dialogue prompt =
        ModalityModel.dialogue()
            .given(StageModality.VIDEO.segment(""))
            .given(StageModality.AUDIO.features(2))
            .question("where is the drum ?");
    assertThat(text(prompt))
        .isEqualTo(
            "<vid> </vid> <aud> <audio> <audio> </aud> <user> where is the drum ? <assistant>");
  }

  @Test
  void only_answers_and_their_ends_are_learned() {
    Dialogue prompt = ModalityModel.dialogue().question("where is the drum ?").answer("left");
    int[] labels = prompt.labels(-100);
    assertThat(Arrays.stream(labels).filter(label -> label != -100))
        .containsExactly(ModalityModel.WORDS.id("left"), ModalityModel.WORDS.id("<end>"));
    assertThat(labels).endsWith(ModalityModel.WORDS.id("left"), ModalityModel.WORDS.id("<end>"));
  }

  private static Dialogue facts(StageModality modality, StageScene scene) {
    return ModalityModel.dialogue()
        .given(modality.segment(scene.told(modality, scene.dice("facts"))));
  }

  @Test
  void facts_say_what_is_seen_and_nothing_else() {
    StageScene scene = StageScene.draw(1, MiniSplit.TEST, 0);
    String facts = text(facts(StageModality.VISION, scene));
    List<Set<String>> groups =
        Arrays.stream(facts.replaceAll("</?img>", "").strip().split(" ,"))
            .map(group -> Set.of(group.strip().split(" ")))
            .toList();
    assertThat(groups)
        .containsExactlyInAnyOrderElementsOf(
            scene.players().stream()
                .map(
                    player ->
                        Set.of(
                            player.instrument().word(),
                            player.color().word(),
                            player.place().word()))
                .toList());
    assertThat(facts(StageModality.AUDIO, scene).length()).isEqualTo(StageScene.SLOTS + 2);
  }

  @Test
  void the_words_of_a_fact_stand_in_any_order_or_the_name_first() {
    StageScene scene = StageScene.draw(1, MiniSplit.TEST, 0);
    Set<Integer> places = new TreeSet<>();
    for (int i = 0; i < 30; i++) {
      Dice dice = scene.dice("order " + i);
      for (boolean named : new boolean[] {false, true}) {
        List<String> words = List.of(scene.told(StageModality.VISION, dice, named).split(" "));
        int at = words.indexOf(scene.players().get(0).instrument().word()) % 4;
        if (named) {
          assertThat(at).isZero();
        } else {
          places.add(at);
        }
      }
    }
    assertThat(places).containsExactly(0, 1, 2);
  }

  @Test
  void shorter_prompts_are_padded_to_the_right() {
    Dialogue one = ModalityModel.dialogue().given(StageModality.AUDIO.segment(""));
    Dialogue two = ModalityModel.dialogue().question("where is the drum ?").answer("left");
    try (NDManager arrays = NDManager.newBaseManager()) {
      Batch batch = Batch.of(arrays, List.of(one, two));
      assertThat(batch.ids().getShape()).isEqualTo(new Shape(2, 9));
      assertThat(batch.mask().get(0).toLongArray()).containsExactly(1, 1, 0, 0, 0, 0, 0, 0, 0);
      assertThat(batch.ids().get(0).toLongArray())
          .endsWith(ModalityModel.WORDS.id(WordVocabulary.PAD));
      assertThat(batch.labels().get(0).toLongArray()).containsOnly(-100);
      assertThat(batch.labels().get(1).toLongArray())
          .endsWith(-100, ModalityModel.WORDS.id("left"), ModalityModel.WORDS.id("<end>"));
    }
  }

  @Test
  void a_dialogue_longer_than_the_models_positions_is_refused() {
    assertThatThrownBy(() -> ModalityModel.dialogue().given("drum ".repeat(257)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at most 256 tokens");
  }

  @Test
  void an_unknown_word_is_named() {
    assertThatThrownBy(() -> ModalityModel.dialogue().question("where is the harp ?"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'harp'");
  }
}
