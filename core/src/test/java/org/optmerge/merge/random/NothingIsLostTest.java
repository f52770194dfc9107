package org.optmerge.merge.random;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * No exit 0 without the whole truth: over random folders, every trained number is in the output, or
 * is named in a warning and in {@code optmerge.json}, or the merge is refused with a reason.
 */
@Tag("slow")
class NothingIsLostTest {
  private static final int FOLDERS = 2_000;

  @TempDir Path dir;

  @Test
  void every_trained_number_is_merged_or_named_or_the_merge_is_refused() throws IOException {
    RandomMerges tally = new RandomMerges();
    for (long seed = 0; seed < FOLDERS; seed++) {
      tally.add(seed, dir);
    }

    assertThat(tally.faults).isEmpty();
    // Refusing everything would be honest, and of no use.
    assertThat(tally.whole).isGreaterThan(FOLDERS / 3);
    assertThat(tally.named).isPositive();
    assertThat(tally.refused).isPositive();
  }
}
