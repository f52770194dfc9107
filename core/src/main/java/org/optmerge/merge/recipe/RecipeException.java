package org.optmerge.merge.recipe;

import java.util.List;

/**
 * A recipe that cannot be carried out. Each problem is one line: file, line, column, what was
 * expected, what came, and what to do.
 */
public final class RecipeException extends RuntimeException {
  /** Problems listed in the message; the rest is counted. */
  static final int LISTED = 20;

  private final transient List<String> problems;

  /** One problem at one place. */
  public RecipeException(String file, Position at, String problem) {
    this(List.of(file + ":" + at + ": " + problem));
  }

  /** All problems found at once. */
  public RecipeException(List<String> problems) {
    super(message(problems));
    this.problems = List.copyOf(problems);
  }

  /** Every problem, also those that the message only counts. */
  public List<String> problems() {
    return problems;
  }

  private static String message(List<String> problems) {
    if (problems.size() <= LISTED) {
      return String.join("\n", problems);
    }
    return String.join("\n", problems.subList(0, LISTED))
        + "\n… and %d more".formatted(problems.size() - LISTED);
  }
}
