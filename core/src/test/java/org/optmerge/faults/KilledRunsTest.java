package org.optmerge.faults;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A few of the kills of {@code environment/faults}. */
@Tag("faults")
class KilledRunsTest {
  @TempDir private Path dir;

  @ParameterizedTest
  @EnumSource(KillRuns.Kind.class)
  void a_merge_that_is_killed_is_resumed_to_the_same_bytes(KillRuns.Kind kind) throws Exception {
    JsonNode outcome = new KillRuns(dir, kind.ordinal()).kill(kind, 1);

    assertThat(outcome.path("findings")).isEmpty();
    assertThat(outcome.path("identical").asInt()).isEqualTo(1);
  }
}
