package org.optmerge.merge;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** "Did you mean": the known word that is nearest to one that is not known. */
final class Suggestions {
  private Suggestions() {}

  /** {@code "; did you mean 'x'?"}, or nothing if no known word is near. */
  static String didYouMean(String word, Collection<String> known) {
    return nearest(word, known).map("; did you mean '%s'?"::formatted).orElse("");
  }

  /** The known word with the fewest edits, if they are at most a third of its letters. */
  static Optional<String> nearest(String word, Collection<String> known) {
    String plain = plain(word);
    List<String> ranked =
        known.stream()
            .sorted(
                Comparator.comparingInt((String candidate) -> edits(plain, plain(candidate)))
                    .thenComparing(Comparator.naturalOrder()))
            .toList();
    return ranked.stream()
        .findFirst()
        .filter(
            candidate ->
                edits(plain, plain(candidate))
                    <= Math.max(1, Math.max(plain.length(), candidate.length()) / 3));
  }

  private static String plain(String word) {
    return word.toLowerCase(Locale.ROOT).replace('-', '_');
  }

  /** Levenshtein's distance, by rows of the usual table. */
  static int edits(String a, String b) {
    int[] previous = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replaced, 1 + Math.min(previous[j], row[j - 1]));
      }
      previous = row;
    }
    return previous[b.length()];
  }
}
