package org.optmerge.manifest;

import java.util.List;
import java.util.regex.Pattern;

/** Patterns of relative paths, the same on every system and for names that are not yet files. */
final class Globs {
  private Globs() {}

  /** {@code *} and {@code ?} stay within a folder, {@code **} does not; all else is literal. */
  public static Pattern pattern(String glob) {
    StringBuilder regex = new StringBuilder();
    for (int i = 0; i < glob.length(); i++) {
      char c = glob.charAt(i);
      if (c == '*' && i + 1 < glob.length() && glob.charAt(i + 1) == '*') {
        boolean folders = i + 2 < glob.length() && glob.charAt(i + 2) == '/';
        regex.append(folders ? "(?:.*/)?" : ".*");
        i += folders ? 2 : 1;
      } else if (c == '*') {
        regex.append("[^/]*");
      } else if (c == '?') {
        regex.append("[^/]");
      } else {
        regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }

  /** True if a path matches one of the patterns. */
  public static boolean anyMatches(List<Pattern> patterns, String path) {
    return patterns.stream().anyMatch(pattern -> pattern.matcher(path).matches());
  }
}
