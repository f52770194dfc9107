package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressBarTest {
  private static final long SECOND = 1_000_000_000;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final AtomicLong now = new AtomicLong(7);

  private ProgressBar bar(long total) {
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    return new ProgressBar(out, "Asking", total, now::get);
  }

  private String written() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void it_shows_how_much_is_done_and_how_long_it_will_take() {
    ProgressBar bar = bar(400);

    now.addAndGet(2 * SECOND);
    bar.add(100);

    assertThat(written()).isEqualTo("\rAsking  ██████░░░░░░░░░░░░░░░░░░  25 %  6 s left");
  }

  @Test
  void it_is_written_over_and_what_it_leaves_does_not_say_how_long_it_took() {
    try (ProgressBar bar = bar(2)) {
      bar.add(1);
      now.addAndGet(5 * SECOND);
      bar.add(1);
    }

    String[] lines = written().split("\r");
    String last = lines[lines.length - 1];
    assertThat(last).endsWith(System.lineSeparator());
    assertThat(last.strip()).isEqualTo("Asking: done");
    assertThat(last.stripTrailing().length()).isLessThan(lines[1].length());
    assertThat(last.length()).isGreaterThanOrEqualTo(lines[2].length());
  }

  @Test
  void it_is_shown_a_few_times_a_second_however_often_it_is_told() {
    ProgressBar bar = bar(10_000);
    for (int i = 0; i < 10_000; i++) {
      now.addAndGet(SECOND / 10_000);
      bar.add(1);
    }

    assertThat(written().chars().filter(c -> c == '\r').count()).isBetween(4L, 6L);
  }

  @Test
  void work_that_stops_is_not_called_done_and_closing_twice_says_it_once() {
    ProgressBar bar = bar(4);
    bar.add(1);
    bar.close();
    bar.close();

    assertThat(written()).contains("Asking: stopped at 25 %").doesNotContain("done");
    assertThat(written().chars().filter(c -> c == '\n').count()).isEqualTo(1);
  }

  @Test
  void it_follows_a_merge() {
    ProgressBar bar = bar(0);
    bar.started("merging", 1_000, ProgressBar.BYTES);
    bar.phase("merging");
    now.addAndGet(SECOND / 2);
    bar.advanced(500);

    assertThat(written()).contains("0 %  merging").contains("50 %  merging");
  }
}
