package org.optmerge.benchmark.mini.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.benchmark.mini.Color;
import org.optmerge.benchmark.mini.MiniSplit;

class StageQuestionTypeTest {
  /** A red drum on the left moves up, a blue bell in the middle down, a green flute to the left. */
  private static StageScene scene(Instrument... notes) {
    return new StageScene(
        0,
        MiniSplit.TEST,
        0,
        List.of(
            new Player(Instrument.DRUM, Color.RED, Place.LEFT, Place.RIGHT, Direction.UP),
            new Player(Instrument.BELL, Color.BLUE, Place.MIDDLE, Place.LEFT, Direction.DOWN),
            new Player(
                Instrument.FLUTE, Color.GREEN, Place.RIGHT, Place.MIDDLE, Direction.LEFTWARD)),
        List.of(notes));
  }

  private static final StageScene ONE = scene(Instrument.BELL, Instrument.BELL);
  private static final StageScene TWO =
      scene(Instrument.FLUTE, Instrument.DRUM, Instrument.DRUM, Instrument.DRUM);

  @ParameterizedTest
  @CsvSource({
    "COLOUR, what color is the drum ?, hue drum, red",
    "PLACE, where is the drum ?, spot drum, left",
    "OF_COLOUR, which instrument is crimson ?, who red, drum",
    "AT_PLACE, which instrument is on the leftmost ?, who left, drum",
    "SOUNDING, which instrument is sounding ?, who playing, bell",
    "DIRECTION, which direction does the drum move ?, heading drum, up",
    "MOVES, which instrument moves upwards ?, who up, drum",
    "SOUNDING_COLOUR, what color is the sounding instrument ?, hue playing, blue",
    "SOUNDING_PLACE, where is the sounding instrument ?, spot playing, middle",
    "SOUNDING_DIRECTION, which direction does the sounding instrument move ?, heading playing,"
        + " down",
    "MOVING_COLOUR, what color is the instrument that moves upwards ?, hue up, red",
    "COLOUR_DIRECTION, which direction does the crimson instrument move ?, heading red, up",
    "PLACE_DIRECTION, which direction does the instrument on the leftmost move ?, heading left, up",
    "IS_COLOUR_SOUNDING, is the azure instrument sounding ?, playing blue, yes",
    "IS_COLOUR_SOUNDING_MOVING, is it the azure instrument that sounds and moves downwards ?,"
        + " blue playing down, yes",
  })
  void questionsWithTheFirstOfEachChoice(
      StageQuestionType type, String text, String statement, String answer) {
    assertThat(type.ask(ONE, bound -> 0))
        .isEqualTo(new SceneQuestion(type, text, answer, statement));
  }

  @ParameterizedTest
  @CsvSource({
    "FIRST, which instrument sounds first ?, who initial, flute",
    "MORE, which instrument sounds more often ?, who most, drum",
    "FIRST_COLOUR, what color is the instrument that sounds first ?, hue initial, green",
    "MORE_COLOUR, what color is the instrument that sounds more often ?, hue most, red",
    "MORE_PLACE, where is the instrument that sounds more often ?, spot most, left",
    "MORE_DIRECTION, which direction does the instrument that sounds more often move ?,"
        + " heading most, up",
    "COLOUR_TIMES, how many times does the crimson instrument sound ?, count red, 3",
    "FIRST_DIRECTION, which direction does the instrument that sounds first move ?,"
        + " heading initial, leftward",
    "IS_COLOUR_FIRST_MOVING,"
        + " is it the emerald instrument that sounds first and moves leftwards ?,"
        + " green initial leftward, yes",
  })
  void questionsOfTwoSoundingInstruments(
      StageQuestionType type, String text, String statement, String answer) {
    assertThat(type.ask(TWO, bound -> 0))
        .isEqualTo(new SceneQuestion(type, text, answer, statement));
  }

  @Test
  void aFalseClaimSaysTheRightOrderOfAnotherInstrument() {
    // Of the two that sound the last, not so, the first of the others, its color only.
    Iterator<Integer> choices = List.of(1, 1, 0, 0).iterator();
    assertThat(StageQuestionType.IS_COLOUR_FIRST_MOVING.ask(TWO, bound -> choices.next()))
        .isEqualTo(
            new SceneQuestion(
                StageQuestionType.IS_COLOUR_FIRST_MOVING,
                "is it the azure instrument that sounds last and moves upwards ?",
                "no",
                "blue final up"));
  }

  @Test
  void optionsHaveLetters() {
    // Always the last is swapped with the first: red blue green, green blue red, blue green red.
    assertThat(StageQuestionType.COLOUR_CHOICE.ask(ONE, bound -> 0))
        .isEqualTo(
            new SceneQuestion(
                StageQuestionType.COLOUR_CHOICE,
                "what color is the drum ? A blue B green C red",
                "C",
                "hue drum A blue B green C red"));
  }

  @Test
  void theLanguageModelIsToldOfScenesInWordsOfItsOwn() {
    assertThat(StageQuestionType.FIRST_DIRECTION.ask(TWO, bound -> 0).pretrained())
        .isEqualTo("which heading does the instrument that plays initial go ?");
    for (StageModality modality : StageModality.ALL) {
      Set<String> own = usersWords(Set.of(modality));
      assertThat(own).as("%s", modality).isNotEmpty();
      for (StageModality other : StageModality.ALL) {
        if (other != modality) {
          assertThat(usersWords(Set.of(other))).doesNotContainAnyElementsOf(own);
        }
      }
    }
    // A question of several modalities has a word of each, and all its words are known from one.
    for (StageQuestionType type : StageQuestionType.ALL) {
      Set<String> words = usersWords(type);
      for (StageModality modality : type.modalities()) {
        Set<String> own = usersWords(Set.of(modality));
        if (type.isCrossModal()) {
          assertThat(words).as("%s, %s", type, modality).containsAnyElementsOf(own);
        }
        words.removeAll(own);
      }
      assertThat(words).as("%s", type).isEmpty();
    }
  }

  /** Words of questions that the language model has others for. */
  private static Set<String> usersWords(Set<StageModality> modalities) {
    Set<String> words = new TreeSet<>();
    StageQuestionType.of(modalities).forEach(type -> words.addAll(usersWords(type)));
    return words;
  }

  private static Set<String> usersWords(StageQuestionType type) {
    Set<String> words = new TreeSet<>();
    for (int i = 0; i < 200; i++) {
      StageScene scene =
          StageScene.draw(
              9, MiniSplit.VALIDATION, i, type.sounding() == 0 ? 1 + i % 2 : type.sounding());
      SceneQuestion question = type.ask(scene, scene.dice("question")::below);
      List<String> before = List.of(question.text().split(" "));
      List<String> after = List.of(question.pretrained().split(" "));
      for (int at = 0; at < before.size(); at++) {
        if (!before.get(at).equals(after.get(at))) {
          words.add(before.get(at));
        }
      }
    }
    return words;
  }

  @ParameterizedTest
  @EnumSource(StageQuestionType.class)
  void everyQuestionIsOfTheVocabularyAndItsAnswerIsOneToken(StageQuestionType type) {
    for (int i = 0; i < 50; i++) {
      StageScene scene =
          StageScene.draw(
              9, MiniSplit.VALIDATION, i, type.sounding() == 0 ? 1 + i % 2 : type.sounding());
      SceneQuestion question = type.ask(scene, scene.dice("question")::below);
      assertThat(ModalityModel.WORDS.encode(question.text())).isNotEmpty();
      assertThat(ModalityModel.WORDS.encode(question.statement())).isNotEmpty();
      assertThat(ModalityModel.WORDS.encode(question.pretrained()))
          .hasSize(question.text().split(" ").length);
      assertThat(ModalityModel.WORDS.encode(question.answer())).hasSize(1);
      assertThat(question.type()).isEqualTo(type);
    }
  }

  @Test
  void aQuestionOfOneSoundIsNotAskedOfTwo() {
    assertThatThrownBy(() -> StageQuestionType.SOUNDING_COLOUR.ask(TWO, bound -> 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("sounding-colour")
        .hasMessageContaining("1 sounding instruments, not 2");
  }
}
