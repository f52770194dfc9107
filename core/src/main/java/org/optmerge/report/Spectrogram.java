package org.optmerge.report;

import java.util.Arrays;
import org.optmerge.model.audio.FilterBank;
import org.optmerge.model.audio.LogMel;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Image;

/**
 * A sound as a picture: time to the right, pitch upwards on the mel scale to 8 kHz, louder darker.
 */
final class Spectrogram {
  /** Bands, the height of the picture. */
  private static final int BANDS = 96;

  /** Frames of 40 ms, the width; their distance is such that there are so many, 5 ms at least. */
  private static final int COLUMNS = 96;

  private static final int FRAME = 640;
  private static final int LEAST_SHIFT = 80;

  /**
   * The range of loudness below the loudest, beyond which all is white: 50 dB, in natural
   * logarithms of energy.
   */
  private static final double RANGE = 5 * Math.log(10);

  private Spectrogram() {}

  /**
   * The picture of a sound of any rate, 96 pixels high and wide; one of less than half a second is
   * narrower, and one of less than 40 ms is followed by silence.
   */
  public static Image of(Audio audio) {
    Audio sound = audio.resampled(Audio.SAMPLE_RATE);
    if (sound.samples().length < FRAME) {
      sound = new Audio(Audio.SAMPLE_RATE, Arrays.copyOf(sound.samples(), FRAME));
    }
    int shift = Math.max(LEAST_SHIFT, (sound.samples().length - FRAME) / (COLUMNS - 1));
    LogMel mel =
        new FilterBank(Audio.SAMPLE_RATE, FRAME, shift, BANDS, 40, 8000, 0, 0, 1).of(sound);
    mel = mel.withFrames(Math.min(COLUMNS, mel.frames()));
    float loudest = Float.NEGATIVE_INFINITY;
    for (float value : mel.values()) {
      loudest = Math.max(loudest, value);
    }
    byte[] rgb = new byte[3 * mel.frames() * BANDS];
    for (int y = 0; y < BANDS; y++) {
      for (int x = 0; x < mel.frames(); x++) {
        double loudness = Math.max(0, 1 - (loudest - mel.value(x, BANDS - 1 - y)) / RANGE);
        int at = 3 * (y * mel.frames() + x);
        rgb[at] = shade(Palette.INK.getRed(), loudness);
        rgb[at + 1] = shade(Palette.INK.getGreen(), loudness);
        rgb[at + 2] = shade(Palette.INK.getBlue(), loudness);
      }
    }
    return new Image(mel.frames(), BANDS, rgb);
  }

  /** From white to the darkest level. */
  private static byte shade(int darkest, double loudness) {
    return (byte) Math.round(255 + (darkest - 255) * loudness);
  }
}
