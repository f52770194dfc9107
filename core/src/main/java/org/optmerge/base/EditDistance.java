package org.optmerge.base;

/**
 * The number of changes of one character that turn one text into another.
 *
 * @see <a href="https://en.wikipedia.org/wiki/Levenshtein_distance">Levenshtein distance</a>
 */
public final class EditDistance {
  private EditDistance() {}

  /**
   * Levenshtein's distance, by insertions, deletions and substitutions.
   *
   * @param a code points
   * @param b code points
   * @param most the largest distance that is wanted exactly
   * @return the distance; anything above {@code most} if it is more than that
   */
  public static int levenshtein(int[] a, int[] b, int most) {
    return Math.abs(a.length - b.length) > most ? most + 1 : distance(a, b, most, false);
  }

  /** The same with swaps of neighbours, which are one change. */
  public static int withSwaps(String a, String b) {
    return distance(
        a.codePoints().toArray(), b.codePoints().toArray(), Integer.MAX_VALUE - 1, true);
  }

  private static int distance(int[] a, int[] b, int most, boolean swaps) {
    int[] before = new int[b.length + 1];
    int[] last = new int[b.length + 1];
    int[] row = new int[b.length + 1];
    for (int j = 0; j <= b.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length; i++) {
      int[] free = before;
      before = last;
      last = row;
      row = free;
      row[0] = i;
      int smallest = i;
      for (int j = 1; j <= b.length; j++) {
        int substituted = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
        int best = Math.min(substituted, 1 + Math.min(last[j], row[j - 1]));
        if (swaps && i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
          best = Math.min(best, before[j - 2] + 1);
        }
        row[j] = best;
        smallest = Math.min(smallest, best);
      }
      if (smallest > most) {
        return most + 1;
      }
    }
    return row[b.length];
  }
}
