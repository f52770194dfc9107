package org.optmerge.manifest;

import java.util.Locale;
import java.util.Set;

/** Relative paths that stay where they are meant to: checked before anything is written to them. */
final class SafePath {
  /** Names that Windows gives a meaning of its own. */
  private static final Set<String> DEVICES = Set.of("con", "prn", "aux", "nul");

  private SafePath() {}

  /**
   * Checks a path from a manifest, a server or an archive.
   *
   * @return the path, normalised: no empty and no {@code .} element
   * @throws IllegalArgumentException if it is absolute, has {@code ..}, a backslash, a colon or a
   *     control character, or is empty
   */
  static String check(String path) {
    String reason = null;
    if (path.isBlank()) {
      reason = "is empty";
    } else if (path.startsWith("/")) {
      reason = "is absolute";
    } else if (path.indexOf('\\') >= 0 || path.indexOf(':') >= 0) {
      reason = "has a backslash or a colon";
    } else if (path.chars().anyMatch(c -> c < 32 || c == 127)) {
      reason = "has a control character";
    }
    StringBuilder normalised = new StringBuilder();
    for (String element : path.split("/", -1)) {
      if (reason == null && element.equals("..")) {
        reason = "leads out of its folder";
      }
      if (reason == null && DEVICES.contains(element.toLowerCase(Locale.ROOT))) {
        reason = "is the name of a device";
      }
      if (!element.isEmpty() && !element.equals(".")) {
        normalised.append(normalised.isEmpty() ? "" : "/").append(element);
      }
    }
    if (reason == null && normalised.isEmpty()) {
      reason = "names the folder itself";
    }
    if (reason != null) {
      throw new IllegalArgumentException(
          "'%s' %s; expected a path below a folder".formatted(printable(path), reason));
    }
    return normalised.toString();
  }

  private static String printable(String path) {
    String shown = path.length() > 200 ? path.substring(0, 200) + "…" : path;
    return shown.replaceAll("\\p{Cntrl}", "?");
  }
}
