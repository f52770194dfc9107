package org.optmerge.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Locale;
import org.junit.jupiter.api.Test;

class PercentTest {
  @Test
  void a_share_is_written_with_a_point_whatever_the_language_of_the_machine() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.GERMANY);

      assertThat(Percent.of(0.6126)).isEqualTo("61.3");
      assertThat(Percent.of(0.6126, 2)).isEqualTo("61.26");
      assertThat(Percent.range(0.5, 0.75)).isEqualTo("[50.0, 75.0]");
      assertThat(Percent.range(0.5, 0.75, 2)).isEqualTo("[50.00, 75.00]");
      assertThat(Percent.withSign(0.1234)).isEqualTo("12.3 %");
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void the_share_of_nothing_is_a_dash() {
    assertThat(Percent.withSign(Double.NaN)).isEqualTo("-");
    assertThat(Percent.withSign(Double.POSITIVE_INFINITY)).isEqualTo("-");
  }
}
