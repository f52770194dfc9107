package org.optmerge.model.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ResamplerTest {
  /** Noise of a linear congruential generator on a sawtooth: integers, so the same everywhere. */
  private static float[] sawtooth(int samples) {
    float[] wave = new float[samples];
    long state = 2026;
    for (int i = 0; i < samples; i++) {
      state = state * 1_103_515_245L + 12_345 & 0x7fffffff;
      int noise = (int) (state >> 15 & 0xffff) - 32_768;
      wave[i] = (Math.floorDiv(noise, 8) + (i * 37 % 400 - 200) * 40 + 500) / 32_768f;
    }
    return wave;
  }

  /**
   * Values of torchaudio 2.7.1's {@code functional.resample} in float64: 0, 1, 50, 100, the last
   * two.
   */
  @ParameterizedTest
  @CsvSource({
    "44100, 218, '-0.2096385, -0.1649580, 0.1630922, 0.0192965, -0.0969748, -0.1062135'",
    "8000, 1200, '-0.3293030, -0.3125371, 0.0452546, 0.1941337, -0.0803835, -0.0439638'",
    "48000, 200, '-0.2011824, -0.1531216, 0.1598299, 0.1488204, 0.0485038, -0.1551668'",
  })
  void values_are_those_of_torchaudio(int rate, int count, String recorded) {
    double[] expected = Arrays.stream(recorded.split(", ")).mapToDouble(Double::valueOf).toArray();

    float[] result = new Audio(rate, sawtooth(600)).resampled(16_000).samples();

    assertThat(result).hasSize(count);
    int[] places = {0, 1, 50, 100, count - 2, count - 1};
    for (int i = 0; i < places.length; i++) {
      assertThat((double) result[places[i]]).isCloseTo(expected[i], within(2e-7));
    }
  }

  @ParameterizedTest
  @CsvSource({"44100, 16000", "8000, 16000", "22050, 16000", "16000, 11025", "44056, 16000"})
  void a_tone_both_rates_can_hold_stays_the_same_tone(int from, int to) {
    Audio resampled = Resampler.SHARP.resample(tone(1000, from, from / 4), to);

    float[] expected = tone(1000, to, resampled.samples().length).samples();
    for (int i = to / 50; i < expected.length - to / 50; i++) {
      assertThat(resampled.samples()[i]).isCloseTo(expected[i], within(2e-3f));
    }
  }

  @Test
  void a_tone_the_lower_rate_cannot_hold_is_left_out() {
    for (Resampler resampler : new Resampler[] {Resampler.TORCHAUDIO, Resampler.SHARP}) {
      float[] result = resampler.resample(tone(11_000, 44_100, 11_025), 16_000).samples();
      for (int i = 200; i < result.length - 200; i++) {
        assertThat(Math.abs(result[i])).isLessThan(.01f);
      }
    }
  }

  private static Audio tone(double hertz, int rate, int samples) {
    float[] wave = new float[samples];
    for (int i = 0; i < samples; i++) {
      wave[i] = (float) (.5 * Math.sin(2 * Math.PI * hertz * i / rate));
    }
    return new Audio(rate, wave);
  }

  @Test
  void a_sound_of_the_rate_is_returned_as_it_is() {
    Audio audio = tone(440, 16_000, 100);

    assertThat(audio.resampled(16_000)).isSameAs(audio);
  }

  @Test
  void rates_and_settings_out_of_range_are_refused() {
    Audio audio = tone(440, 16_000, 100);

    assertThatThrownBy(() -> audio.resampled(0))
        .hasMessage("a sound of 16000 Hz cannot be turned into one of 0 Hz");
    assertThatThrownBy(() -> audio.resampled(2_000_000)).hasMessageContaining("2000000 Hz");
    assertThatThrownBy(() -> new Resampler(0, .9)).hasMessageContaining("not 0 and 0.9");
    assertThatThrownBy(() -> new Resampler(6, 1.1)).hasMessageContaining("not 6 and 1.1");
  }
}
