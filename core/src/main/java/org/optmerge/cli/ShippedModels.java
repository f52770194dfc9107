package org.optmerge.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.optmerge.report.Project;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** The location of the miniature's models. */
final class ShippedModels {
  private ShippedModels() {}

  /**
   * The folder that was given, or that of the shipped models.
   *
   * @throws ParameterException if it is not there
   */
  static Path folder(@Nullable Path given, CommandLine command) {
    Path folder;
    try {
      folder = given == null ? Project.file("data-manifests/mini") : given;
    } catch (IllegalStateException e) {
      throw new ParameterException(
          command,
          "the shipped models are in a clone of the project, and '%s' is in none; give --models"
              .formatted(Path.of("").toAbsolutePath()));
    }
    if (!Files.isDirectory(folder)) {
      throw new ParameterException(command, "'%s' is no folder of models".formatted(folder));
    }
    return folder;
  }
}
