package org.optmerge.merge;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.optmerge.checkpoint.CheckpointException;

/** What planning finds out: problems, which are all collected before one is thrown, and notices. */
final class Findings {
  private final Recipe recipe;
  private final List<String> problems = new ArrayList<>();
  private final List<String> unusable = new ArrayList<>();
  private final Map<String, Integer> perTensor = new LinkedHashMap<>();
  private final Set<String> notices = new LinkedHashSet<>();

  Findings(Recipe recipe) {
    this.recipe = recipe;
  }

  void problem(Position at, String problem) {
    problems.add(recipe.line(at, problem));
  }

  void problems(List<String> lines) {
    problems.addAll(lines);
  }

  /** A problem that many tensors may have: it is told once, with their number. */
  void problemOfTensor(String line, String tensor) {
    perTensor.merge(line.replace("'" + tensor + "'", "a tensor"), 1, Integer::sum);
  }

  /** A model that is there but damaged; nothing is wrong with the recipe. */
  void unusable(Position at, String problem) {
    unusable.add(recipe.line(at, problem));
  }

  void notice(String notice) {
    notices.add(notice);
  }

  List<String> notices() {
    return List.copyOf(notices);
  }

  /** How many problems there are so far. */
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
    perTensor.forEach(
        (problem, times) ->
            problems.add(
                times == 1 ? problem : problem + " (and %d more tensors)".formatted(times - 1)));
    perTensor.clear();
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
