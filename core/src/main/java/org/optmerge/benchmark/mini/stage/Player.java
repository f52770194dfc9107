package org.optmerge.benchmark.mini.stage;

import java.util.List;
import org.optmerge.benchmark.mini.Color;

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
  /** The words of a picture or a film for it, the instrument first. */
  List<String> told(StageModality modality) {
    return modality == StageModality.VISION
        ? List.of(instrument.word(), color.word(), place.word())
        : List.of(instrument.word(), direction.word());
  }
}
