package org.optmerge.faults;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.optmerge.cli.Main;

/**
 * The command line in a process of its own, which may be limited, killed, or brought down.
 *
 * @param javaOptions of the Java machine
 * @param environment added to this process's
 * @param shell what a shell does before the command takes its place, such as {@code ulimit -n 64};
 *     empty for no shell
 */
record Child(List<String> javaOptions, Map<String, String> environment, String shell) {
  /** No process of these tests takes longer, on a machine that has other work as well. */
  private static final int MOST_SECONDS = 240;

  static final Child PLAIN = new Child(List.of(), Map.of(), "");

  /** The end of a process. */
  record Finished(int code, String out, String err) {}

  Child java(String... options) {
    return new Child(List.of(options), environment, shell);
  }

  Child with(String variable, Object value) {
    return new Child(javaOptions, Map.of(variable, value.toString()), shell);
  }

  Child after(String commands) {
    return new Child(javaOptions, environment, commands);
  }

  Process start(Object... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    if (!shell.isEmpty()) {
      command.addAll(List.of("bash", "-c", shell + "; exec \"$@\"", "limited"));
    }
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"));
    command.addAll(javaOptions);
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            Main.class.getName()));
    Arrays.stream(arguments).map(Object::toString).forEach(command::add);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    return builder.start();
  }

  /** Runs it to its end. */
  Finished run(Object... arguments) throws Exception {
    return finished(start(arguments));
  }

  static Finished finished(Process process) throws Exception {
    CompletableFuture<String> out = text(process.getInputStream());
    CompletableFuture<String> err = text(process.getErrorStream());
    if (!process.waitFor(MOST_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new TimeoutException("still running; so far: " + err.get(9, TimeUnit.SECONDS));
    }
    return new Finished(process.exitValue(), out.get(), err.get());
  }

  private static CompletableFuture<String> text(InputStream stream) {
    return CompletableFuture.supplyAsync(
        () -> {
          try (stream) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
          } catch (IOException e) {
            return "unreadable: " + e;
          }
        });
  }
}
