package org.optmerge.merge.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.merge.recipe.Position;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.recipe.RecipeException;

/**
 * The findings of planning: problems, which are all collected before one is thrown, and notices.
 */
final class PlanFindings {
  private final Recipe recipe;
  private final List<String> problems = new ArrayList<>();
  private final List<String> unusable = new ArrayList<>();
  private final Map<Position, List<Problem>> ofTensors = new LinkedHashMap<>();
  private final Set<String> notices = new LinkedHashSet<>();
  private final Set<String> warnings = new LinkedHashSet<>();

  /**
   * A problem that many tensors may have.
   *
   * @param kind the place in the recipe of the setting that does not fit
   * @param tensor that it does not fit
   * @param detail the line to print
   */
  record Problem(Position kind, String tensor, String detail) {}

  PlanFindings(Recipe recipe) {
    this.recipe = recipe;
  }

  void problem(Position at, String problem) {
    problems.add(recipe.line(at, problem));
  }

  void problems(List<String> lines) {
    problems.addAll(lines);
  }

  void problem(Problem problem) {
    ofTensors.computeIfAbsent(problem.kind(), kind -> new ArrayList<>()).add(problem);
  }

  /**
   * One line for a kind: that of the first tensor, with the number of the others; without it if all
   * have the same line, which then has nothing to do with the tensor.
   */
  private static String line(List<Problem> kind) {
    String first = kind.get(0).detail();
    long others = kind.stream().map(Problem::tensor).distinct().count() - 1;
    return kind.stream().allMatch(problem -> problem.detail().equals(first))
        ? first
        : "%s (and %d more %s)".formatted(first, others, others == 1 ? "tensor" : "tensors");
  }

  /** A model that is there but damaged; nothing is wrong with the recipe. */
  void unusable(Position at, String problem) {
    unusable.add(recipe.line(at, problem));
  }

  void notice(String notice) {
    notices.add(notice);
  }

  /** A notice of what changes the result, which must be read even where notes are not wanted. */
  void warning(String warning) {
    notices.add(warning);
    warnings.add(warning);
  }

  /** Those of the notices that are warnings. */
  List<String> warnings() {
    return List.copyOf(warnings);
  }

  List<String> notices() {
    return List.copyOf(notices);
  }

  /** The number of problems so far. */
  int count() {
    return problems.size();
  }

  void failIfAny() {
    failIfAny(List.of());
  }

  /**
   * Throws if there is a problem.
   *
   * @param context what would explain many of them, told first
   */
  void failIfAny(List<String> context) {
    ofTensors.values().forEach(kind -> problems.add(line(kind)));
    ofTensors.clear();
    if (!problems.isEmpty()) {
      problems.addAll(unusable);
      problems.addAll(0, context);
      throw new RecipeException(problems);
    }
    if (!unusable.isEmpty()) {
      throw new CheckpointException(String.join("\n", unusable));
    }
  }
}
