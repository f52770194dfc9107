package org.optmerge.merge.random;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.optmerge.base.Trees;

/** Counts what becomes of random merges; run by itself, of many more than the tests try. */
final class RandomMerges {
  private static final int REPORT = 1_000;

  int whole;
  int named;
  int refused;
  final List<String> faults = new ArrayList<>();
  final Map<String, Integer> reasons = new TreeMap<>();
  final Map<String, Long> firstSeeds = new TreeMap<>();

  /** A message without its names and numbers. */
  private static String kind(String message) {
    return message
        .lines()
        .findFirst()
        .orElse("")
        .replaceAll("'[^']*'|/\\S+|\\[[^]]*]", "…")
        .replaceAll("\\d+", "#");
  }

  void add(long seed, Path dir) throws IOException {
    Path folder = Files.createDirectory(dir.resolve("seed" + seed));
    RandomMerge merge = new RandomMerge(seed, folder);
    Verdict verdict = Verdict.of(merge);
    if (!verdict.faults().isEmpty()) {
      faults.add(merge + String.join("\n", verdict.faults()));
    } else if (!verdict.refused().isEmpty()) {
      refused++;
      String kind = kind(verdict.refused());
      reasons.merge(kind, 1, Integer::sum);
      firstSeeds.putIfAbsent(kind, seed);
    } else if (verdict.named() > 0) {
      named++;
    } else {
      whole++;
    }
    Trees.delete(folder);
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%,d whole, %,d with what is left out named, %,d refused, %,d faults",
        whole,
        named,
        refused,
        faults.size());
  }

  /**
   * Tries many more.
   *
   * @param arguments the first seed, how many, and a folder that is best in memory
   */
  public static void main(String[] arguments) throws IOException {
    long first = Long.parseLong(arguments[0]);
    long count = Long.parseLong(arguments[1]);
    Path dir = Files.createDirectories(Path.of(arguments[2]));
    RandomMerges tally = new RandomMerges();
    for (long seed = first; seed < first + count; seed++) {
      int before = tally.faults.size();
      tally.add(seed, dir);
      if (tally.faults.size() > before) {
        System.out.println(tally.faults.get(before) + "\n");
      }
      if ((seed - first + 1) % REPORT == 0) {
        System.out.println("seeds %d to %d: %s".formatted(first, seed, tally));
      }
    }
    tally.reasons.forEach(
        (reason, times) ->
            System.out.println(
                "%d × %s (first: %d)".formatted(times, reason, tally.firstSeeds.get(reason))));
    System.out.println(tally);
  }
}
