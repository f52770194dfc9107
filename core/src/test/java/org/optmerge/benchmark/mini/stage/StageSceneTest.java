package org.optmerge.benchmark.mini.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.optmerge.benchmark.mini.MiniSplit;

class StageSceneTest {
  private static StageScene scene(int index) {
    return StageScene.draw(1, MiniSplit.TEST, index);
  }

  @Test
  void nothingOccursTwice() {
    for (int i = 0; i < 200; i++) {
      List<Player> players = scene(i).players();
      assertThat(players).extracting(Player::instrument).doesNotHaveDuplicates();
      assertThat(players).extracting(Player::color).doesNotHaveDuplicates();
      assertThat(players).extracting(Player::place).containsExactlyElementsOf(Place.ALL);
      assertThat(players).extracting(Player::filmed).containsExactlyInAnyOrderElementsOf(Place.ALL);
      assertThat(players).extracting(Player::direction).doesNotHaveDuplicates();
    }
  }

  @Test
  void everyPlayerSoundsAloneAsOftenAsTheOthers() {
    Map<Place, Integer> alone = new HashMap<>();
    int ones = 0;
    for (int i = 0; i < 6000; i++) {
      StageScene scene = scene(i);
      if (scene.sounding().size() == 1) {
        ones++;
        alone.merge(scene.player(scene.notes().get(0)).place(), 1, Integer::sum);
      }
    }
    // Five standard deviations of a binomial share.
    assertThat(ones).isBetween(2800, 3200);
    for (Place place : Place.ALL) {
      assertThat(alone.get(place) / (double) ones).isBetween(1 / 3.0 - .045, 1 / 3.0 + .045);
    }
  }

  @Test
  void twoSoundingInstrumentsAreNeverPlayedEquallyOften() {
    IntStream.range(0, 200)
        .mapToObj(i -> StageScene.draw(1, MiniSplit.BASE, i, 2))
        .forEach(
            scene -> {
              List<Instrument> sounding = scene.sounding();
              assertThat(sounding).hasSize(2);
              assertThat(scene.times(sounding.get(0)))
                  .isNotEqualTo(scene.times(sounding.get(1)))
                  .isPositive();
            });
  }

  @Test
  void aSceneIsAFunctionOfItsCoordinates() {
    assertThat(scene(7)).isEqualTo(scene(7)).isNotEqualTo(scene(8));
    assertThat(StageScene.draw(1, MiniSplit.VALIDATION, 7).players())
        .isNotEqualTo(scene(7).players());
    assertThat(scene(7).dice("picture").bits()).isNotEqualTo(scene(7).dice("film").bits());
  }

  @Test
  void whatIsNotThereIsSaid() {
    assertThatThrownBy(() -> StageScene.draw(1, MiniSplit.TEST, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("counted from 0");
    Instrument absent =
        Instrument.ALL.stream()
            .filter(i -> scene(0).players().stream().noneMatch(p -> p.instrument() == i))
            .findFirst()
            .orElseThrow();
    assertThatThrownBy(() -> scene(0).player(absent))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(absent.word());
  }
}
