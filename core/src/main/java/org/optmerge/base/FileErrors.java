package org.optmerge.base;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.util.Map;

/** Failures of the file system, in words. */
public final class FileErrors {
  /** The system's words for what a user can do something about, and what that is. */
  private static final Map<String, String> CURES =
      Map.of(
          "Too many open files",
          "raise the limit for this shell, for example 'ulimit -n 4096'",
          "No space left on device",
          "make room on that disk",
          "Disk quota exceeded",
          "make room within the quota",
          "File too large",
          "raise the limit on the length of a file, 'ulimit -f unlimited', or use smaller files");

  private FileErrors() {}

  /** The reason of a failure, with the file, in words rather than a class name alone. */
  public static String reason(Exception e) {
    Throwable at = e instanceof UncheckedIOException && e.getCause() != null ? e.getCause() : e;
    if (at instanceof FileSystemException failure && failure.getReason() == null) {
      return "%s: %s".formatted(failure.getFile(), kind(failure));
    }
    if (at instanceof JsonProcessingException json) {
      return "not valid JSON: " + Json.firstLine(json.getOriginalMessage());
    }
    String message = at.getMessage();
    return message == null ? at.getClass().getSimpleName() : withCure(message);
  }

  private static String kind(FileSystemException failure) {
    if (failure instanceof NoSuchFileException) {
      return "no such file or folder";
    }
    if (failure instanceof AccessDeniedException) {
      return "no permission";
    }
    if (failure instanceof FileAlreadyExistsException) {
      return "is there already, and is not a folder";
    }
    if (failure instanceof FileSystemLoopException) {
      return "leads back to a folder above it";
    }
    return failure.getClass().getSimpleName();
  }

  /** A message of the system's with what to do about it, where that is known. */
  public static String withCure(String message) {
    for (Map.Entry<String, String> cure : CURES.entrySet()) {
      if (message.contains(cure.getKey()) && !message.contains(cure.getValue())) {
        return "%s (%s)".formatted(message, cure.getValue());
      }
    }
    return message;
  }
}
