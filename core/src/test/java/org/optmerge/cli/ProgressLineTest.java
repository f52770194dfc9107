package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.optmerge.base.Progress;

class ProgressLineTest {
  private final StringWriter err = new StringWriter();
  private final AtomicLong nanos = new AtomicLong();

  private ProgressLine line(ProgressLine.Style style) {
    return new ProgressLine(new PrintWriter(err), style, nanos::get);
  }

  private void pass(double seconds) {
    nanos.addAndGet((long) (seconds * 1e9));
  }

  @Test
  void a_log_gets_a_line_every_five_seconds() {
    try (ProgressLine progress = line(ProgressLine.Style.LINES)) {
      progress.started("merging", 1_000_000, Progress.BYTES);
      progress.parts(4, "tensors");
      pass(4.9);
      progress.advanced(100_000);
      pass(0.1);
      progress.finishedPart("x");
      progress.advanced(100_000);
    }

    // after 5 s 100 kB of 1 MB: 20 kB/s, 45 s for the rest
    assertThat(err.toString().lines())
        .containsExactly("merging   10 %  100 kB of 1.00 MB  1 of 4 tensors  20.0 kB/s  45 s left");
  }

  @Test
  void what_an_earlier_run_did_counts_as_done_but_not_for_the_rate() {
    try (ProgressLine progress = line(ProgressLine.Style.LINES)) {
      progress.started("merging", 1000, Progress.BYTES);
      progress.parts(4, "tensors");
      progress.resumed(500, 2);
      pass(5);
      progress.advanced(100);
    }

    // 100 B in 5 s; 400 B are left
    assertThat(err.toString())
        .isEqualTo(
            "merging   60 %  600 B of 1.00 kB  2 of 4 tensors  20 B/s  20 s left"
                + System.lineSeparator());
  }

  @Test
  void a_terminal_gets_one_line_that_is_written_over_and_left_at_the_end() {
    try (ProgressLine progress = line(ProgressLine.Style.IN_PLACE)) {
      progress.started("merging", 100, Progress.BYTES);
      progress.parts(1, "tensors");
      pass(0.25);
      progress.advanced(50);
      pass(0.25);
      progress.advanced(50);
      progress.finishedPart("x");
      progress.finished();
    }

    String[] drawn = err.toString().split("\r", -1);
    assertThat(drawn).hasSize(4);
    assertThat(drawn[1]).startsWith("merging   50 %").endsWith("\u001b[K");
    assertThat(drawn[3]).startsWith("merging  100 %  100 B of 100 B  1 of 1 tensors");
    assertThat(err.toString()).endsWith("\u001b[K" + System.lineSeparator());
  }

  @Test
  void a_line_never_wraps() {
    try (ProgressLine progress = line(ProgressLine.Style.IN_PLACE)) {
      progress.started("working", 123_456_789, Progress.BYTES);
      progress.parts(12_345, "tensors");
      progress.phase("a phase with a name that goes on for much longer than anyone would expect");
      pass(1);
      progress.advanced(1);
    }

    String drawn = err.toString().stripTrailing();
    assertThat(drawn).hasSize("\r".length() + 79 + "\u001b[K".length());
  }

  @Test
  void a_program_gets_json() throws IOException {
    try (ProgressLine progress = line(ProgressLine.Style.JSON)) {
      progress.started("merging", 1000, Progress.BYTES);
      progress.parts(2, "tensors");
      pass(1);
      progress.advanced(250);
      progress.finishedPart("x");
      progress.finished();
    }

    List<JsonNode> events = new ArrayList<>();
    for (String line : err.toString().lines().toList()) {
      events.add(new ObjectMapper().readTree(line));
    }
    assertThat(events).hasSize(2);
    JsonNode first = events.get(0);
    assertThat(first.path("event").asText()).isEqualTo("progress");
    assertThat(first.path("phase").asText()).isEqualTo("merging");
    assertThat(first.path("bytes").asLong()).isEqualTo(250);
    assertThat(first.path("total_bytes").asLong()).isEqualTo(1000);
    assertThat(first.path("bytes_per_second").asDouble()).isEqualTo(250);
    assertThat(first.path("seconds_left").asDouble()).isEqualTo(3);
    assertThat(events.get(1).path("tensors").asInt()).isEqualTo(1);
  }

  @Test
  void what_is_over_at_once_is_not_shown() {
    try (ProgressLine progress = line(ProgressLine.Style.LINES)) {
      progress.started("working", 100, Progress.BYTES);
      progress.parts(1, "tensors");
      progress.advanced(100);
      progress.finished();
    }

    assertThat(err.toString()).isEmpty();
  }

  @Test
  void other_units_are_counted_as_they_are_and_a_detail_comes_last() {
    try (ProgressLine progress = line(ProgressLine.Style.LINES)) {
      progress.started("asking Base", 40, "questions");
      progress.detail("λ = 0.5");
      pass(5);
      progress.advanced(10);
    }

    assertThat(err.toString().stripTrailing())
        .isEqualTo("asking Base   25 %  10 of 40 questions  2.0000/s  15 s left  λ = 0.5");
  }

  @Test
  void quiet_shows_nothing() {
    try (ProgressLine progress = line(ProgressLine.Style.NONE)) {
      progress.started("working", 100, Progress.BYTES);
      progress.parts(1, "tensors");
      pass(1000);
      progress.advanced(100);
      progress.finished();
    }

    assertThat(err.toString()).isEmpty();
  }
}
