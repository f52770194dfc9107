package org.optmerge.benchmark.mini.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
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
    "COLOUR, what color is the drum ?, red",
    "PLACE, where is the drum ?, left",
    "OF_COLOUR, which instrument is red ?, drum",
    "AT_PLACE, which instrument is on the left ?, drum",
    "SOUNDING, which instrument is sounding ?, bell",
    "DIRECTION, which direction does the drum move ?, up",
    "MOVES, which instrument moves up ?, drum",
    "SOUNDING_COLOUR, what color is the sounding instrument ?, blue",
    "SOUNDING_PLACE, where is the sounding instrument ?, middle",
    "SOUNDING_DIRECTION, which direction does the sounding instrument move ?, down",
    "MOVING_COLOUR, what color is the instrument that moves up ?, red",
    "COLOUR_DIRECTION, which direction does the red instrument move ?, up",
    "IS_COLOUR_SOUNDING, is the blue instrument sounding ?, yes",
    "IS_COLOUR_SOUNDING_MOVING, is it the blue instrument that sounds and moves down ?, yes",
  })
  void questionsWithTheFirstOfEachChoice(StageQuestionType type, String text, String answer) {
    assertThat(type.ask(ONE, bound -> 0)).isEqualTo(new SceneQuestion(type, text, answer));
  }

  @ParameterizedTest
  @CsvSource({
    "FIRST, which instrument sounds first ?, flute",
    "MORE, which instrument sounds more often ?, drum",
    "FIRST_COLOUR, what color is the instrument that sounds first ?, green",
    "MORE_COLOUR, what color is the instrument that sounds more often ?, red",
    "MORE_PLACE, where is the instrument that sounds more often ?, left",
    "MORE_DIRECTION, which direction does the instrument that sounds more often move ?, up",
    "COLOUR_TIMES, how many times does the red instrument sound ?, 3",
    "FIRST_DIRECTION, which direction does the instrument that sounds first move ?, leftward",
  })
  void questionsOfTwoSoundingInstruments(StageQuestionType type, String text, String answer) {
    assertThat(type.ask(TWO, bound -> 0)).isEqualTo(new SceneQuestion(type, text, answer));
  }

  @Test
  void optionsHaveLetters() {
    // Always the last is swapped with the first: red blue green, green blue red, blue green red.
    assertThat(StageQuestionType.COLOUR_CHOICE.ask(ONE, bound -> 0))
        .isEqualTo(
            new SceneQuestion(
                StageQuestionType.COLOUR_CHOICE,
                "what color is the drum ? A blue B green C red",
                "C"));
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
