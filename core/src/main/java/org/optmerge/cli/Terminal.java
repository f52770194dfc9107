package org.optmerge.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * The kind of the output streams.
 *
 * @param output whether standard output is a terminal
 * @param error whether standard error is a terminal
 * @param color whether colours are wanted on a terminal
 */
record Terminal(boolean output, boolean error, boolean color) {
  /** Files or pipes. */
  static final Terminal NONE = new Terminal(false, false, false);

  /** The terminal of this process. */
  static Terminal ofProcess() {
    return new Terminal(isTerminal(1), isTerminal(2), wantsColor(System.getenv()));
  }

  /**
   * True unless {@code NO_COLOR} is set and not empty, or the terminal cannot show any.
   *
   * @see <a href="https://no-color.org">no-color.org</a>
   */
  static boolean wantsColor(Map<String, String> environment) {
    return environment.getOrDefault("NO_COLOR", "").isEmpty()
        && !environment.getOrDefault("TERM", "").equals("dumb");
  }

  /** Java tells only whether input and output both are one; Linux tells for each. */
  private static boolean isTerminal(int descriptor) {
    Path link = Path.of("/proc/self/fd/" + descriptor);
    if (Files.isSymbolicLink(link)) {
      try {
        String target = Files.readSymbolicLink(link).toString();
        return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
      } catch (IOException e) {
        return false; // then nothing is drawn in place, which is right for any output
      }
    }
    return System.console() != null;
  }
}
