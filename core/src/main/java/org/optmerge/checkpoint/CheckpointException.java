package org.optmerge.checkpoint;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.OptMergeException;

/**
 * A checkpoint that cannot be used; the message names file, tensor, what was expected and what
 * came.
 */
public final class CheckpointException extends OptMergeException {
  /** Names in files that nobody has checked may be as long as the file. */
  private static final int LONGEST_QUOTE = 200;

  public CheckpointException(String message) {
    super(message);
  }

  public CheckpointException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  public static CheckpointException at(Path file, String problem) {
    return new CheckpointException(file + ": " + problem);
  }

  /** Text from a file in quotes: on one line, without control characters, of bounded length. */
  public static String quote(String text) {
    StringBuilder quoted = new StringBuilder("'");
    int end = Math.min(text.length(), LONGEST_QUOTE);
    for (int i = 0; i < end; i++) {
      char character = text.charAt(i);
      if (Character.isISOControl(character) || Character.isSurrogate(character)) {
        quoted.append("\\u%04x".formatted((int) character));
      } else {
        quoted.append(character);
      }
    }
    if (end < text.length()) {
      quoted.append("…");
    }
    return quoted.append("'").toString();
  }
}
