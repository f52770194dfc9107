package org.optmerge.analysis;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MagnitudeHistogramTest {
  @Test
  void four_bins_cover_one_octave() {
    // 1 = 2^0 has the biased exponent 127, so its bin is 4 * 127 = 508
    assertThat(MagnitudeHistogram.lowerEdge(508)).isEqualTo(1);
    assertThat(MagnitudeHistogram.lowerEdge(509)).isEqualTo(1.25);
    assertThat(MagnitudeHistogram.lowerEdge(510)).isEqualTo(1.5);
    assertThat(MagnitudeHistogram.lowerEdge(511)).isEqualTo(1.75);
    assertThat(MagnitudeHistogram.lowerEdge(512)).isEqualTo(2);
    assertThat(MagnitudeHistogram.lowerEdge(MagnitudeHistogram.BINS)).isEqualTo(0x1p128);
  }

  @Test
  void counts_magnitudes_and_no_zeros() {
    MagnitudeHistogram histogram = new MagnitudeHistogram();
    for (float value : new float[] {1, -1.2f, 1.25f, -3, 0, -0f}) {
      histogram.add(value);
    }

    assertThat(histogram.count()).isEqualTo(4);
    assertThat(histogram.count(508)).isEqualTo(2); // 1 and 1.2
    assertThat(histogram.count(509)).isEqualTo(1); // 1.25
    assertThat(histogram.count(514)).isEqualTo(1); // 3 in [3, 3.5)
  }

  @Test
  void adds_up() {
    MagnitudeHistogram left = new MagnitudeHistogram();
    left.add(1f);
    MagnitudeHistogram right = new MagnitudeHistogram();
    right.add(1f);
    right.add(2f);

    left.add(right);

    assertThat(left.count()).isEqualTo(3);
    assertThat(left.count(508)).isEqualTo(2);
  }
}
