package org.optmerge.model.audio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.model.media.Audio;

class FilterBankTest {
  /** BEATs' bank without its normalisation. */
  private static final FilterBank KALDI =
      new FilterBank(16_000, 400, 160, 128, 20, 8000, .97, 0, 1);

  /** Noise of a linear congruential generator on a sawtooth: integers, so the same everywhere. */
  private static Audio sawtooth(int samples) {
    float[] wave = new float[samples];
    long state = 2026;
    for (int i = 0; i < samples; i++) {
      state = state * 1_103_515_245L + 12_345 & 0x7fffffff;
      int noise = (int) (state >> 15 & 0xffff) - 32_768;
      wave[i] = (Math.floorDiv(noise, 8) + (i * 37 % 400 - 200) * 40 + 500) / 32_768f;
    }
    return new Audio(16_000, wave);
  }

  /**
   * Values of torchaudio 2.7.1's {@code compliance.kaldi.fbank} in float64, of the same sound times
   * 2^15: bins 0, 1, 9, 18, 27 and so on. Its mel scale is in float32 there too, and all of it in
   * float32 differs by up to 2e-4.
   */
  @ParameterizedTest
  @CsvSource({
    "0, '13.31973, 10.95766, 11.87959, 14.66010, 16.70800, 17.87256, 19.81417, 19.44407,"
        + " 20.11726, 21.03218, 21.55845, 22.44186, 22.53137, 22.71427, 22.65778, 23.37751'",
    "11, '13.90553, 10.85063, 11.61107, 15.70001, 16.05877, 18.72193, 19.94336, 20.21456,"
        + " 20.35275, 20.88047, 22.56045, 20.78008, 22.56401, 23.02798, 23.42095, 23.34207'",
    "22, '11.47926, 8.67286, 14.67647, 15.18790, 17.43781, 16.97014, 19.21829, 18.70738,"
        + " 21.55977, 20.75579, 21.27563, 22.37770, 23.23952, 23.37618, 23.70856, 22.82860'",
  })
  void values_are_those_of_torchaudio(int frame, String recorded) {
    double[] expected =
        Arrays.stream(recorded.split(",\\s*")).mapToDouble(Double::valueOf).toArray();

    LogMel mel = KALDI.of(sawtooth(4000));

    assertThat(mel.frames()).isEqualTo(23);
    assertThat(mel.bins()).isEqualTo(128);
    int[] bins = {0, 1, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 99, 108, 117, 127};
    for (int i = 0; i < bins.length; i++) {
      assertThat((double) mel.value(frame, bins[i])).isCloseTo(expected[i], within(5e-5));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "16000, 400, 160, 128, 20, 8000",
    "8000, 256, 80, 23, 0, 3900",
    "16000, 640, 320, 48, 40, 4000"
  })
  void values_are_those_of_the_definition_summed_directly(
      int rate, int length, int shift, int bins, double low, double high) {
    Audio audio = new Audio(rate, sawtooth(3 * length).samples());
    FilterBank bank = new FilterBank(rate, length, shift, bins, low, high, .97, 0, 1);

    LogMel mel = bank.of(audio);

    for (int frame : new int[] {0, mel.frames() - 1}) {
      double[] expected = direct(audio.samples(), frame * shift, bank);
      for (int b = 0; b < bins; b++) {
        assertThat((double) mel.value(frame, b)).isCloseTo(expected[b], within(1e-5));
      }
    }
  }

  /** One frame by a discrete Fourier transform written out, Math's functions and whole vectors. */
  private static double[] direct(float[] samples, int start, FilterBank bank) {
    int n = bank.frameLength();
    double mean = 0;
    for (int i = 0; i < n; i++) {
      mean += 32_768.0 * samples[start + i] / n;
    }
    double[] x = new double[n];
    for (int i = 0; i < n; i++) {
      double now = 32_768.0 * samples[start + i] - mean;
      double before = 32_768.0 * samples[start + Math.max(0, i - 1)] - mean;
      double window = Math.pow(.5 * (1 - Math.cos(2 * Math.PI * i / (n - 1))), .85);
      x[i] = (now - .97 * before) * window;
    }
    int padded = 1;
    while (padded < n) {
      padded *= 2;
    }
    double lowest = 1127 * Math.log1p(bank.low() / 700);
    double width = (1127 * Math.log1p(bank.high() / 700) - lowest) / (bank.bins() + 1);
    double[] energy = new double[bank.bins()];
    for (int k = 0; k < padded / 2; k++) {
      double re = 0;
      double im = 0;
      for (int i = 0; i < n; i++) {
        double angle = 2 * Math.PI * ((long) k * i % padded) / padded;
        re += x[i] * Math.cos(angle);
        im += x[i] * Math.sin(angle);
      }
      double mel = 1127 * Math.log1p(k * (double) bank.sampleRate() / padded / 700);
      for (int b = 0; b < energy.length; b++) {
        double distance = Math.abs(mel - (lowest + (b + 1) * width)) / width;
        energy[b] += Math.max(0, 1 - distance) * (re * re + im * im);
      }
    }
    return Arrays.stream(energy).map(e -> Math.log(Math.max(e, Math.ulp(1f)))).toArray();
  }

  @Test
  void beats_normalises_by_mean_and_twice_the_deviation() {
    Audio audio = sawtooth(1000);
    LogMel plain = KALDI.of(audio);

    LogMel normalised = FilterBank.BEATS.of(audio);

    for (int i = 0; i < plain.values().length; i++) {
      assertThat(normalised.values()[i])
          .isCloseTo((plain.values()[i] - 15.41663f) / 13.11164f, within(1e-5f));
    }
  }

  @Test
  void a_tone_is_loudest_in_the_band_around_it() {
    float[] wave = new float[1600];
    for (int i = 0; i < wave.length; i++) {
      wave[i] = (float) (.5 * Math.sin(2 * Math.PI * 1000 * i / 16_000));
    }
    LogMel mel = KALDI.of(new Audio(16_000, wave));
    int loudest = 0;
    for (int b = 0; b < 128; b++) {
      loudest = mel.value(3, b) > mel.value(3, loudest) ? b : loudest;
    }

    // 1000 Hz is 1000 mel, but for a hundredth; the bands' middles are 21.77 mel apart from 31.7
    // on.
    assertThat(loudest).isEqualTo((int) Math.round((1000 - 31.7) / 21.77) - 1);
  }

  @Test
  void silence_is_the_floor_and_so_is_a_constant() {
    for (float level : new float[] {0, .5f}) {
      float[] wave = new float[400];
      Arrays.fill(wave, level);

      assertThat(KALDI.of(new Audio(16_000, wave)).values())
          .containsOnly((float) Math.log(Math.ulp(1f)));
    }
  }

  @ParameterizedTest
  @CsvSource({"399, 0", "400, 1", "559, 1", "560, 2", "16000, 98"})
  void frames_that_do_not_fit_are_left_out(int samples, int frames) {
    assertThat(KALDI.frames(samples)).isEqualTo(frames);
  }

  @Test
  void frames_are_cut_or_filled_with_zeros() {
    LogMel mel = new LogMel(2, 2, new float[] {1, 2, 3, 4});

    assertThat(mel.withFrames(1))
        .usingRecursiveComparison()
        .isEqualTo(new LogMel(1, 2, new float[] {1, 2}));
    assertThat(mel.withFrames(3))
        .usingRecursiveComparison()
        .isEqualTo(new LogMel(3, 2, new float[] {1, 2, 3, 4, 0, 0}));
  }

  @Test
  void a_sound_of_another_rate_or_shorter_than_a_frame_is_refused() {
    assertThatThrownBy(() -> KALDI.of(new Audio(8000, new float[8000])))
        .hasMessage("the filter bank is for 16000 Hz, the sound has 8000; resample it first");
    assertThatThrownBy(() -> KALDI.of(new Audio(16_000, new float[399])))
        .hasMessage("a sound of 399 samples is shorter than a frame of 400");
  }

  @ParameterizedTest
  @ValueSource(doubles = {8001, 20, Double.NaN})
  void rejects_bands_outside_the_spectrum(double high) {
    assertThatThrownBy(() -> new FilterBank(16_000, 400, 160, 128, 20, high, .97, 0, 1))
        .hasMessageContaining("bands must lie between 0 and 8000.0 Hz");
  }

  @Test
  void rejects_lengths_and_a_deviation_that_are_not_positive() {
    assertThatThrownBy(() -> new FilterBank(16_000, 0, 160, 128, 20, 8000, .97, 0, 1))
        .hasMessageContaining("must be positive, are 16000, 0, 160, 128");
    assertThatThrownBy(() -> new FilterBank(16_000, 400, 160, 128, 20, 8000, .97, 0, 0))
        .hasMessageContaining("the deviation positive");
    assertThatThrownBy(() -> new LogMel(2, 2, new float[3]))
        .hasMessage("2 frames of 2 bins are not 3 values");
  }
}
