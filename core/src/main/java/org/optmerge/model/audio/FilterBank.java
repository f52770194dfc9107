package org.optmerge.model.audio;

import java.util.Arrays;
import org.optmerge.model.media.Audio;

/**
 * Kaldi's log-mel filter bank: of each frame the mean is taken away, high frequencies are raised, a
 * window is laid on it, and the energies of its spectrum are summed in triangles of equal width on
 * the mel scale. Frames that do not fit into the sound whole are left out; nothing random is added.
 *
 * <p>Computed in float64 and rounded once, with transcendental functions of {@link StrictMath}, so
 * the values are the same on every JDK.
 *
 * @param sampleRate of the sounds, in Hz
 * @param frameLength of a frame, in samples; its spectrum is that of the next power of two
 * @param frameShift from one frame to the next, in samples
 * @param bins how many bands
 * @param low where the first band begins, in Hz
 * @param high where the last band ends, in Hz, at most half the sample rate
 * @param preemphasis how much of the sample before is taken from each
 * @param mean taken from each value in the end
 * @param deviation what each value is divided by in the end; 1 with a mean of 0 leaves the
 *     logarithm as it is
 * @see <a href="https://kaldi-asr.org/doc/feat.html">Kaldi, feature extraction</a>
 * @see <a href="https://arxiv.org/abs/2212.09058">BEATs, ICML 2023, section 4.1</a>
 */
public record FilterBank(
    int sampleRate,
    int frameLength,
    int frameShift,
    int bins,
    double low,
    double high,
    double preemphasis,
    double mean,
    double deviation) {
  /**
   * The filter bank of BEATs: 25 ms every 10 ms, 128 bands, normalised by twice AudioSet's
   * deviation.
   */
  public static final FilterBank BEATS =
      new FilterBank(Audio.SAMPLE_RATE, 400, 160, 128, 20, 8000, .97, 15.41663, 2 * 6.55582);

  /** Samples of a full-scale sound reach this, as those of a 16-bit file do. */
  private static final double FULL_SCALE = 0x1p15;

  /** Energies are at least this, float32's epsilon. */
  private static final double FLOOR = 0x1p-23;

  /** The exponent of a Hann window that makes Povey's. */
  private static final double POVEY = .85;

  /**
   * @throws IllegalArgumentException if a length is not positive, or the bands leave the spectrum
   */
  public FilterBank {
    if (sampleRate < 1 || frameLength < 2 || frameShift < 1 || bins < 1) {
      throw new IllegalArgumentException(
          "FilterBank: rate, frame length, shift and bins must be positive, are %d, %d, %d, %d"
              .formatted(sampleRate, frameLength, frameShift, bins));
    }
    if (!(low >= 0 && low < high && high <= sampleRate / 2.0)) {
      throw new IllegalArgumentException(
          "FilterBank: bands must lie between 0 and %s Hz, are from %s to %s"
              .formatted(sampleRate / 2.0, low, high));
    }
    if (!(preemphasis >= 0 && preemphasis <= 1 && deviation > 0 && Double.isFinite(mean))) {
      throw new IllegalArgumentException(
          "FilterBank: preemphasis must be in [0, 1] and the deviation positive, are %s and %s"
              .formatted(preemphasis, deviation));
    }
  }

  /** The number of frames that fit into so many samples. */
  public int frames(int samples) {
    return samples < frameLength ? 0 : 1 + (samples - frameLength) / frameShift;
  }

  /**
   * The log-mel energies of a sound.
   *
   * @return frames × bins, normalised
   * @throws IllegalArgumentException if the sound has another rate, or is shorter than a frame
   */
  public LogMel of(Audio audio) {
    if (audio.sampleRate() != sampleRate) {
      throw new IllegalArgumentException(
          "the filter bank is for %d Hz, the sound has %d; resample it first"
              .formatted(sampleRate, audio.sampleRate()));
    }
    float[] samples = audio.samples();
    int frames = frames(samples.length);
    if (frames == 0) {
      throw new IllegalArgumentException(
          "a sound of %d samples is shorter than a frame of %d"
              .formatted(samples.length, frameLength));
    }
    Fourier fourier = new Fourier(spectrumLength());
    double[] window = window();
    Band[] bands = bands();
    float[] values = new float[Math.multiplyExact(frames, bins)];
    double[] frame = new double[spectrumLength()];
    for (int f = 0; f < frames; f++) {
      cut(samples, f * frameShift, window, frame);
      double[] power = fourier.power(frame);
      for (int b = 0; b < bins; b++) {
        double energy = Math.max(FLOOR, bands[b].energy(power));
        values[f * bins + b] = (float) ((StrictMath.log(energy) - mean) / deviation);
      }
    }
    return new LogMel(frames, bins, values);
  }

  private int spectrumLength() {
    int highest = Integer.highestOneBit(frameLength);
    return highest == frameLength ? highest : 2 * highest;
  }

  private void cut(float[] samples, int start, double[] window, double[] frame) {
    double sum = 0;
    for (int i = 0; i < frameLength; i++) {
      frame[i] = FULL_SCALE * samples[start + i];
      sum += frame[i];
    }
    double average = sum / frameLength;
    for (int i = 0; i < frameLength; i++) {
      frame[i] -= average;
    }
    // From the end, as each needs the one before as it was; the first stands before itself.
    for (int i = frameLength - 1; i >= 0; i--) {
      frame[i] = (frame[i] - preemphasis * frame[Math.max(i - 1, 0)]) * window[i];
    }
  }

  private double[] window() {
    double[] window = new double[frameLength];
    for (int i = 0; i < frameLength; i++) {
      double hann = .5 - .5 * StrictMath.cos(2 * Math.PI * i / (frameLength - 1));
      window[i] = StrictMath.pow(hann, POVEY);
    }
    return window;
  }

  /** A triangle: weights of neighbouring lines of the spectrum. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Band(int first, double[] weights) {
    double energy(double[] power) {
      double sum = 0;
      for (int i = 0; i < weights.length; i++) {
        sum += weights[i] * power[first + i];
      }
      return sum;
    }
  }

  private Band[] bands() {
    double from = mel(low);
    double step = (mel(high) - from) / (bins + 1);
    double line = sampleRate / (double) spectrumLength();
    int lines = spectrumLength() / 2;
    double[] mels = new double[lines];
    for (int k = 0; k < lines; k++) {
      mels[k] = mel(line * k);
    }
    Band[] bands = new Band[bins];
    for (int b = 0; b < bins; b++) {
      double left = from + b * step;
      double[] weights = new double[lines];
      int first = lines;
      int last = -1;
      for (int k = 0; k < lines; k++) {
        double place = (mels[k] - left) / step;
        weights[k] = Math.max(0, Math.min(place, 2 - place));
        if (weights[k] > 0) {
          first = Math.min(first, k);
          last = k;
        }
      }
      // A band narrower than the distance of two lines may be empty; its energy is the floor.
      bands[b] =
          last < 0
              ? new Band(0, new double[0])
              : new Band(first, Arrays.copyOfRange(weights, first, last + 1));
    }
    return bands;
  }

  private static double mel(double hertz) {
    return 1127 * StrictMath.log(1 + hertz / 700);
  }
}
