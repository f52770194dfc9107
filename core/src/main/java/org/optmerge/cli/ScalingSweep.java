package org.optmerge.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import org.optmerge.base.FileErrors;
import org.optmerge.merge.FinishedMerge;
import org.optmerge.merge.MergeException;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.MergeResult;
import org.optmerge.merge.Sweep;
import org.optmerge.merge.recipe.Recipe;

/** {@code merge --sweep}: a recipe written for several λ, each into a folder of its own. */
final class ScalingSweep {
  private final MergeCommand command;
  private final Recipe recipe;
  private final List<Double> scalings;
  private final Path out;

  ScalingSweep(MergeCommand command, Recipe recipe, List<Double> scalings, Path out) {
    this.command = command;
    this.recipe = recipe;
    this.scalings = List.copyOf(scalings);
    this.out = out;
    if (new LinkedHashSet<>(scalings).size() < scalings.size()) {
      throw new MergeException("--sweep: a value is given twice");
    }
  }

  void run() {
    List<MergeResult> done = new ArrayList<>();
    List<String> lines = new ArrayList<>();
    try (MergePlan first = command.source().plan(recipe.withScaling(scalings.get(0)), null);
        Sweep sweep = new Sweep(first)) {
      for (double scaling : scalings) {
        try (MergePlan plan = command.source().plan(recipe.withScaling(scaling), null)) {
          write(plan, folder(scaling), sweep, done, lines);
        }
      }
    } catch (IOException e) {
      throw new MergeException("the outputs in %s: %s".formatted(out, FileErrors.reason(e)), e);
    }
    command.console().outcome(() -> lines, () -> done);
  }

  private Path folder(double scaling) {
    return out.resolve("scaling-" + scaling);
  }

  private void write(
      MergePlan plan, Path folder, Sweep sweep, List<MergeResult> done, List<String> lines)
      throws IOException {
    Optional<FinishedMerge> earlier =
        command.resumes() ? FinishedMerge.in(folder, plan) : Optional.empty();
    if (earlier.isPresent()) {
      Optional<String> change = earlier.get().change();
      if (change.isPresent()) {
        throw new MergeException(
            "%s: there from an earlier run, but %s; the same command with --force in place of --resume makes all outputs anew"
                .formatted(folder, change.get()));
      }
      command.console().notice("%s: there from an earlier run".formatted(folder));
      return;
    }
    Files.createDirectories(out);
    MergeResult result = command.merge(plan, folder, sweep::run);
    done.add(result);
    lines.addAll(MergeCommand.text(result, plan.coverage()));
  }
}
