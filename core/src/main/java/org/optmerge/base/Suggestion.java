package org.optmerge.base;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** "Did you mean": the known word that a misspelt one is closest to. */
public final class Suggestion {
  private Suggestion() {}

  /** {@code "; did you mean 'ties'?"}, or nothing if no known word is close. */
  public static String forWord(String word, Collection<String> known) {
    return closest(word, known).map("; did you mean '%s'?"::formatted).orElse("");
  }

  /** The closest known word, if at most a third of the letters differ or one begins the other. */
  public static Optional<String> closest(String word, Collection<String> known) {
    String wanted = word.toLowerCase(Locale.ROOT);
    return known.stream()
        .filter(
            candidate ->
                EditDistance.withSwaps(wanted, candidate.toLowerCase(Locale.ROOT))
                        <= Math.max(1, Math.max(wanted.length(), candidate.length()) / 3)
                    || (wanted.length() >= 3 && candidate.startsWith(wanted)))
        .min(
            Comparator.<String>comparingInt(
                    candidate -> EditDistance.withSwaps(wanted, candidate.toLowerCase(Locale.ROOT)))
                .thenComparing(Comparator.naturalOrder()));
  }
}
