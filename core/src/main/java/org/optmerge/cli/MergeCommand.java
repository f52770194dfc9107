package org.optmerge.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Percent;
import org.optmerge.merge.AdapterMerger;
import org.optmerge.merge.MergeEstimate;
import org.optmerge.merge.MergeOptions;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.MergeResult;
import org.optmerge.merge.Merger;
import org.optmerge.merge.PlanDescription;
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
      names = {"-o", "--out"},
      paramLabel = "DIR",
      description = "The folder to write; it must not exist or be empty.")
  private @Nullable Path out;

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

  @ArgGroup(
      validate = false,
      heading = "%nAccepted from mergekit-yaml command lines, without effect:%n")
  private MergekitOptions mergekit = new MergekitOptions();

  @Override
  public Integer call() {
    Console console = main.console();
    Path folder = folder();
    List<String> ignored = MergekitOptions.given(spec.commandLine().getParseResult());
    if (!ignored.isEmpty()) {
      console.notice(
          "%s: accepted for mergekit's sake, without effect".formatted(String.join(", ", ignored)));
    }
    try (MergePlan plan = source.plan(allowNonFinite)) {
      if (dryRun) {
        PlanDescription description = PlanDescription.of(plan);
        MergeEstimate estimate = MergeEstimate.of(plan, threads.count(), memory.bytes());
        console.result(
            () -> PlanPrinter.text(console, description, estimate),
            () -> PlanPrinter.json(description, estimate));
        return 0;
      }
      plan.notices().forEach(console::notice);
      if (adapter != null) {
        writeAdapter(console, plan, folder, adapter);
        return 0;
      }
      MergeResult result = merge(console, plan, folder);
      result.warnings().stream()
          .filter(warning -> !plan.notices().contains(warning))
          .forEach(console::warning);
      console.outcome(() -> text(result), () -> result);
    }
    return 0;
  }

  private Path folder() {
    if (out != null && outParameter != null) {
      throw wrong(
          "the output folder is given twice: '%s' and --out '%s'".formatted(outParameter, out));
    }
    Path folder = out != null ? out : outParameter;
    if (folder != null) {
      return folder;
    }
    if (dryRun) {
      return Path.of("");
    }
    throw wrong("missing required option '--out DIR'");
  }

  private MergeOptions options() {
    Set<MergeOptions.Flag> flags = EnumSet.noneOf(MergeOptions.Flag.class);
    Map.of(
            MergeOptions.Flag.RESUME, resume,
            MergeOptions.Flag.FORCE, force,
            MergeOptions.Flag.NO_INPUT_CHECKSUMS, noInputChecksums,
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

  private MergeResult merge(Console console, MergePlan plan, Path folder) {
    try (ProgressLine progress = console.progress();
        InterruptNotice notice =
            new InterruptNotice(
                () -> {
                  progress.close();
                  console.warning(
                      "interrupted; the same command with --resume continues the merge");
                })) {
      return Merger.run(plan, folder, options(), progress);
    }
  }

  private static List<String> text(MergeResult result) {
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
    return lines;
  }
}
