package org.optmerge.benchmark.mini.stage;

import java.util.Arrays;
import org.optmerge.benchmark.mini.Dice;
import org.optmerge.model.media.Image;

/** A picture of the stage in the making. */
final class StagePicture {
  /** Pixels of a side. */
  static final int SIDE = 48;

  private final byte[] rgb = new byte[3 * SIDE * SIDE];

  /** A grey background. */
  StagePicture(int level) {
    Arrays.fill(rgb, (byte) level);
  }

  /**
   * Draws an instrument; what is beyond the edge is not seen.
   *
   * @param left of its icon
   * @param top of its icon
   */
  void draw(Instrument instrument, int left, int top, int red, int green, int blue) {
    Icon icon = Icon.of(instrument);
    for (int y = Math.max(0, -top); y < Math.min(Icon.SIDE, SIDE - top); y++) {
      for (int x = Math.max(0, -left); x < Math.min(Icon.SIDE, SIDE - left); x++) {
        if (icon.covers(x, y)) {
          int at = 3 * ((top + y) * SIDE + left + x);
          rgb[at] = (byte) red;
          rgb[at + 1] = (byte) green;
          rgb[at + 2] = (byte) blue;
        }
      }
    }
  }

  /** The image with noise on every channel of every pixel. */
  Image colored(Dice dice) {
    return new Image(SIDE, SIDE, dice.noisy(rgb, 1));
  }

  /** The image with noise on every pixel, the same on its three channels. */
  Image grey(Dice dice) {
    return new Image(SIDE, SIDE, dice.noisy(rgb, 3));
  }
}
