package org.optmerge.report;

import java.util.Locale;
import java.util.Optional;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * The amount of work of a notebook: all of it, or the little that shows that its code runs. The
 * environment variable {@code OPTMERGE_SCALE} says which, {@code full} (the default) or {@code
 * tiny}; the system property {@code optmerge.scale} goes before it.
 */
@API(status = API.Status.EXPERIMENTAL)
public enum Scale {
  /** The scale that readers see. */
  FULL,
  /** For tests of a notebook's code. */
  TINY;

  /**
   * The scale of this process.
   *
   * @throws IllegalArgumentException if another word than {@code full} and {@code tiny} is given
   */
  public static Scale current() {
    return of(
        Optional.ofNullable(System.getProperty("optmerge.scale"))
            .orElse(System.getenv("OPTMERGE_SCALE")));
  }

  static Scale of(@Nullable String name) {
    if (name == null || name.isBlank()) {
      return FULL;
    }
    return switch (name.strip().toLowerCase(Locale.ROOT)) {
      case "full" -> FULL;
      case "tiny" -> TINY;
      default ->
          throw new IllegalArgumentException(
              "OPTMERGE_SCALE: must be full or tiny, is '%s'".formatted(name));
    };
  }

  /** One of two numbers, such as of questions, by the scale of this process. */
  public static int choose(int full, int tiny) {
    return current() == FULL ? full : tiny;
  }
}
