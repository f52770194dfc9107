package org.optmerge.python;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PythonTextTest {
  @ParameterizedTest
  @CsvSource({
    "5.,5",
    ".5,0.5",
    "1_000,1000",
    "+7.3,7.3",
    "1e400,Infinity",
    "-INF,-Infinity",
    "٥,5"
  })
  void reads_floats_that_java_does_not(String text, double value) {
    assertThat(PythonText.parseFloat(text)).hasValue(value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", " ", "1,000", "0x10", "1d", "1f", "5%", "1__0", "_1", "1_", ".", "e5", "1e", "--1"
      })
  void refuses_floats_that_python_refuses(String text) {
    assertThat(PythonText.parseFloat(text)).isEmpty();
  }

  @Test
  void reads_integers_with_underscores_and_leading_zeros_only() {
    assertThat(PythonText.parseInt(" -0_07 ")).contains(BigInteger.valueOf(-7));
    assertThat(PythonText.parseInt("1.0")).isEmpty();
    assertThat(PythonText.parseInt("9".repeat(4300))).isPresent();
    assertThat(PythonText.parseInt("9".repeat(4301))).isEmpty();
  }

  @Test
  void rounds_to_two_decimals_from_the_binary_value() {
    assertThat(PythonText.twoDecimals(0.125)).isEqualTo("0.12");
    assertThat(PythonText.twoDecimals(2.675)).isEqualTo("2.67");
    assertThat(PythonText.twoDecimals(-0.001)).isEqualTo("-0.00");
    assertThat(PythonText.twoDecimals(Double.NEGATIVE_INFINITY)).isEqualTo("-inf");
  }

  @ParameterizedTest
  @CsvSource({
    "1e-05,1e-05",
    "0.0001,0.0001",
    "1e16,1e+16",
    "123456789012345680,1.2345678901234568e+17",
    "9007199254740992,9007199254740992.0",
    "0.1,0.1",
    "5e-324,5e-324",
    "-0.0,-0.0",
    "2e-7,2e-07"
  })
  void writes_floats_as_python_does(double value, String text) {
    assertThat(PythonText.repr(value)).isEqualTo(text);
  }

  @Test
  void knows_white_space_that_java_does_not() {
    assertThat(PythonText.split("a\u00a0b\u0085c\u2007d\u202fe"))
        .containsExactly("a", "b", "c", "d", "e");
    assertThat(PythonText.strip("\u00a0 x \u3000")).isEqualTo("x");
    assertThat(PythonText.isWord('²')).isTrue();
    assertThat(PythonText.isWord('\u0301')).isFalse();
  }

  @Test
  void a_sigma_is_final_after_a_letter_and_before_none() {
    assertThat(PythonText.lower("ΣΑΣ ΑΣ. ΑΣ'Α Σ ΑΣ\u0301")).isEqualTo("σας ας. ασ'α σ ας\u0301");
    assertThat(PythonText.lower("İΣİ")).isEqualTo("i\u0307σi\u0307");
    assertThat(PythonText.upper("ß".repeat(300) + "😀ŉ")).isEqualTo("SS".repeat(300) + "😀ʼN");
  }

  @Test
  void the_length_in_upper_case_is_that_of_the_text_in_upper_case() {
    for (String text : new String[] {"", "abc", "Straße", "ßßaŉ😀İı", "\ud800x", "ﬃΐ"}) {
      assertThat(PythonText.upperLength(text)).isEqualTo(PythonText.length(PythonText.upper(text)));
    }
  }
}
