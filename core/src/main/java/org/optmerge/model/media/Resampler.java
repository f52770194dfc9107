package org.optmerge.model.media;

import java.math.BigInteger;

/**
 * Turns a sound into one of another rate: a sum of windowed sinc functions, one around each sample,
 * low enough to leave out what the lower of the two rates cannot hold. Outside of the sound there
 * is silence. Computed in float64 with {@link StrictMath}, so the same on every JDK.
 *
 * @param zeroCrossings of the sinc function to each side, until its Hann window ends
 * @param rolloff the cut-off, as a part of half the lower rate
 * @see <a href="https://ccrma.stanford.edu/~jos/resample/">Smith, Digital audio resampling</a>
 */
record Resampler(int zeroCrossings, double rolloff) {
  /** The default of torchaudio's {@code resample}, by which published models heard their sounds. */
  public static final Resampler TORCHAUDIO = new Resampler(6, .99);

  /** A sharper cut-off at ten times the cost. */
  public static final Resampler SHARP = new Resampler(64, .95);

  /** Rates beyond this are those of a damaged file. */
  private static final int HIGHEST_RATE = 1_000_000;

  /**
   * @throws IllegalArgumentException if there is no zero crossing, or the rolloff is not in (0, 1]
   */
  public Resampler {
    if (zeroCrossings < 1 || !(rolloff > 0 && rolloff <= 1)) {
      throw new IllegalArgumentException(
          "Resampler: at least one zero crossing and a rolloff in (0, 1], not %d and %s"
              .formatted(zeroCrossings, rolloff));
    }
  }

  /**
   * A sound at another rate.
   *
   * @param rate samples a second
   * @return the same sound if it has the rate already; else ⌈samples · rate / its rate⌉ samples
   * @throws IllegalArgumentException if the rate is not positive, or one of them above 1 MHz
   */
  public Audio resample(Audio audio, int rate) {
    if (rate < 1 || Math.max(rate, audio.sampleRate()) > HIGHEST_RATE) {
      throw new IllegalArgumentException(
          "a sound of %d Hz cannot be turned into one of %d Hz"
              .formatted(audio.sampleRate(), rate));
    }
    if (rate == audio.sampleRate()) {
      return audio;
    }
    int common = BigInteger.valueOf(rate).gcd(BigInteger.valueOf(audio.sampleRate())).intValue();
    int from = audio.sampleRate() / common;
    int to = rate / common;
    // In units of a sample of the source: how far a weight reaches.
    double cutoff = Math.min(1, to / (double) from) * rolloff;
    int reach = (int) Math.ceil(zeroCrossings / cutoff);
    double[][] phases = new double[to][2 * reach + 1];
    for (int phase = 0; phase < to; phase++) {
      // The output sample lies this far behind the source's sample number `whole`.
      double offset = (long) phase * from % to / (double) to;
      for (int tap = 0; tap <= 2 * reach; tap++) {
        phases[phase][tap] = weight(cutoff * (tap - reach - offset)) * cutoff;
      }
    }
    float[] samples = audio.samples();
    int count = Math.toIntExact(((long) samples.length * to + from - 1) / from);
    float[] result = new float[count];
    for (int i = 0; i < count; i++) {
      int whole = (int) ((long) i * from / to);
      double[] weights = phases[i % to];
      int first = Math.max(0, reach - whole);
      int last = Math.min(2 * reach, samples.length - 1 - whole + reach);
      double sum = 0;
      for (int tap = first; tap <= last; tap++) {
        sum += weights[tap] * samples[whole - reach + tap];
      }
      result[i] = (float) sum;
    }
    return new Audio(rate, result);
  }

  private double weight(double place) {
    if (Math.abs(place) >= zeroCrossings) {
      return 0;
    }
    double window = StrictMath.cos(Math.PI * place / (2 * zeroCrossings));
    double angle = Math.PI * place;
    return window * window * (angle == 0 ? 1 : StrictMath.sin(angle) / angle);
  }
}
