package org.optmerge.benchmark.mini.stage;

import java.util.List;
import org.optmerge.benchmark.mini.Dice;

/**
 * The sound of an instrument. Phases are 32-bit integers that wrap around, sines come from a table,
 * and what is left are products and sums of doubles: the same on every JDK.
 *
 * @param frequency of the fundamental, in Hz
 * @param ratios of the partials' frequencies to it
 * @param levels of the partials
 * @param decay of the partials, a second
 * @param attack until a note is at its full level, in seconds
 * @param vibrato how far the frequency is bent, six times a second, as a part of it
 * @param noise level of the noise with which a note begins
 * @param noiseDecay of that noise, a second
 */
record Timbre(
    double frequency,
    List<Double> ratios,
    List<Double> levels,
    double decay,
    double attack,
    double vibrato,
    double noise,
    double noiseDecay) {
  private static final int TABLE_BITS = 12;
  private static final double[] SINE = sine();

  /** The instruments' timbres, in their order. */
  private static final List<Timbre> ALL =
      List.of(
          new Timbre(90, List.of(1.0), List.of(1.0), 18, 0, 0, .6, 30),
          new Timbre(260, List.of(1.0, 2.0, 3.0, 4.0), List.of(.6, .3, .2, .15), 9, 0, 0, 0, 0),
          new Timbre(
              150,
              List.of(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0),
              List.of(.4, .28, .23, .2, .18, .16, .15, .14),
              6,
              0,
              0,
              0,
              0),
          new Timbre(620, List.of(1.0), List.of(.8), 0, .05, .03, 0, 0),
          new Timbre(900, List.of(1.0, 1.48, 1.93), List.of(.5, .5, .5), 14, 0, 0, 0, 0));

  private static double[] sine() {
    double[] table = new double[1 << TABLE_BITS];
    for (int i = 0; i < table.length; i++) {
      table[i] = StrictMath.sin(2 * Math.PI * i / table.length);
    }
    return table;
  }

  static Timbre of(Instrument instrument) {
    return ALL.get(instrument.ordinal());
  }

  /**
   * Adds a note to a sound.
   *
   * @param wave what is added to
   * @param rate its samples a second
   * @param from the note's first sample
   * @param length its samples; it fades over the last tenth
   * @param pitch what its frequency is multiplied by
   * @param level what it is multiplied by
   */
  void add(double[] wave, int rate, int from, int length, double pitch, double level, Dice dice) {
    int partials = ratios.size();
    int[] phases = new int[partials];
    double[] steps = new double[partials];
    double[] amplitudes = new double[partials];
    for (int p = 0; p < partials; p++) {
      phases[p] = (int) dice.bits();
      amplitudes[p] = levels.get(p);
      steps[p] = frequency * ratios.get(p) * pitch / rate * 0x1p32;
    }
    double fading = StrictMath.exp(-decay / rate);
    double noiseFading = StrictMath.exp(-noiseDecay / rate);
    double tone = level;
    double hiss = noise * level;
    double rise = attack * rate;
    int end = length / 10;
    int bend = 0;
    int bending = (int) (6.0 / rate * 0x1p32);
    for (int i = 0; i < length; i++) {
      double sum = 0;
      double bent = 1 + vibrato * sine(bend);
      bend += bending;
      for (int p = 0; p < partials; p++) {
        sum += amplitudes[p] * sine(phases[p]);
        phases[p] += (int) (long) (steps[p] * bent);
      }
      double sample = tone * sum * (i < rise ? i / rise : 1);
      if (noise > 0) {
        sample += hiss * hiss(dice);
      }
      int left = length - i;
      wave[from + i] += left < end ? sample * left / end : sample;
      tone *= fading;
      hiss *= noiseFading;
    }
  }

  private static double sine(int phase) {
    return SINE[phase >>> (Integer.SIZE - TABLE_BITS)];
  }

  /** Noise of mean 0 and variance 1: the sum of four uniform numbers. */
  static double hiss(Dice dice) {
    long bits = dice.bits();
    long sum = (bits & 0xffff) + (bits >>> 16 & 0xffff) + (bits >>> 32 & 0xffff) + (bits >>> 48);
    // Four numbers of 0 to 2^16 - 1 have a mean of 131070 and a deviation of 37837.2 in all.
    return (sum - 131070) / 37837.2;
  }
}
