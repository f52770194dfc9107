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

/** What planning finds out: problems, which are all collected before one is thrown, and notices. */
final class Findings {
  private final Recipe recipe;
  private final List<String> problems = new ArrayList<>();
  private final List<String> unusable = new ArrayList<>();
  private final Map<String, OfTensors> perTensor = new LinkedHashMap<>();
  private final Set<String> notices = new LinkedHashSet<>();

  /** A problem as it was told of the first tensor, and how many have it. */
  private record OfTensors(String line, int tensors) {
    OfTensors and(OfTensors others) {
      return new OfTensors(line, tensors + others.tensors);
    }

    @Override
    public String toString() {
      return tensors == 1
          ? line
          : "%s (and %d more %s)".formatted(line, tensors - 1, tensors == 2 ? "tensor" : "tensors");
    }
  }

  Findings(Recipe recipe) {
    this.recipe = recipe;
  }

  void problem(Position at, String problem) {
    problems.add(recipe.line(at, problem));
  }

  void problems(List<String> lines) {
    problems.addAll(lines);
  }

  /**
   * A problem that many tensors may have: it is told of the first, with the number of the others.
   * One that does not name the tensor has nothing to do with it, and is told once.
   */
  void problemOfTensor(String line, String tensor) {
    String problem = line.replace("'" + tensor + "'", "a tensor");
    OfTensors one = new OfTensors(line, 1);
    perTensor.merge(problem, one, (first, next) -> line.equals(problem) ? first : first.and(next));
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
    perTensor.values().forEach(problem -> problems.add(problem.toString()));
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
