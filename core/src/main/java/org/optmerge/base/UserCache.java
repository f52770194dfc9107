package org.optmerge.base;

import java.nio.file.Path;
import java.util.Map;

/** The folder in which a user's programs keep what they could make again. */
public final class UserCache {
  private UserCache() {}

  /**
   * Ours, as an environment has it: {@code optmerge} in {@code XDG_CACHE_HOME} or {@code ~/.cache}.
   */
  public static Path folder(Map<String, String> environment) {
    String cache = environment.getOrDefault("XDG_CACHE_HOME", "").strip();
    return (cache.isEmpty()
            ? Path.of(System.getProperty("user.home", "."), ".cache")
            : Path.of(cache))
        .resolve("optmerge");
  }
}
