package org.optmerge.model.audio;

import java.util.Arrays;
import java.util.Objects;

/**
 * The energies of a sound, frame by frame and band by band.
 *
 * @param frames how many
 * @param bins mel bands of a frame, the lowest first
 * @param values {@code frames · bins} of them, frame after frame; not copied, so not to be changed
 *     afterwards
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record LogMel(int frames, int bins, float[] values) {
  /**
   * @throws IllegalArgumentException if the values are not frames · bins
   */
  public LogMel {
    if (frames < 1 || bins < 1 || values.length != (long) frames * bins) {
      throw new IllegalArgumentException(
          "%d frames of %d bins are not %d values".formatted(frames, bins, values.length));
    }
  }

  /** The value of a band in a frame. */
  public float value(int frame, int bin) {
    return values[Objects.checkIndex(frame, frames) * bins + Objects.checkIndex(bin, bins)];
  }

  /**
   * The first frames, or frames of zeros after the last: BEATs takes 1024 of normalised values.
   *
   * @param count positive
   */
  public LogMel withFrames(int count) {
    return new LogMel(count, bins, Arrays.copyOf(values, Math.multiplyExact(count, bins)));
  }
}
