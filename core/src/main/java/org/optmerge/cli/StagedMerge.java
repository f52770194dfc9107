package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.FileErrors;
import org.optmerge.base.Json;
import org.optmerge.base.Trees;
import org.optmerge.merge.EmptyCheckpoint;
import org.optmerge.merge.FinishedMerge;
import org.optmerge.merge.MergeException;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.MergeResult;
import org.optmerge.merge.recipe.Recipe;

/** The merges of a recipe of several documents, one after the other. */
final class StagedMerge {
  private final List<Recipe> stages;
  private final @Nullable Path out;
  private final boolean hasEnd;
  private final boolean keeps;
  private final Path results;
  private final MergeCommand command;

  /**
   * @param out the end's output; where every document has a name, the folder of them all
   * @param intermediate the folder of the results of documents with a name, if it is given
   */
  StagedMerge(
      List<Recipe> stages, @Nullable Path out, @Nullable Path intermediate, MergeCommand command) {
    this.stages = stages;
    this.out = out;
    this.command = command;
    this.hasEnd = stages.get(stages.size() - 1).mergekit().stage() == null;
    this.keeps = intermediate != null || !hasEnd;
    if (out == null && (hasEnd || intermediate == null) && !command.isDryRun()) {
      throw command.wrong("missing required option '--out DIR'");
    }
    if (command.writesAdapter()) {
      throw command.wrong(
          "--adapter: merge the stages first, and then the adapter by its own recipe");
    }
    Path end = out == null ? Path.of("") : out;
    this.results =
        intermediate != null
            ? intermediate
            : hasEnd ? hidden(end.toAbsolutePath().normalize()) : end;
  }

  private static Path hidden(Path out) {
    return out.resolveSibling("." + out.getFileName() + ".stages");
  }

  void run() {
    try {
      if (command.isDryRun()) {
        Path scratch = Files.createTempDirectory("optmerge-stages");
        try {
          dryRun(scratch);
        } finally {
          Trees.delete(scratch);
        }
        return;
      }
      List<MergeResult> done = new ArrayList<>();
      List<String> lines = new ArrayList<>();
      for (Recipe stage : stages) {
        merge(stage, done, lines);
      }
      if (!keeps) {
        Trees.delete(results);
      }
      command.console().outcome(() -> lines, () -> done);
    } catch (IOException e) {
      throw new MergeException("the stages in %s: %s".formatted(results, FileErrors.reason(e)), e);
    }
  }

  private void merge(Recipe stage, List<MergeResult> done, List<String> lines) throws IOException {
    Recipe.Located<String> name = stage.mergekit().stage();
    Path folder = name == null ? Objects.requireNonNull(out) : results.resolve(name.value());
    try (MergePlan plan = command.source().plan(stage, results)) {
      Optional<FinishedMerge> earlier =
          command.resumes() ? FinishedMerge.in(folder, plan) : Optional.empty();
      if (earlier.isPresent()) {
        requireSame(earlier.get(), folder);
        command.console().notice("%s: there from an earlier run".formatted(folder));
        return;
      }
      Files.createDirectories(Objects.requireNonNull(folder.toAbsolutePath().getParent()));
      MergeResult result = command.merge(plan, folder);
      done.add(result);
      lines.addAll(MergeCommand.text(result, plan.coverage()));
    }
  }

  private void requireSame(FinishedMerge earlier, Path folder) throws IOException {
    Optional<String> change = earlier.change();
    if (change.isPresent()) {
      throw new MergeException(
          "%s: there from an earlier run, but %s; the same command with --force in place of --resume makes all stages anew"
              .formatted(folder, change.get()));
    }
  }

  /** Plans each stage over empty results of those before it. */
  private void dryRun(Path scratch) {
    List<String> text = new ArrayList<>();
    ObjectNode json = Json.object();
    for (Recipe stage : stages) {
      Recipe.Located<String> name = stage.mergekit().stage();
      try (MergePlan plan = command.source().plan(stage, scratch)) {
        text.add(name == null ? "end" : "stage '%s'".formatted(name.value()));
        text.addAll(command.dryRunText(plan));
        text.add("");
        json.withArray("stages").add(command.dryRunJson(plan));
        if (name != null) {
          EmptyCheckpoint.write(plan, scratch.resolve(name.value()));
        }
      }
    }
    command.console().result(() -> text, () -> json);
  }
}
