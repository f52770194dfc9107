package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ScaleTest {
  @Test
  void it_is_full_unless_something_else_is_said() {
    assertThat(Scale.of(null)).isEqualTo(Scale.FULL);
    assertThat(Scale.of(" ")).isEqualTo(Scale.FULL);
    assertThat(Scale.of("full")).isEqualTo(Scale.FULL);
    assertThat(Scale.of("Tiny")).isEqualTo(Scale.TINY);
  }

  @Test
  void another_word_is_refused() {
    assertThatThrownBy(() -> Scale.of("small"))
        .hasMessage("OPTMERGE_SCALE: must be full or tiny, is 'small'");
  }
}
