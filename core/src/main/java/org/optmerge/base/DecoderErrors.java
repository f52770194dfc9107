package org.optmerge.base;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a library says about a file that it cannot read, in words for people. */
public final class DecoderErrors {
  private static final String CONTRADICTION = "its content contradicts itself";

  /** A class, perhaps with the colon behind which its message stands. */
  private static final Pattern CLASS_NAME =
      Pattern.compile(
          "`?(?:class )?\\b[a-z]\\w*(?:\\.[a-z]\\w*)+\\.(?:\\w+\\$)*[A-Z]\\w*`?(?:@[0-9a-f]+)?(?::\\s*)?");

  private DecoderErrors() {}

  /**
   * The first line of a message without names of classes. Java's own exceptions for errors of a
   * program say nothing about the file: the decoder believed it.
   */
  public static String words(@Nullable Throwable thrown) {
    for (Throwable at = thrown; at != null; at = at.getCause()) {
      if (isOfPrograms(at)) {
        return CONTRADICTION;
      }
    }
    String message = thrown == null ? null : thrown.getMessage();
    String plain =
        message == null ? "" : CLASS_NAME.matcher(Json.firstLine(message)).replaceAll("").strip();
    return plain.isEmpty() ? CONTRADICTION : plain;
  }

  private static boolean isOfPrograms(Throwable thrown) {
    return thrown instanceof NullPointerException
        || thrown instanceof IndexOutOfBoundsException
        || thrown instanceof ClassCastException
        || thrown instanceof ArithmeticException
        || thrown instanceof NegativeArraySizeException
        || thrown instanceof ArrayStoreException
        || thrown instanceof java.nio.BufferUnderflowException;
  }
}
