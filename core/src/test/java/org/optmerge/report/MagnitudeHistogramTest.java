package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class MagnitudeHistogramTest {
  @Test
  void counts_magnitudes_in_quarters_of_an_octave_as_worked_out_by_hand() {
    MagnitudeHistogram histogram = new MagnitudeHistogram();
    // The octave [1, 2) is cut at 1.189, 1.414 and 1.682; the sign does not matter.
    histogram.add(new float[] {1f, -1.1f, 1.2f, 1.41f, 1.5f, -1.9f, 0f, -0f, 99f}, 8);

    int one = 127 * 4;
    assertThat(histogram.total()).isEqualTo(8);
    assertThat(histogram.zeroShare()).isEqualTo(2 / 8.0);
    assertThat(histogram.share(one)).isEqualTo(2 / 8.0);
    assertThat(histogram.share(one + 1)).isEqualTo(2 / 8.0);
    assertThat(histogram.share(one + 2)).isEqualTo(1 / 8.0);
    assertThat(histogram.share(one + 3)).isEqualTo(1 / 8.0);
    assertThat(histogram.centre(one)).isCloseTo(Math.pow(2, 1 / 8.0), within(1e-12));
    assertThat(histogram.centre(one - 4)).isCloseTo(Math.pow(2, -7 / 8.0), within(1e-12));
  }

  @Test
  void every_number_lies_in_the_bin_around_it() {
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 2_000; i++) {
      float value = (float) Math.pow(10, random.nextDouble(-30, 30));
      MagnitudeHistogram histogram = new MagnitudeHistogram();
      histogram.add(value);
      int bin = 0;
      while (histogram.share(bin) == 0) {
        bin++;
      }
      assertThat(Math.abs(Math.log(value / histogram.centre(bin)) / Math.log(2)))
          .isLessThanOrEqualTo(1 / 8.0 + 1e-6);
    }
  }

  @Test
  void parts_added_together_are_the_whole() {
    MagnitudeHistogram whole = new MagnitudeHistogram();
    MagnitudeHistogram left = new MagnitudeHistogram();
    MagnitudeHistogram right = new MagnitudeHistogram();
    for (float value : new float[] {0f, 1e-3f, 2e-3f, -1e-3f}) {
      whole.add(value);
      (value > 1e-3f ? left : right).add(value);
    }
    left.add(right);

    assertThat(left.total()).isEqualTo(whole.total());
    assertThat(left.zeroShare()).isEqualTo(whole.zeroShare());
    for (int bin = 0; bin < whole.bins(); bin++) {
      assertThat(left.share(bin)).isEqualTo(whole.share(bin));
    }
  }

  @Test
  void an_empty_histogram_has_no_shares() {
    assertThat(new MagnitudeHistogram().zeroShare()).isZero();
    assertThat(new MagnitudeHistogram().share(500)).isZero();
  }
}
