package org.optmerge.merge.recipe;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.OptMergeException;

/**
 * A recipe that cannot be carried out. Each problem is one line: file, line, column, what was
 * expected, what came, and what to do.
 */
public final class RecipeException extends OptMergeException {
  /** Problems listed in the message; the rest is counted. */
  static final int LISTED = 20;

  private final transient List<String> problems;
  private final transient @Nullable Position at;

  /** One problem at one place. */
  public RecipeException(String file, Position at, String problem) {
    this(List.of(file + ":" + at + ": " + problem), at);
  }

  /** All problems found at once. */
  public RecipeException(List<String> problems) {
    this(problems, null);
  }

  private RecipeException(List<String> problems, @Nullable Position at) {
    super(message(problems));
    this.problems = List.copyOf(problems);
    this.at = at;
  }

  /** The place, if it is one problem at one place. */
  public Optional<Position> at() {
    return Optional.ofNullable(at);
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
