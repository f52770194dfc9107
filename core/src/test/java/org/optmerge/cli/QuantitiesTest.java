package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantitiesTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "999, 999 B",
    "999.4, 999 B",
    "1000, 1.00 kB",
    "9994, 9.99 kB",
    "9996, 10.0 kB",
    "999600, 1.00 MB",
    "988097824, 988 MB",
    "1.47e9, 1.47 GB",
    "1e18, 1.00 EB",
    "1e22, 10000 EB"
  })
  void bytes_have_three_digits_and_a_decimal_unit(double bytes, String text) {
    assertThat(Quantities.bytes(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({"12, 12", "494032768, 494 M", "1540, 1.54 k"})
  void counts_have_three_digits(double count, String text) {
    assertThat(Quantities.count(count)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "0.04, 0.0 s",
    "9.9, 9.9 s",
    "9.96, 10 s",
    "59.4, 59 s",
    "59.6, 1 min 00 s",
    "200, 3 min 20 s",
    "3599.6, 1 h 00 min",
    "7500, 2 h 05 min"
  })
  void durations_have_two_units_at_most(double seconds, String text) {
    assertThat(Quantities.seconds(seconds)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0.0000",
    "0.5, 0.5000",
    "-12.345, -12.35",
    "0.00012, 1.200e-04",
    "123456, 1.235e+05",
    "1234.56, 1234.6",
    "NaN, -"
  })
  void numbers_keep_four_digits(double value, String text) {
    assertThat(Quantities.number(value)).isEqualTo(text);
  }

  @Test
  void shapes_and_plurals_read_naturally() {
    assertThat(Quantities.shape(List.of(896L, 128L))).isEqualTo("896 x 128");
    assertThat(Quantities.shape(List.of())).isEqualTo("scalar");
    assertThat(Quantities.of(1, "tensor")).isEqualTo("1 tensor");
    assertThat(Quantities.of(2, "tensor")).isEqualTo("2 tensors");
  }
}
