package org.optmerge.benchmark.mini.stage;

import java.util.ArrayList;
import java.util.List;
import org.optmerge.benchmark.mini.Color;
import org.optmerge.benchmark.mini.Dice;

/**
 * An instrument of a scene.
 *
 * @param instrument which one; no two of a scene are the same
 * @param color in the picture, and only there; no two of a scene are the same
 * @param place in the picture; no two of a scene are the same
 * @param filmed where it stands in the film, which is taken from elsewhere: it says nothing about
 *     {@code place}; no two of a scene are the same
 * @param direction where it moves in the film; no two of a scene are the same
 */
public record Player(
    Instrument instrument, Color color, Place place, Place filmed, Direction direction) {
  /**
   * The words of a picture or a film for it, in any order, and a comma.
   *
   * @param named whether the instrument is the first
   */
  String told(StageModality modality, Dice dice, boolean named) {
    List<String> words = new ArrayList<>();
    if (modality == StageModality.VISION) {
      words.addAll(dice.shuffled(List.of(color.word(), place.word())));
    } else {
      words.add(direction.word());
    }
    words.add(named ? 0 : dice.below(words.size() + 1), instrument.word());
    return String.join(" ", words) + " ,";
  }
}
