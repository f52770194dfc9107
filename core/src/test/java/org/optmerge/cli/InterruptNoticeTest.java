package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class InterruptNoticeTest {
  /** Works until it is ended, or, with an argument, is done at once. */
  static final class Work {
    private Work() {}

    public static void main(String[] arguments) throws InterruptedException {
      try (InterruptNotice notice = new InterruptNotice(() -> System.out.println("resume me"))) {
        System.out.println("working");
        if (arguments.length == 0) {
          Thread.sleep(60_000);
        }
      }
    }
  }

  private static Process start(String... arguments) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Work.class.getName());
    builder.command().addAll(List.of(arguments));
    return builder.start();
  }

  @Test
  void work_that_is_ended_says_how_to_go_on() throws Exception {
    Process process = start();
    try (BufferedReader output =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      assertThat(output.readLine()).isEqualTo("working");
      process.toHandle().destroy(); // SIGTERM, which the JVM takes as it takes Ctrl-C
      assertThat(output.readLine()).isEqualTo("resume me");
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isNotZero();
    }
  }

  @Test
  void work_that_is_done_says_nothing() throws Exception {
    Process process = start("short");
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(output.lines()).containsExactly("working");
    assertThat(process.exitValue()).isZero();
  }
}
