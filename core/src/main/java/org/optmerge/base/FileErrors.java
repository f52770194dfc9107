package org.optmerge.base;

import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** Failures of the file system, in words. */
public final class FileErrors {
  private FileErrors() {}

  /** The reason of a failure, with the file, in words rather than a class name alone. */
  public static String reason(Exception e) {
    Throwable at = e instanceof UncheckedIOException && e.getCause() != null ? e.getCause() : e;
    if (at instanceof FileSystemException failure && failure.getReason() == null) {
      return "%s: %s"
          .formatted(
              failure.getFile(),
              failure instanceof NoSuchFileException
                  ? "no such file or folder"
                  : failure instanceof AccessDeniedException
                      ? "no permission"
                      : failure instanceof FileAlreadyExistsException
                          ? "is there already, and is not a folder"
                          : failure.getClass().getSimpleName());
    }
    String message = at.getMessage();
    return message == null ? at.getClass().getSimpleName() : message;
  }
}
