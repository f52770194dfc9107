package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Percent;
import org.optmerge.base.Progress;
import org.optmerge.merge.AdapterMerger;
import org.optmerge.merge.Coverage;
import org.optmerge.merge.MergeEstimate;
import org.optmerge.merge.MergeOptions;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.MergeResult;
import org.optmerge.merge.Merger;
import org.optmerge.merge.PlanDescription;
import org.optmerge.merge.ScalingSearch;
import org.optmerge.merge.recipe.Recipe;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code optmerge merge}. */
@Command(
    name = "merge",
    description = {
      "Merge models as a recipe says.",
      "The output folder appears complete or not at all. After an interruption, the same command"
          + " with --resume continues."
    })
final class MergeCommand extends Subcommand {
  @Mixin private RecipeSource source;
  @Mixin private ThreadsOption threads;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "OUT",
      hidden = true,
      description = "The same as --out, as mergekit-yaml has it.")
  private @Nullable Path outParameter;

  @Option(
      names = {"-o", "--out", "--out-path"},
      paramLabel = "DIR",
      description = "The folder to write; it must not exist or be empty.")
  private @Nullable Path out;

  @Option(
      names = {"-I", "--intermediate-dir"},
      paramLabel = "DIR",
      description =
          "Where a recipe of several documents leaves the results of those with a name; they stay"
              + " there (default: beside the output, until it is finished).")
  private @Nullable Path intermediate;

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      converter = ByteSize.Memory.class,
      description = "Memory for buffers and matrices together, such as 2G (default: 2G).")
  private ByteSize memory = new ByteSize(MergeOptions.DEFAULT.memory());

  @Option(names = "--resume", description = "Continue an interrupted merge into the same folder.")
  private boolean resume;

  @Option(
      names = "--dry-run",
      description = "Show what would be done, and what becomes of every tensor; write nothing.")
  private boolean dryRun;

  @Option(
      names = "--force",
      description = "Replace what an earlier merge left in the folder; discard an unfinished one.")
  private boolean force;

  @Option(
      names = "--allow-nonfinite",
      description = "Merge NaN and infinite values instead of refusing them.")
  private boolean allowNonFinite;

  @Option(
      names = "--no-input-checksums",
      description = "Do not record the inputs' SHA-256, which saves reading what is not merged.")
  private boolean noInputChecksums;

  @Option(
      names = "--verify-inputs",
      description =
          "Hash inputs anew and compare, even if nothing says that they changed since the last"
              + " merge.")
  private boolean verifyInputs;

  @Option(
      names = {"--model-card", "--write-model-card"},
      description = "Write a README.md even if the base has one.")
  private boolean modelCard;

  @Option(
      names = "--adapter",
      arity = "0..1",
      fallbackValue = "0",
      paramLabel = "RANK",
      description =
          "Write a LoRA adapter instead of a checkpoint, of this rank; without a number, of the"
              + " rank that an exact result needs.")
  private @Nullable Integer adapter;

  @Option(
      names = "--sweep",
      split = ",",
      paramLabel = "SCALING",
      description =
          "Write the merge for each of these scalings, such as 0.3,0.5,0.7, into the folders"
              + " scaling-0.3 ... of the output folder; the experts are read once.")
  private List<Double> sweep = List.of();

  @ArgGroup(
      validate = false,
      heading = "%nAccepted from mergekit-yaml command lines, without effect:%n")
  private MergekitOptions mergekit = new MergekitOptions();

  @Override
  public Integer call() {
    Console console = main.console();
    List<String> ignored = MergekitOptions.given(spec.commandLine().getParseResult());
    if (!ignored.isEmpty()) {
      console.notice(
          "%s: accepted for mergekit's sake, without effect".formatted(String.join(", ", ignored)));
    }
    List<Recipe> stages = source.stages(allowNonFinite);
    if (!sweep.isEmpty()) {
      if (stages.size() > 1 || adapter != null || dryRun) {
        throw wrong(
            "--sweep does not go with --adapter, --dry-run or a recipe of several documents");
      }
      new ScalingSweep(this, stages.get(0), sweep, folder()).run();
      return 0;
    }
    if (stages.size() > 1) {
      new StagedMerge(stages, out(), intermediate, this).run();
      return 0;
    }
    try (MergePlan plan = source.plan(stages.get(0), null)) {
      if (dryRun) {
        MergePlan measured = ScalingSearch.measured(plan, options(), Progress.NONE);
        console.result(() -> dryRunText(measured), () -> dryRunJson(measured));
        return 0;
      }
      if (adapter != null) {
        say(console, plan);
        writeAdapter(console, plan, folder(), adapter);
        return 0;
      }
      MergeResult result = merge(plan, folder());
      console.outcome(() -> text(result, plan.coverage()), () -> result);
    }
    return 0;
  }

  RecipeSource source() {
    return source;
  }

  boolean isDryRun() {
    return dryRun;
  }

  boolean resumes() {
    return resume;
  }

  boolean writesAdapter() {
    return adapter != null;
  }

  Console console() {
    return main.console();
  }

  List<String> dryRunText(MergePlan plan) {
    List<String> lines =
        new ArrayList<>(
            PlanPrinter.text(
                main.console(),
                PlanDescription.of(plan),
                MergeEstimate.of(plan, threads.count(), memory.bytes())));
    if (plan.seeksScaling()) {
      // Of a stage whose inputs are results of others, which are not there yet.
      lines.add("scaling: found from the weights when they are there");
    }
    return lines;
  }

  ObjectNode dryRunJson(MergePlan plan) {
    return PlanPrinter.json(
        PlanDescription.of(plan), MergeEstimate.of(plan, threads.count(), memory.bytes()));
  }

  /** The output folder; null if none is given. */
  private @Nullable Path out() {
    if (out != null && outParameter != null) {
      throw wrong(
          "the output folder is given twice: '%s' and --out '%s'".formatted(outParameter, out));
    }
    return out != null ? out : outParameter;
  }

  private Path folder() {
    Path folder = out();
    if (folder == null) {
      throw wrong("missing required option '--out DIR'");
    }
    return folder;
  }

  private MergeOptions options() {
    Set<MergeOptions.Flag> flags = EnumSet.noneOf(MergeOptions.Flag.class);
    Map.of(
            MergeOptions.Flag.RESUME, resume,
            MergeOptions.Flag.FORCE, force,
            MergeOptions.Flag.NO_INPUT_CHECKSUMS, noInputChecksums,
            MergeOptions.Flag.VERIFY_INPUTS, verifyInputs,
            MergeOptions.Flag.MODEL_CARD, modelCard)
        .forEach((flag, given) -> flags.addAll(given ? Set.of(flag) : Set.of()));
    return new MergeOptions(threads.count(), memory.bytes(), flags);
  }

  private void writeAdapter(Console console, MergePlan plan, Path folder, int rank) {
    if (rank < 0) {
      throw wrong("--adapter: the rank must be at least 1, is " + rank);
    }
    if (resume || force) {
      throw wrong("--resume and --force do not go with --adapter");
    }
    AdapterMerger.Result result;
    try (ProgressLine progress = console.progress()) {
      result = AdapterMerger.run(plan, rank, folder, options(), progress);
    }
    console.outcome(
        () ->
            List.of(
                "%s: adapter of rank %d for %s, %s; largest error %s of a change"
                    .formatted(
                        result.folder(),
                        result.rank(),
                        result.layers().size() == 1
                            ? "1 matrix"
                            : result.layers().size() + " matrices",
                        Quantities.bytes(result.bytes()),
                        Percent.withSign(result.largestError()))),
        () -> result);
  }

  /** Merges, and says what is to be known of it. */
  MergeResult merge(MergePlan plan, Path folder) {
    return merge(plan, folder, Merger::run);
  }

  /** The making of one output folder. */
  @FunctionalInterface
  interface Run {
    MergeResult of(MergePlan plan, Path folder, MergeOptions options, Progress progress);
  }

  /** The same by another way. */
  MergeResult merge(MergePlan plan, Path folder, Run run) {
    Console console = main.console();
    say(console, plan);
    MergeResult result;
    try (ProgressLine progress = console.progress();
        InterruptNotice notice =
            new InterruptNotice(
                () -> {
                  progress.close();
                  console.warning(
                      "interrupted; the same command with --resume continues the merge");
                })) {
      result = run.of(plan, folder, options(), progress);
    }
    result.warnings().stream()
        .filter(warning -> !plan.notices().contains(warning))
        .forEach(console::warning);
    return result;
  }

  private static void say(Console console, MergePlan plan) {
    for (String notice : plan.notices()) {
      if (plan.warnings().contains(notice)) {
        console.warning(notice);
      } else {
        console.notice(notice);
      }
    }
  }

  static List<String> text(MergeResult result, Coverage coverage) {
    List<String> lines = new ArrayList<>();
    lines.add(
        "%s: %s merged, %d copied%s"
            .formatted(
                result.folder(),
                Quantities.of(result.merged(), "tensor"),
                result.copied(),
                result.resumed() > 0
                    ? " (%d of them by the earlier run)".formatted(result.resumed())
                    : ""));
    lines.add(
        "read %s, wrote %s in %s"
            .formatted(
                Quantities.bytes(result.bytesRead()),
                Quantities.bytes(result.bytesWritten()),
                Quantities.seconds(result.seconds())));
    coverage.rows().stream()
        .filter(Coverage.Row::isLeftOut)
        .forEach(
            row ->
                lines.add(
                    "not in it: %s of '%s', %s, such as %s"
                        .formatted(
                            row.tensors() == 0
                                ? Quantities.bytes(row.bytes())
                                : Quantities.of(row.tensors(), "tensor"),
                            row.model(),
                            row.fate(),
                            String.join(", ", row.examples()))));
    return lines;
  }
}
