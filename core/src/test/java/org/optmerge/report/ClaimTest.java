package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ClaimTest {
  @Test
  void a_claim_that_holds_is_said() {
    assertThat(Claim.holds("two is more than one", 2 > 1)).isEqualTo("holds: two is more than one");
  }

  @Test
  void a_claim_that_does_not_hold_ends_the_notebook() {
    assertThatThrownBy(() -> Claim.holds("one is more than two", 1 > 2))
        .isInstanceOf(AssertionError.class)
        .hasMessage("does not hold: one is more than two");
  }
}
