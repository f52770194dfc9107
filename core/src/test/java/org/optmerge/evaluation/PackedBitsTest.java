package org.optmerge.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PackedBitsTest {
  @ParameterizedTest
  @CsvSource({"'', 0:0", "0, 1:0", "1, 1:1", "0001, 4:1", "1111111111, 10:3ff", "00000000, 8:0"})
  void zeros_and_ones_are_their_number_in_hexadecimal(String bits, String packed) {
    assertThat(PackedBits.pack(bits)).isEqualTo(packed);
    assertThat(PackedBits.unpack(packed)).isEqualTo(bits);
  }

  @Test
  void whatever_is_packed_comes_back() {
    Random random = new Random(7);
    for (int length = 0; length < 300; length++) {
      StringBuilder bits = new StringBuilder();
      for (int i = 0; i < length; i++) {
        bits.append(random.nextInt(2));
      }
      assertThat(PackedBits.unpack(PackedBits.pack(bits.toString()))).isEqualTo(bits.toString());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0101", "3:ff", "4:-1", "x:1", "-1:0", "4:", "4:g", ":1"})
  void other_texts_are_none(String packed) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PackedBits.unpack(packed))
        .withMessageContaining("packed bits");
  }
}
