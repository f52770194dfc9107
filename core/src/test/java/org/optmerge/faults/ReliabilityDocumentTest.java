package org.optmerge.faults;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

class ReliabilityDocumentTest {
  @Test
  void the_document_is_what_the_records_say() throws IOException {
    assertThat(Files.readString(ReliabilityDocument.FILE)).isEqualTo(ReliabilityDocument.text());
  }

  @Test
  void every_kill_of_the_recorded_run_was_resumed_to_the_same_bytes() throws IOException {
    long kills = 0;
    for (JsonNode line : new ObjectMapper().readTree(KillRuns.RECORD.toFile())) {
      assertThat(line.path("identical").asLong()).isEqualTo(line.path("kills").asLong());
      assertThat(line.path("open").asLong()).isZero();
      kills += line.path("kills").asLong();
    }
    assertThat(kills).isGreaterThanOrEqualTo(200);
  }
}
