package org.optmerge.merge;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.LongAdder;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.FileErrors;
import org.optmerge.base.InterruptedWorkException;
import org.optmerge.base.Kernels;
import org.optmerge.base.Progress;
import org.optmerge.base.Workers;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.SafetensorsLayout;
import org.optmerge.checkpoint.SafetensorsWriter;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.merge.weights.Scaling;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.scaling.Energies;

/**
 * Carries out a {@link MergePlan}: from open inputs to a checkpoint that is complete, on disk and
 * checked, or not there.
 *
 * <p>Memory is a few blocks a thread for streaming methods, whatever the size of the model, and a
 * few matrices for the others. The bytes written depend on inputs, recipe and seed alone.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class Merger {
  /** Most bytes of merged matrices on the heap that wait for λ. */
  private static final long MOST_KEPT = 128L << 20;

  private final MergeOptions options;
  private final Progress progress;
  private final Workspace workspace;
  private final LongAdder bytesRead = new LongAdder();
  private final LongAdder bytesWritten = new LongAdder();
  private final PlanInputs inputs;
  private final Digests digests;
  private final @Nullable KeptBlocks ofSweep;
  private final Map<String, TensorOutcome> outcomes = new ConcurrentHashMap<>();

  /** As given; once every λ is known, with it. */
  private MergePlan plan;

  private @Nullable InputWatch watch;
  private boolean ownsWorkspace;
  private boolean merging;
  private int finishedBefore;

  private Merger(
      MergePlan plan,
      Workspace workspace,
      MergeOptions options,
      Progress progress,
      @Nullable KeptBlocks kept) {
    this.ofSweep = kept;
    this.plan = plan;
    this.inputs = PlanInputs.of(plan);
    this.workspace = workspace;
    this.options = options;
    this.progress = progress;
    this.digests = new Digests(KnownDigests.ofUser(), options.has(MergeOptions.Flag.VERIFY_INPUTS));
  }

  /**
   * Merges. The plan stays open; an output folder appears only if everything succeeded.
   *
   * @param out the output folder: absent, empty, or (with {@link MergeOptions.Flag#FORCE}) an
   *     earlier result
   * @throws MergeException if the merge is refused, since a value is not finite, a method returns
   *     what is no merged tensor or a matrix exceeds the memory, and then nothing is left; or if
   *     the output cannot be written, and then finished tensors are kept for {@link
   *     MergeOptions.Flag#RESUME}
   * @throws CheckpointException if an input cannot be read; finished tensors are kept
   */
  public static MergeResult run(MergePlan plan, Path out, MergeOptions options, Progress progress) {
    return run(plan, out, options, progress, null);
  }

  /**
   * The same.
   *
   * @param kept what a merge with another λ left, and what this one leaves
   */
  static MergeResult run(
      MergePlan plan,
      Path out,
      MergeOptions options,
      Progress progress,
      @Nullable KeptBlocks kept) {
    long begin = System.nanoTime();
    requireMemory(plan, options.memory());
    if (options.has(MergeOptions.Flag.RESUME)) {
      Optional<MergeResult> finished = finishedBefore(plan, out, begin);
      if (finished.isPresent()) {
        return finished.get();
      }
    }
    Kernels.expect(plan.tensors().stream().mapToLong(Merger::numbers).sum());
    try (Workspace workspace = Workspace.open(out, plan.models().values(), options)) {
      Merger merger = new Merger(plan, workspace, options, progress, kept);
      try {
        return merger.run(out, begin);
      } catch (IOException | UncheckedIOException e) {
        throw new MergeException(merger.failure(out, e) + merger.leftOver(), e);
      } catch (MergeException | InterruptedWorkException e) {
        if (e instanceof MergeException refused && merger.refuses()) {
          workspace.discard();
          throw refused;
        }
        throw new MergeException(e.getMessage() + merger.leftOver(), e);
      } catch (CheckpointException e) {
        throw new CheckpointException(
            FileErrors.withCure(String.valueOf(e.getMessage())) + merger.leftOver(), e);
      } catch (OutOfMemoryError e) {
        throw new MergeException(
            "out of memory (%s); give the JVM more with -Xmx, or the merge less with --memory or --threads%s"
                .formatted(e.getMessage(), merger.leftOver()),
            e);
      }
    }
  }

  /** The result of an earlier run that came to its end, if this merge would give the same. */
  private static Optional<MergeResult> finishedBefore(MergePlan plan, Path out, long begin) {
    try {
      Optional<FinishedMerge> earlier = FinishedMerge.in(out, plan);
      if (earlier.isEmpty() || earlier.get().change().isPresent()) {
        return Optional.empty();
      }
      Workspace.tidy(out);
    } catch (IOException e) {
      throw new MergeException("cannot read %s: %s".formatted(out, FileErrors.reason(e)), e);
    }
    List<PlannedTensor> tensors = plan.tensors();
    int merged = (int) tensors.stream().filter(Merger::isMerged).count();
    return Optional.of(
        new MergeResult(
            out,
            merged,
            tensors.size() - merged,
            tensors.size(),
            0,
            0,
            (System.nanoTime() - begin) / 1e9,
            plan.notices()));
  }

  private static boolean isMerged(PlannedTensor tensor) {
    return tensor.work() instanceof PlannedTensor.Merge;
  }

  /** A failure of the file system in words, by whether what is read or what is written fails. */
  private String failure(Path out, Exception e) {
    Throwable cause = e instanceof UncheckedIOException && e.getCause() != null ? e.getCause() : e;
    boolean reading =
        cause instanceof FileSystemException named
            && named.getFile() != null
            && !Path.of(named.getFile()).toAbsolutePath().startsWith(workspace.folder());
    return "%s %s failed: %s"
        .formatted(reading ? "reading the inputs of" : "writing", out, FileErrors.reason(e));
  }

  /**
   * True if the same merge would be refused again, whatever was finished: an input, a method or its
   * result is not as it must be. What would change that changes the fingerprint too, so that
   * nothing finished serves; how much there is depends on timing.
   */
  private boolean refuses() {
    return merging && workspace.isThere() && !Thread.currentThread().isInterrupted();
  }

  /** After a failure from outside: what is kept, for the message; nothing if nothing was begun. */
  private String leftOver() {
    if (!ownsWorkspace) {
      return "";
    }
    if (!workspace.isThere() || (!merging && finishedBefore == 0)) {
      workspace.discard();
      return "";
    }
    return String.format(
        Locale.ROOT,
        "; %,d finished tensors are kept in %s, --resume continues from there%s, --force discards"
            + " them",
        Math.max(outcomes.size(), finishedBefore),
        workspace.folder(),
        changedInput()
            .map(change -> " once the inputs are as they were (%s)".formatted(change))
            .orElse(""));
  }

  private Optional<String> changedInput() {
    try {
      return watch == null ? Optional.empty() : watch.change();
    } catch (IOException e) {
      return Optional.of(FileErrors.reason(e));
    }
  }

  private MergeResult run(Path out, long begin) throws IOException {
    List<Work> work = new ArrayList<>();
    Map<Path, SafetensorsWriter> writers = new LinkedHashMap<>();
    Workers pool = Workers.forking(options.threads());
    int resumed;
    try {
      InputWatch begun = InputWatch.begin(inputs, plan);
      watch = begun;
      Journal journal =
          Journal.open(
              workspace, inputs.fingerprint(plan, begun), options.has(MergeOptions.Flag.RESUME));
      ownsWorkspace = true;
      finishedBefore = journal.finished().size();
      StagedCheckpoint staged = new StagedCheckpoint(workspace.staging(), plan);
      workspace.requireSpace(
          bytesToWrite(journal.finished().keySet()) + staged.bytesBesideWeights());
      staged.copyOtherFiles();
      openOutputs(journal, writers, work);
      if (!options.has(MergeOptions.Flag.NO_INPUT_CHECKSUMS)) {
        for (Checkpoint input : inputs.names().keySet()) {
          for (Path file : input.weightFiles()) {
            digests.addInput(file);
          }
        }
      }
      merging = true;
      resumed = mergeAll(work, journal, pool);
      progress.phase("finishing");
      // The disk can take its time over the output while the processors finish the digests.
      List<Future<?>> forced = new ArrayList<>();
      for (SafetensorsWriter writer : writers.values()) {
        forced.add(pool.begin(Executors.callable(writer::force)));
      }
      Map<Path, String> hashes = digests.finish(pool);
      forced.forEach(Workers::get);
      requireUnchanged();
      // The plan now has the λ that was found.
      new StagedCheckpoint(workspace.staging(), plan)
          .complete(inputs, hashes, outcomes, options.has(MergeOptions.Flag.MODEL_CARD));
    } finally {
      pool.close();
      for (SafetensorsWriter writer : writers.values()) {
        writer.close();
      }
      digests.close();
    }
    workspace.publish();
    progress.finished();
    int merged = (int) work.stream().filter(it -> isMerged(it.tensor)).count();
    return new MergeResult(
        out,
        merged,
        work.size() - merged,
        resumed,
        bytesRead.sum(),
        bytesWritten.sum(),
        (System.nanoTime() - begin) / 1e9,
        warnings());
  }

  /** Refuses a result of which some is of other inputs than the rest. */
  private void requireUnchanged() {
    changedInput()
        .ifPresent(
            change -> {
              throw new MergeException(
                  "%s while it was merged, so that the result would be of neither content; nothing of it is kept. Run the merge again when its inputs no longer change"
                      .formatted(change));
            });
  }

  /**
   * Opens the output files, new or as an interrupted run left them, and lists what is to be made.
   */
  private void openOutputs(Journal journal, Map<Path, SafetensorsWriter> writers, List<Work> work)
      throws IOException {
    for (MergePlan.OutputShard shard : plan.shards()) {
      SafetensorsLayout layout = layout(shard);
      Path file = workspace.staging().resolve(shard.fileName());
      SafetensorsWriter writer = journal.finished().isEmpty() ? null : reopened(file, layout);
      boolean present = writer != null;
      if (writer == null) {
        Files.deleteIfExists(file);
        writer = SafetensorsWriter.create(file, layout);
      }
      writers.put(file, writer);
      digests.addOutput(file, layout.dataStart());
      for (PlannedTensor tensor : shard.tensors()) {
        TensorInfo place = writer.tensor(tensor.name());
        TensorOutcome earlier = present ? journal.finished().get(tensor.name()) : null;
        work.add(new Work(tensor, writer, place, earlier));
      }
    }
  }

  /**
   * A file of an interrupted run; null if it is not as that run made it, so that it is made anew.
   */
  private static @Nullable SafetensorsWriter reopened(Path file, SafetensorsLayout layout) {
    try {
      return Files.exists(file) ? SafetensorsWriter.reopen(file, layout) : null;
    } catch (CheckpointException e) {
      return null;
    }
  }

  private long bytesToWrite(Set<String> finished) {
    long bytes = 0;
    for (MergePlan.OutputShard shard : plan.shards()) {
      bytes += layout(shard).dataStart();
      for (PlannedTensor tensor : shard.tensors()) {
        bytes += finished.contains(tensor.name()) ? 0 : tensor.bytes();
      }
    }
    return bytes;
  }

  /**
   * A tensor to make.
   *
   * @param place where its bytes go
   * @param earlier what an interrupted run noted of it, still to be checked
   */
  private record Work(
      PlannedTensor tensor,
      SafetensorsWriter writer,
      TensorInfo place,
      @Nullable TensorOutcome earlier) {
    Work with(@Nullable PlannedTensor scaled) {
      return new Work(Objects.requireNonNull(scaled), writer, place, earlier);
    }
  }

  /** Makes every tensor that is not there yet; returns how many were. */
  private int mergeAll(List<Work> work, Journal journal, Workers pool) {
    progress.started(
        "merging", work.stream().mapToLong(it -> it.place.bytes()).sum(), Progress.BYTES);
    progress.parts(work.size(), "tensors");
    TensorMerger tensorMerger =
        new TensorMerger(plan, options.memory(), bytesRead, progress, ofSweep);
    int resumed = done(pool, work.stream().filter(it -> it.earlier != null).toList(), this::check);
    List<Work> open = work.stream().filter(it -> !outcomes.containsKey(it.tensor.name())).toList();
    Map<MergeMethod, MergeMethod> fitted =
        (open.isEmpty() || (ofSweep != null && ofSweep.isComplete())) && !plan.seeksScaling()
            ? Map.of()
            : pool.call(
                () -> WholeModel.fit(work.stream().map(Work::tensor).toList(), tensorMerger));
    TensorSchedule schedule = new TensorSchedule(pool, options.threads(), options.memory());
    Map<String, KeptVectors.Kept> kept = new ConcurrentHashMap<>();
    try (KeptVectors vectors = vectors(open)) {
      if (plan.seeksScaling()) {
        findScaling(new ScalingSearch(tensorMerger, fitted), schedule, journal, vectors, kept);
      }
      Map<String, PlannedTensor> scaled = new HashMap<>();
      plan.tensors().forEach(tensor -> scaled.put(tensor.name(), tensor));
      progress.phase("merging");
      schedule.run(
          open.stream().map(it -> it.with(scaled.get(it.tensor.name()))).toList(),
          Work::tensor,
          item -> {
            MergeMethod method =
                item.tensor.work() instanceof PlannedTensor.Merge merge
                    ? fitted.get(merge.method())
                    : null;
            KeptVectors.Kept values = kept.get(item.tensor.parameter());
            TensorOutcome outcome =
                values == null
                    ? tensorMerger.run(item.tensor, method, item.writer)
                    : tensorMerger.finish(item.tensor, method, values, item.writer);
            journal.append(outcome);
            bytesWritten.add(item.place.bytes());
            note(item, outcome);
            progress.finishedPart(item.tensor.name());
            return true;
          });
    }
    return resumed;
  }

  /** Room for the matrices that are merged before λ is known. */
  private KeptVectors vectors(List<Work> open) {
    long values = 0;
    for (Work item : open) {
      if (item.tensor.work() instanceof PlannedTensor.Merge merge
          && merge.lambda() instanceof Scaling.Sought
          && TensorMerger.needsMatrices(item.tensor)) {
        values += item.tensor.size();
      }
    }
    return KeptVectors.of(Float.BYTES * values, Math.min(options.memory() / 4, MOST_KEPT));
  }

  /** Finds every λ that the plan seeks, of what an interrupted run measured and of the rest. */
  private void findScaling(
      ScalingSearch search,
      TensorSchedule schedule,
      Journal journal,
      KeptVectors vectors,
      Map<String, KeptVectors.Kept> kept) {
    progress.phase("finding the scaling");
    Map<String, Energies> energies = new ConcurrentHashMap<>(journal.measured());
    schedule.run(
        ScalingSearch.sought(plan, name -> !energies.containsKey(name)),
        tensor -> tensor,
        tensor -> {
          boolean open = !outcomes.containsKey(tensor.name());
          ScalingSearch.Measured measured = search.measure(tensor, open ? vectors : null);
          energies.put(tensor.parameter(), measured.energies());
          if (measured.kept() != null) {
            kept.put(tensor.parameter(), measured.kept());
          }
          journal.append(tensor.parameter(), measured.energies());
          progress.detail("%d tensors measured".formatted(energies.size()));
          return true;
        });
    plan = ScalingSearch.resolve(plan, energies);
  }

  /** Works on all items; counts those that are done. */
  private static int done(Workers pool, List<Work> items, Workers.Work<Work, Boolean> action) {
    return (int) pool.map(items, action).stream().filter(it -> it).count();
  }

  /** Trusts what an interrupted run noted of a tensor only if the file still says so. */
  private boolean check(Work item) throws IOException {
    TensorOutcome earlier = Objects.requireNonNull(item.earlier);
    if (BlockChecksum.of(item.place, earlier.blockBytes()) != earlier.checksum()) {
      return false;
    }
    note(item, earlier);
    progress.resumed(item.place.bytes(), 1);
    return true;
  }

  /** Records a finished tensor, and lets the digests of its files move on. */
  private void note(Work item, TensorOutcome outcome) {
    outcomes.put(item.tensor.name(), outcome);
    digests.follow(item.place);
    item.tensor.work().weights().forEach(weight -> digests.follow(weight.stored().tensor()));
  }

  /** The numbers that are read, or computed with, for a tensor. */
  private static long numbers(PlannedTensor tensor) {
    return tensor.work() instanceof PlannedTensor.Merge merge
        ? tensor.size() * (merge.inputs().size() + 1L)
        : 0;
  }

  private List<String> warnings() {
    List<String> warnings = new ArrayList<>(plan.notices());
    for (TensorOutcome outcome : outcomes.values()) {
      if (outcome.nonFinite() > 0) {
        warnings.add(
            "tensor '%s' holds %d NaN or infinite values"
                .formatted(outcome.name(), outcome.nonFinite()));
      }
    }
    return warnings;
  }

  /** Refuses a matrix that would not fit before anything is written. */
  static void requireMemory(MergePlan plan, long memory) {
    for (PlannedTensor tensor : plan.tensors()) {
      if (TensorMerger.needsMatrices(tensor) && TensorMerger.matrixBytes(tensor) > memory) {
        throw new MergeException(
            String.format(
                Locale.ROOT,
                "tensor '%s' %s needs about %,d bytes for %s, the memory budget is %,d; raise"
                    + " --memory or exclude the tensor",
                tensor.name(),
                tensor.shape(),
                TensorMerger.matrixBytes(tensor),
                plan.method(),
                memory));
      }
    }
  }

  /**
   * Tensors of whole pages come first: each then begins at a page, and can bypass the page cache.
   */
  static SafetensorsLayout layout(MergePlan.OutputShard shard) {
    return SafetensorsLayout.of(
        shard.tensors().stream()
            .sorted(Comparator.comparing(it -> it.bytes() % SafetensorsLayout.PAGE != 0))
            .map(
                it ->
                    new SafetensorsLayout.Entry(
                        it.name(),
                        it.dtype(),
                        it.shape(),
                        it.type(),
                        it.dtype() == DType.OTHER ? it.bytes() : -1))
            .toList(),
        shard.metadata());
  }
}
