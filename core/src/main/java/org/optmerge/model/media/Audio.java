package org.optmerge.model.media;

import java.util.Arrays;

/**
 * A sound of one channel.
 *
 * @param sampleRate samples a second
 * @param samples full scale is 1, at least one; not copied, so not to be changed afterwards
 */
@SuppressWarnings("ArrayRecordComponent") // equality and hash are defined below
public record Audio(int sampleRate, float[] samples) implements Media {
  /** The rate that audio encoders expect, in samples a second. */
  public static final int SAMPLE_RATE = 16_000;

  /**
   * @throws IllegalArgumentException if the rate is not positive or there is no sample
   */
  public Audio {
    if (sampleRate <= 0 || samples.length == 0) {
      throw new IllegalArgumentException(
          "a sound has samples and a positive rate, not %d samples at %d Hz"
              .formatted(samples.length, sampleRate));
    }
  }

  @Override
  public long bytes() {
    return (long) Float.BYTES * samples.length;
  }

  /** The duration in seconds. */
  public double seconds() {
    return samples.length / (double) sampleRate;
  }

  /**
   * The same sound at another rate, as torchaudio would resample it.
   *
   * @param rate samples a second, such as {@link #SAMPLE_RATE}
   * @throws IllegalArgumentException if the rate is not positive, or one of them above 1 MHz
   */
  public Audio resampled(int rate) {
    return Resampler.TORCHAUDIO.resample(this, rate);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Audio audio
        && sampleRate == audio.sampleRate
        && Arrays.equals(samples, audio.samples);
  }

  @Override
  public int hashCode() {
    return 31 * sampleRate + Arrays.hashCode(samples);
  }

  @Override
  public String toString() {
    return "Audio[%d samples at %d Hz]".formatted(samples.length, sampleRate);
  }
}
