package org.optmerge.benchmark.mini.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.benchmark.mini.MiniSplit;

@Tag("slow")
class StageCeilingsTest {
  private static final double EXACT = 1e-9;

  static Stream<StageQuestionType> crossModal() {
    return StageQuestionType.ALL.stream().filter(StageQuestionType::isCrossModal);
  }

  private static double ceiling(StageQuestionType type, StageModality... given) {
    Set<StageModality> set = EnumSet.noneOf(StageModality.class);
    set.addAll(List.of(given));
    Double ceiling = StageCeilings.of(type).get(set);
    assertThat(ceiling).isNotNull();
    return ceiling;
  }

  @Test
  void ofThreeInstrumentsOneSounds() {
    // The picture leaves three colours, the sound six.
    assertThat(ceiling(StageQuestionType.SOUNDING_COLOUR)).isCloseTo(1 / 6.0, within(EXACT));
    assertThat(ceiling(StageQuestionType.SOUNDING_COLOUR, StageModality.VISION))
        .isCloseTo(1 / 3.0, within(EXACT));
    assertThat(ceiling(StageQuestionType.SOUNDING_COLOUR, StageModality.AUDIO))
        .isCloseTo(1 / 6.0, within(EXACT));
    assertThat(
            ceiling(StageQuestionType.SOUNDING_COLOUR, StageModality.VISION, StageModality.AUDIO))
        .isCloseTo(1, within(EXACT));
  }

  @Test
  void existentialQuestionsAreBalancedGivenEachModality() {
    for (StageModality modality : new StageModality[] {StageModality.VISION, StageModality.AUDIO}) {
      assertThat(ceiling(StageQuestionType.IS_COLOUR_SOUNDING, modality))
          .isCloseTo(1 / 2.0, within(EXACT));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = StageQuestionType.class,
      names = {"IS_COLOUR_SOUNDING_MOVING", "IS_COLOUR_FIRST_MOVING"})
  void aQuestionOfAllThreeIsNotAnsweredByTwo(StageQuestionType type) {
    Map<Set<StageModality>, Double> ceilings = StageCeilings.of(type);
    ceilings.forEach(
        (given, ceiling) -> {
          double expected =
              switch (given.size()) {
                case 0, 1 -> 1 / 2.0;
                case 2 -> 5 / 6.0;
                default -> 1;
              };
          assertThat(ceiling).as("%s", given).isCloseTo(expected, within(EXACT));
        });
  }

  @ParameterizedTest
  @MethodSource("crossModal")
  void noSingleModalityAnswersACrossModalQuestionButAllOfItsModalitiesDo(StageQuestionType type) {
    Map<Set<StageModality>, Double> ceilings = StageCeilings.of(type);
    assertThat(ceilings.get(type.modalities())).isCloseTo(1, within(EXACT));
    ceilings.forEach(
        (given, ceiling) -> {
          if (given.size() == 1) {
            assertThat(ceiling).as("%s of %s", given, type).isLessThanOrEqualTo(1 / 2.0 + EXACT);
          }
        });
    assertThat(StageCeilings.single(type)).isBetween(1 / 4.0, 1 / 2.0 + EXACT);
  }

  @ParameterizedTest
  @MethodSource("crossModal")
  void theBestGuessOfDrawnQuestionsIsTheEnumeratedOne(StageQuestionType type) {
    // Without any modality there are few enough views to count them in a sample.
    int count = 6000;
    Map<String, Map<String, Integer>> seen = new HashMap<>();
    for (int i = 0; i < count; i++) {
      StageScene scene =
          StageScene.draw(3, MiniSplit.BASE, i, type.sounding() == 0 ? 1 + i % 2 : type.sounding());
      SceneQuestion question = type.ask(scene, scene.dice("question")::below);
      seen.computeIfAbsent(question.text(), key -> new HashMap<>())
          .merge(question.answer(), 1, Integer::sum);
    }
    double best =
        seen.values().stream()
                .mapToInt(each -> each.values().stream().mapToInt(it -> it).max().orElse(0))
                .sum()
            / (double) count;
    // The most frequent of a sample is a little more frequent than the most likely.
    assertThat(best).isCloseTo(ceiling(type), within(.08));
  }
}
