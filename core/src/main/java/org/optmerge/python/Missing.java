package org.optmerge.python;

import java.util.Set;

/** What pandas takes for a missing cell when it reads a table, and so what the kits do. */
public final class Missing {
  private static final Set<String> WORDS =
      Set.of(
          "",
          "#N/A",
          "#N/A N/A",
          "#NA",
          "-1.#IND",
          "-1.#QNAN",
          "-NaN",
          "-nan",
          "1.#IND",
          "1.#QNAN",
          "<NA>",
          "N/A",
          "NA",
          "NULL",
          "NaN",
          "None",
          "n/a",
          "nan",
          "null");

  private Missing() {}

  public static boolean is(String cell) {
    return WORDS.contains(cell);
  }
}
