package org.optmerge.report;

import java.nio.file.Files;
import java.nio.file.Path;
import org.apiguardian.api.API;

/** The project's own folders, for notebooks and examples, wherever they are started. */
@API(status = API.Status.EXPERIMENTAL)
public final class Project {
  private Project() {}

  /**
   * The project's top folder: the first one from the working directory upwards that has both {@code
   * notebooks} and {@code core}.
   *
   * @throws IllegalStateException if there is none, as when the library is used on its own
   */
  public static Path root() {
    return rootAbove(Path.of("").toAbsolutePath());
  }

  /** A file or folder of the project, by its path from the top. */
  public static Path file(String path) {
    return root().resolve(path);
  }

  static Path rootAbove(Path start) {
    for (Path folder = start; folder != null; folder = folder.getParent()) {
      if (Files.isDirectory(folder.resolve("notebooks"))
          && Files.isRegularFile(folder.resolve("core/pom.xml"))) {
        return folder;
      }
    }
    throw new IllegalStateException(
        "Project: neither %s nor a folder above it has notebooks/ and core/; start from within a clone of the project"
            .formatted(start));
  }
}
