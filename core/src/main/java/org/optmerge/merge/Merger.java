package org.optmerge.merge;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.SafetensorsLayout;
import org.optmerge.checkpoint.SafetensorsWriter;
import org.optmerge.checkpoint.ShardIndex;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.method.MergeMethod;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * Carries out a {@link MergePlan}: from open inputs to a checkpoint that is complete, on disk and
 * checked, or not there.
 *
 * <p>Memory is a few blocks a thread for streaming methods, whatever the size of the model, and a
 * few matrices for the others. The bytes written depend on inputs, recipe and seed alone.
 */
public final class Merger {
  /** Bytes that wait to be hashed before a thread is sent after them. */
  private static final long HASH_STRETCH = 16 << 20;

  private final MergePlan plan;
  private final MergeOptions options;
  private final Progress progress;
  private final Workspace workspace;
  private final LongAdder bytesRead = new LongAdder();
  private final AtomicBoolean stopped = new AtomicBoolean();
  private final Map<Path, TrailingDigest> digests = new LinkedHashMap<>();
  private final Map<String, TensorOutcome> outcomes = new ConcurrentHashMap<>();
  private boolean ownsWorkspace;
  private int finishedBefore;

  private Merger(MergePlan plan, Workspace workspace, MergeOptions options, Progress progress) {
    this.plan = plan;
    this.workspace = workspace;
    this.options = options;
    this.progress = progress;
  }

  /**
   * Merges. The plan stays open; an output folder appears only if everything succeeded.
   *
   * @param out the output folder: absent, empty, or (with {@link MergeOptions#force}) an earlier
   *     result
   * @throws MergeException if the output cannot be written, a value is not finite, or a matrix
   *     exceeds the memory; finished tensors are kept for {@link MergeOptions#resume}
   * @throws CheckpointException if an input cannot be read
   */
  public static MergeResult run(MergePlan plan, Path out, MergeOptions options, Progress progress) {
    long begin = System.nanoTime();
    requireMemory(plan, options.memory());
    Workspace workspace = Workspace.open(out, plan.models().values(), options);
    Merger merger = new Merger(plan, workspace, options, progress);
    try {
      return merger.run(out, begin);
    } catch (IOException | UncheckedIOException e) {
      throw new MergeException(
          "writing %s failed: %s%s".formatted(out, Workspace.reason(e), merger.leftOver()), e);
    } catch (MergeException e) {
      throw new MergeException(e.getMessage() + merger.leftOver(), e);
    } catch (CheckpointException e) {
      throw new CheckpointException(e.getMessage() + merger.leftOver(), e);
    }
  }

  /**
   * After a failure: what is kept, for the message; an unfinished merge without a finished tensor
   * is removed.
   */
  private String leftOver() {
    if (!ownsWorkspace) {
      return "";
    }
    if (outcomes.isEmpty() && finishedBefore == 0) {
      workspace.discard();
      return "";
    }
    return "; %,d finished tensors are kept in %s, --resume continues from there, --force discards them"
        .formatted(Math.max(outcomes.size(), finishedBefore), workspace.folder());
  }

  private MergeResult run(Path out, long begin) throws IOException {
    List<Work> work = new ArrayList<>();
    Map<String, SafetensorsWriter> writers = new LinkedHashMap<>();
    int resumed = 0;
    try (Journal journal = Journal.open(workspace.journal(), fingerprint(), options.resume())) {
      ownsWorkspace = true;
      finishedBefore = journal.finished().size();
      workspace.requireSpace(bytesToWrite(journal.finished().keySet()));
      try {
        for (MergePlan.OutputShard shard : plan.shards()) {
          SafetensorsLayout layout = layout(shard);
          Path file = workspace.staging().resolve(shard.fileName());
          boolean present = !journal.finished().isEmpty() && Files.exists(file);
          if (!present) {
            Files.deleteIfExists(file);
          }
          SafetensorsWriter writer =
              present
                  ? SafetensorsWriter.reopen(file, layout)
                  : SafetensorsWriter.create(file, layout);
          writers.put(shard.fileName(), writer);
          digests.put(file, new TrailingDigest(file, layout.dataStart()));
          for (PlannedTensor tensor : shard.tensors()) {
            TensorInfo place = writer.tensor(tensor.name());
            TensorOutcome outcome = present ? journal.finished().get(tensor.name()) : null;
            work.add(new Work(tensor, writer, place, outcome));
          }
        }
        if (options.checksumInputs()) {
          for (Checkpoint input : inputs().keySet()) {
            for (Path file : input.weightFiles()) {
              digests.put(file, new TrailingDigest(file, 0));
            }
          }
        }
        resumed = mergeAll(work, journal);
        for (SafetensorsWriter writer : writers.values()) {
          writer.force();
        }
      } finally {
        for (SafetensorsWriter writer : writers.values()) {
          writer.close();
        }
      }
      finishFolder();
      workspace.publish();
    } finally {
      for (TrailingDigest digest : digests.values()) {
        digest.close();
      }
    }
    progress.finished();
    int merged =
        (int) work.stream().filter(it -> it.tensor.work() instanceof PlannedTensor.Merge).count();
    long written =
        work.stream().filter(it -> it.earlier == null).mapToLong(it -> it.place.bytes()).sum();
    return new MergeResult(
        out,
        merged,
        work.size() - merged,
        resumed,
        bytesRead.sum(),
        written,
        (System.nanoTime() - begin) / 1e9,
        warnings());
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
      @Nullable TensorOutcome earlier) {}

  /** Makes every tensor that is not there yet; returns how many were. */
  private int mergeAll(List<Work> work, Journal journal) throws IOException {
    progress.started(work.stream().mapToLong(it -> it.place.bytes()).sum(), work.size());
    int mostInputs = 1;
    for (Work item : work) {
      if (item.tensor.work() instanceof PlannedTensor.Merge merge) {
        mostInputs = Math.max(mostInputs, merge.inputs().size());
      }
    }
    TensorMerger tensorMerger =
        new TensorMerger(
            options.allowNonFinite() || plan.allowNonFinite(),
            new ScratchPool(mostInputs),
            bytesRead,
            progress);
    ForkJoinPool pool = new ForkJoinPool(options.threads());
    try {
      int resumed =
          await(pool, work.stream().filter(it -> it.earlier != null).toList(), this::check);
      List<Work> open =
          work.stream().filter(it -> !outcomes.containsKey(it.tensor.name())).toList();
      Map<MergeMethod, MergeMethod> fitted =
          open.isEmpty() ? Map.of() : invoke(pool, () -> fit(work, tensorMerger));
      progress.phase("merging");
      WorkAction make =
          item -> {
            MergeMethod method =
                item.tensor.work() instanceof PlannedTensor.Merge merge
                    ? fitted.get(merge.method())
                    : null;
            TensorOutcome outcome = tensorMerger.run(item.tensor, method, item.writer);
            journal.append(outcome);
            note(item, outcome, pool);
            return true;
          };
      await(
          pool, open.stream().filter(it -> !TensorMerger.needsMatrices(it.tensor)).toList(), make);
      // Matrices go one at a time: the engine brings its own threads, and two pools would fight.
      for (Work item : open) {
        if (TensorMerger.needsMatrices(item.tensor)) {
          get(pool.submit(() -> make.run(item)));
        }
      }
      return resumed;
    } finally {
      pool.shutdown();
    }
  }

  @FunctionalInterface
  private interface WorkAction {
    /** Works on one tensor; true if it is done. */
    boolean run(Work item) throws IOException;
  }

  /**
   * Runs an action for all items, in their order as threads become free; counts those that are
   * done.
   */
  private int await(ForkJoinPool pool, List<Work> items, WorkAction action) {
    ConcurrentLinkedQueue<Work> queue = new ConcurrentLinkedQueue<>(items);
    List<Future<Integer>> workers = new ArrayList<>();
    for (int i = 0; i < Math.min(options.threads(), items.size()); i++) {
      workers.add(
          pool.submit(
              () -> {
                int done = 0;
                for (Work item = queue.poll();
                    item != null && !stopped.get();
                    item = queue.poll()) {
                  try {
                    done += action.run(item) ? 1 : 0;
                  } catch (IOException | RuntimeException | Error e) {
                    stopped.set(true);
                    throw e;
                  }
                }
                return done;
              }));
    }
    int done = 0;
    for (Future<Integer> worker : workers) {
      done += get(worker);
    }
    return done;
  }

  /** What whole-model methods learn before the first tensor is merged. */
  private Map<MergeMethod, MergeMethod> fit(List<Work> work, TensorMerger tensorMerger) {
    Map<MergeMethod, List<TaskVectorStream>> models = new LinkedHashMap<>();
    List<PlannedTensor> byName = new ArrayList<>(work.stream().map(Work::tensor).toList());
    byName.sort(Comparator.comparing(PlannedTensor::name));
    for (PlannedTensor tensor : byName) {
      if (tensor.work() instanceof PlannedTensor.Merge merge) {
        models
            .computeIfAbsent(merge.method(), method -> new ArrayList<>())
            .add(new LazyStream(tensor, merge, tensorMerger));
      }
    }
    Map<MergeMethod, MergeMethod> fitted = new HashMap<>();
    models.forEach((method, streams) -> fitted.put(method, method.fit(streams)));
    return fitted;
  }

  /**
   * A tensor's inputs, opened anew for each pass, so that a whole model's adapter factors are never
   * held at once.
   */
  private static final class LazyStream extends TaskVectorStream {
    private final PlannedTensor tensor;
    private final PlannedTensor.Merge merge;
    private final TensorMerger tensorMerger;

    LazyStream(PlannedTensor tensor, PlannedTensor.Merge merge, TensorMerger tensorMerger) {
      this.tensor = tensor;
      this.merge = merge;
      this.tensorMerger = tensorMerger;
    }

    @Override
    public String parameter() {
      return tensor.name();
    }

    @Override
    public List<Long> shape() {
      return tensor.shape();
    }

    @Override
    public int count() {
      return merge.inputs().size();
    }

    @Override
    public void visit(long from, long to, long alignment, Consumer<Block> action) {
      tensorMerger.stream(tensor, merge).visit(from, to, alignment, action);
    }
  }

  /** Trusts what an interrupted run noted of a tensor only if the file still says so. */
  private boolean check(Work item) throws IOException {
    TensorOutcome earlier = Objects.requireNonNull(item.earlier);
    if (BlockChecksum.of(item.place, earlier.blockBytes()) != earlier.checksum()) {
      return false;
    }
    note(item, earlier, null);
    progress.resumed(item.place.bytes(), 1);
    return true;
  }

  /** Records a finished tensor, and lets the digests of its files move on. */
  private void note(Work item, TensorOutcome outcome, @Nullable ForkJoinPool pool) {
    outcomes.put(item.tensor.name(), outcome);
    hashBehind(item.place, pool);
    if (item.tensor.work() instanceof PlannedTensor.Copy copy) {
      hashBehind(copy.from().tensor(), pool);
    } else if (item.tensor.work() instanceof PlannedTensor.Merge merge) {
      if (merge.base() != null) {
        hashBehind(Weights.stored(merge.base()).tensor(), pool);
      }
      merge.inputs().forEach(input -> hashBehind(Weights.stored(input).tensor(), pool));
    }
    if (pool != null) {
      progress.finishedTensor(item.tensor.name());
    }
  }

  private void hashBehind(TensorInfo place, @Nullable ForkJoinPool pool) {
    TrailingDigest digest = digests.get(place.file());
    if (digest != null) {
      long waiting = digest.done(place.offset(), place.offset() + place.bytes());
      if (pool != null && waiting > HASH_STRETCH) {
        digest.advance();
      }
    }
  }

  /**
   * Everything that decides the output's bytes: a continuation under another fingerprint would mix
   * two merges.
   */
  private String fingerprint() throws IOException {
    StringBuilder all = new StringBuilder();
    all.append(Provenance.FORMAT).append(Provenance.version()).append(plan.recipe());
    for (Map.Entry<Checkpoint, String> input : inputs().entrySet()) {
      for (Path file : input.getKey().weightFiles()) {
        BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
        all.append('\n').append(file.toRealPath()).append(' ').append(attributes.size());
        all.append(' ').append(attributes.lastModifiedTime().toMillis());
      }
    }
    for (MergePlan.OutputShard shard : plan.shards()) {
      all.append('\n').append(shard.fileName());
      for (PlannedTensor tensor : shard.tensors()) {
        all.append('\n').append(tensor.name()).append(tensor.dtype()).append(tensor.shape());
      }
    }
    return TrailingDigest.of(all.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** Every checkpoint that is read, with its name in the recipe, in the order of first use. */
  private Map<Checkpoint, String> inputs() {
    Map<Checkpoint, String> inputs = new IdentityHashMap<>();
    List<Checkpoint> order = new ArrayList<>();
    for (MergePlan.OutputShard shard : plan.shards()) {
      for (PlannedTensor tensor : shard.tensors()) {
        for (Checkpoint checkpoint : Weights.checkpoints(tensor.work())) {
          if (inputs.putIfAbsent(checkpoint, nameOf(checkpoint)) == null) {
            order.add(checkpoint);
          }
        }
      }
    }
    Map<Checkpoint, String> ordered = new LinkedHashMap<>();
    order.forEach(checkpoint -> ordered.put(checkpoint, nameOf(checkpoint)));
    return ordered;
  }

  private String nameOf(Checkpoint checkpoint) {
    for (Map.Entry<String, Path> model : plan.models().entrySet()) {
      if (model
          .getValue()
          .toAbsolutePath()
          .normalize()
          .equals(checkpoint.folder().toAbsolutePath().normalize())) {
        return model.getKey();
      }
    }
    return String.valueOf(checkpoint.folder().getFileName());
  }

  /**
   * Everything of the folder but the weights; then what was written is read as a stranger would.
   */
  private void finishFolder() throws IOException {
    progress.phase("finishing");
    Path staging = workspace.staging();
    if (plan.indexed()) {
      index().write(staging.resolve(ShardIndex.FILE_NAME));
    }
    for (Path file : plan.files()) {
      if (!plan.rewritten().containsKey(file.toString())) {
        Path target = staging.resolve(file);
        Path targetFolder = target.getParent();
        if (targetFolder != null) {
          Files.createDirectories(targetFolder);
        }
        Files.copy(
            plan.donor().folder().resolve(file), target, StandardCopyOption.REPLACE_EXISTING);
      }
    }
    for (Map.Entry<String, byte[]> file : plan.rewritten().entrySet()) {
      Files.write(staging.resolve(file.getKey()), file.getValue());
    }
    Path card = staging.resolve(ModelCard.FILE);
    if (options.modelCard() || !Files.exists(card)) {
      Files.writeString(card, ModelCard.of(plan));
    }
    Provenance.write(staging, plan, inputHashes(), outputHashes(staging), outcomes);
    compareWithPlan(staging);
  }

  private ShardIndex index() {
    Map<String, String> weightMap = new LinkedHashMap<>();
    long bytes = 0;
    for (MergePlan.OutputShard shard : plan.shards()) {
      for (PlannedTensor tensor : shard.tensors()) {
        weightMap.put(tensor.name(), shard.fileName());
        bytes += tensor.bytes();
      }
    }
    return new ShardIndex(bytes, weightMap);
  }

  private List<Provenance.HashedFile> inputHashes() throws IOException {
    List<Provenance.HashedFile> hashed = new ArrayList<>();
    for (Map.Entry<Checkpoint, String> input : inputs().entrySet()) {
      for (Path file : input.getKey().weightFiles()) {
        TrailingDigest digest = digests.get(file);
        hashed.add(
            new Provenance.HashedFile(
                input.getValue(),
                input.getKey().folder().relativize(file).toString(),
                Files.size(file),
                digest == null ? "" : digest.finish()));
      }
    }
    return hashed;
  }

  private List<Provenance.HashedFile> outputHashes(Path staging) throws IOException {
    List<Provenance.HashedFile> hashed = new ArrayList<>();
    List<Path> files;
    try (Stream<Path> all = Files.walk(staging)) {
      files = all.filter(Files::isRegularFile).sorted().toList();
    }
    for (Path file : files) {
      TrailingDigest digest = digests.get(file);
      hashed.add(
          new Provenance.HashedFile(
              "",
              staging.relativize(file).toString(),
              Files.size(file),
              digest == null ? TrailingDigest.of(file) : digest.finish()));
    }
    return hashed;
  }

  private void compareWithPlan(Path staging) {
    try (Checkpoint written = Checkpoint.open(staging)) {
      Map<String, TensorInfo> found = new HashMap<>();
      written.tensors().forEach(tensor -> found.put(tensor.name(), tensor));
      for (MergePlan.OutputShard shard : plan.shards()) {
        for (PlannedTensor tensor : shard.tensors()) {
          TensorInfo info = found.remove(tensor.name());
          if (info == null
              || info.dtype() != tensor.dtype()
              || !info.shape().equals(tensor.shape())) {
            throw new MergeException(
                "the written checkpoint does not match the plan: tensor '%s' should be %s %s, is %s"
                    .formatted(tensor.name(), tensor.dtype(), tensor.shape(), info));
          }
        }
      }
      if (!found.isEmpty()) {
        throw new MergeException(
            "the written checkpoint has tensors that were not planned: " + found.keySet());
      }
    }
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
  private static void requireMemory(MergePlan plan, long memory) {
    for (MergePlan.OutputShard shard : plan.shards()) {
      for (PlannedTensor tensor : shard.tensors()) {
        if (TensorMerger.needsMatrices(tensor) && TensorMerger.matrixBytes(tensor) > memory) {
          throw new MergeException(
              "tensor '%s' %s needs about %,d bytes for %s, the memory budget is %,d; raise --memory or exclude the tensor"
                  .formatted(
                      tensor.name(),
                      tensor.shape(),
                      TensorMerger.matrixBytes(tensor),
                      plan.method(),
                      memory));
        }
      }
    }
  }

  private static SafetensorsLayout layout(MergePlan.OutputShard shard) {
    return SafetensorsLayout.of(
        shard.tensors().stream()
            .map(it -> new SafetensorsLayout.Entry(it.name(), it.dtype(), it.shape()))
            .toList(),
        shard.metadata());
  }

  private static <T> T invoke(ForkJoinPool pool, Callable<T> action) {
    return get(pool.submit(action));
  }

  private static <T> T get(Future<T> future) {
    try {
      return future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MergeException("the merge was interrupted; --resume continues it", e);
    } catch (ExecutionException e) {
      throw unwrap(e);
    }
  }

  /**
   * The pool wraps what a task threw, sometimes twice; the message of the innermost is the one to
   * show.
   */
  private static RuntimeException unwrap(Throwable thrown) {
    Throwable at = thrown;
    while (at.getCause() != null
        && (at instanceof ExecutionException || at.getCause().toString().equals(at.getMessage()))) {
      at = at.getCause();
    }
    if (at instanceof Error error) {
      throw error;
    }
    if (at instanceof IOException io) {
      return new UncheckedIOException(io);
    }
    return at instanceof RuntimeException runtime ? runtime : new IllegalStateException(at);
  }
}
