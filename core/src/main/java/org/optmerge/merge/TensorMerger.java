package org.optmerge.merge;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiFunction;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Kernels;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.FloatCodec;
import org.optmerge.checkpoint.SafetensorsWriter;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.linalg.NativeLibraries;
import org.optmerge.merge.ScratchPool.Output;
import org.optmerge.merge.weights.NonFinite;
import org.optmerge.merge.weights.PlannedTensor;
import org.optmerge.merge.weights.WeightReader;
import org.optmerge.method.DoubleMerge;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.StreamingMergeMethod;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;
import org.optmerge.taskvector.Weight;

/**
 * Makes one output tensor: reads, widens, combines, rounds once and writes, block by block.
 *
 * <p>Blocks depend on the tensor alone and what is summed over them is summed in their order, so
 * the bytes and the statistics are the same for any number of threads.
 */
final class TensorMerger {
  /** Entries of a block: a handful of such {@code float} arrays stays in a core's cache. */
  static final int BLOCK = 1 << 14;

  /** Entries that one thread works through before another may take the next ones. */
  static final long TASK = 64L * BLOCK;

  /** Bytes up to which the matrices of a tensor are left to one thread. */
  private static final long ONE_THREAD = 2L << 30;

  /** No type, F8_E4M3 with its 448 included, overflows below this. */
  private static final float SAFE_IN_EVERY_TYPE = 256;

  private final boolean allowNonFinite;
  private final @Nullable KeptBlocks kept;
  private final ScratchPool scratchPool;
  private final LongAdder bytesRead;
  private final Progress progress;
  private final WriteBuffer.Pool writeBuffers = new WriteBuffer.Pool();
  private final ConcurrentLinkedDeque<DenseBuffers> denseBuffers = new ConcurrentLinkedDeque<>();

  /** As the other constructor, where nothing is kept for another λ. */
  TensorMerger(MergePlan plan, long memory, LongAdder bytesRead, Progress progress) {
    this(plan, memory, bytesRead, progress, null);
  }

  /**
   * @param memory the budget of the whole merge, of which a part keeps blocks between passes
   * @param kept results before λ, taken and left; null if nobody wants them
   */
  TensorMerger(
      MergePlan plan,
      long memory,
      LongAdder bytesRead,
      Progress progress,
      @Nullable KeptBlocks kept) {
    this.kept = kept;
    this.allowNonFinite = plan.allowNonFinite();
    this.scratchPool = ScratchPool.of(plan, keepable(memory));
    this.bytesRead = bytesRead;
    this.progress = progress;
  }

  /**
   * Bytes of blocks kept between passes, of a memory budget: enough for the matrices of a 7B model
   * in turn, no more.
   */
  private static long keepable(long memory) {
    return Math.min(memory / 4, 192L << 20);
  }

  /** A planned merge as its method sees it. */
  PlannedStream stream(PlannedTensor tensor, PlannedTensor.Merge merge) {
    return new PlannedStream(tensor, merge, allowNonFinite, scratchPool, bytesRead);
  }

  /** True if the method needs whole matrices, and with them the linear algebra engine. */
  static boolean needsMatrices(PlannedTensor tensor) {
    return tensor.work() instanceof PlannedTensor.Merge merge
        && !(merge.method() instanceof StreamingMergeMethod);
  }

  /**
   * Bytes of memory that a matrix method takes for a tensor, by a generous rule: inputs, result and
   * workspace. Adapters stay factors, which are small.
   */
  static long matrixBytes(PlannedTensor tensor) {
    PlannedTensor.Merge merge = (PlannedTensor.Merge) tensor.work();
    long size = tensor.size();
    long dense =
        merge.inputs().stream().filter(input -> !(input instanceof Weight.Adapted)).count();
    return Math.multiplyExact(size, 4L * (2L * dense + 6));
  }

  /**
   * True if the tensor's matrices are small enough that several are merged at the same time, each
   * on one thread. This depends on the tensor alone, as the last digits of a product depend on the
   * engine's number of threads.
   */
  static boolean isMergedOnOneThread(PlannedTensor tensor) {
    return matrixBytes(tensor) <= ONE_THREAD;
  }

  /**
   * @param method the tensor's method, fitted to the model if it needs that
   */
  TensorOutcome run(PlannedTensor tensor, @Nullable MergeMethod method, SafetensorsWriter writer) {
    PlannedTensor.Work work = tensor.work();
    if (work instanceof PlannedTensor.Copy copy) {
      return copy(tensor, copy.from(), writer);
    }
    PlannedTensor.Merge merge = (PlannedTensor.Merge) work;
    if (merge.inputDtype() == DType.F64) {
      return mergeDoubles(tensor, merge, writer);
    }
    CheckedMethod checked = checked(tensor, method == null ? merge.method() : method);
    if (kept != null && kept.has(tensor.name())) {
      return scaleKept(tensor, merge, checked, kept, writer);
    }
    TensorOutcome outcome =
        checked.method() instanceof StreamingMergeMethod streaming
            ? mergeStreaming(tensor, merge, checked, streaming, writer)
            : mergeMatrices(tensor, merge, checked, writer);
    if (kept != null) {
      kept.finish(tensor.name());
    }
    return outcome;
  }

  private void keep(PlannedTensor tensor, long start, float[] merged, int length) {
    if (kept != null && !kept.has(tensor.name())) {
      kept.put(tensor.name(), start, merged, length);
    }
  }

  /** Another λ for what was merged before, in the blocks in which it was merged. */
  private TensorOutcome scaleKept(
      PlannedTensor tensor,
      PlannedTensor.Merge merge,
      CheckedMethod checked,
      KeptBlocks merged,
      SafetensorsWriter writer) {
    int blockLength =
        checked.method() instanceof StreamingMergeMethod streaming
            ? PlannedStream.blockLength(streaming.alignment(tensor.shape()))
            : BLOCK;
    return finish(
        tensor,
        merge,
        checked,
        blockLength,
        MergedValues.stored((at, target, length) -> merged.get(tensor.name(), at, target, length)),
        writer);
  }

  /** A method whose results for the tensor are checked. */
  CheckedMethod checked(PlannedTensor tensor, MergeMethod method) {
    return new CheckedMethod(method, tensor, allowNonFinite);
  }

  private TensorOutcome copy(PlannedTensor tensor, Weight.Stored from, SafetensorsWriter writer) {
    boolean sameType = from.dtype() == tensor.dtype();
    if (!tensor.dtype().isFloating()) {
      return copyBytes(tensor, from, writer);
    }
    return write(
        tensor,
        BLOCK,
        writer,
        (start, end, blocks) -> {
          Output output = scratchPool.borrowOutput(BLOCK);
          try {
            for (long at = start; at < end; at += BLOCK) {
              int length = (int) Math.min(BLOCK, end - at);
              ByteBuffer bytes = output.bytes.clear();
              long nonFinite = 0;
              if (tensor.dtype().isFloating()) {
                nonFinite = countNonFinite(from, at, length, output.merged);
              }
              if (sameType) {
                bytes.limit(length * from.dtype().bytes());
                from.checkpoint().readBytes(from.tensor(), at * from.dtype().bytes(), bytes);
                bytesRead.add(bytes.limit());
                bytes.flip();
              } else {
                FloatCodec.narrow(tensor.dtype(), output.merged, 0, length, bytes);
                bytes.limit(length * tensor.dtype().bytes());
              }
              blocks.done(at, length, bytes, 0, nonFinite);
            }
          } finally {
            scratchPool.giveBack(output);
          }
        });
  }

  /** Copies what is not computed with, whatever its elements are. */
  private TensorOutcome copyBytes(
      PlannedTensor tensor, Weight.Stored from, SafetensorsWriter writer) {
    return write(
        tensor,
        tensor.bytes(),
        1,
        BLOCK,
        writer,
        (start, end, blocks) -> {
          Output output = scratchPool.borrowOutput(BLOCK);
          try {
            for (long at = start; at < end; at += BLOCK) {
              int length = (int) Math.min(BLOCK, end - at);
              ByteBuffer bytes = output.bytes.clear().limit(length);
              from.checkpoint().readBytes(from.tensor(), at, bytes);
              bytesRead.add(length);
              blocks.done(at, length, bytes.flip(), 0, 0);
            }
          } finally {
            scratchPool.giveBack(output);
          }
        });
  }

  private static long countNonFinite(Weight.Stored from, long at, int length, float[] values) {
    from.checkpoint().read(from.tensor(), at, length, values);
    return NonFinite.firstIn(values, length) < 0 ? 0 : NonFinite.countIn(values, length);
  }

  /** In double precision, the whole tensor at once. */
  private TensorOutcome mergeDoubles(
      PlannedTensor tensor, PlannedTensor.Merge merge, SafetensorsWriter writer) {
    if (tensor.size() > Integer.MAX_VALUE / 8) {
      throw new MergeException(
          "tensor '%s' has %d entries; in float64 at most %d can be merged, use 'dtype: float32'"
              .formatted(tensor.name(), tensor.size(), Integer.MAX_VALUE / 8));
    }
    double[] base =
        merge.base() == null ? null : new WeightReader(merge.base(), bytesRead).readDoubles();
    double[][] x =
        merge.inputs().stream()
            .map(input -> new WeightReader(input, bytesRead).readDoubles())
            .toArray(double[][]::new);
    for (double[] input : x) {
      for (int i = 0; base != null && i < input.length; i++) {
        input[i] -= base[i];
      }
    }
    double[] merged = DoubleMerge.merge(merge.method(), x, tensor.shape(), tensor.parameter());
    for (int i = 0; i < merged.length; i++) {
      merged[i] = (base == null ? 0 : base[i]) + merge.scaling() * merged[i];
      if (!Double.isFinite(merged[i]) && !allowNonFinite) {
        throw new MergeException(
            "output tensor '%s': the value at %s is %s; repair the inputs, or pass --allow-nonfinite"
                .formatted(tensor.name(), NonFinite.position(tensor.shape(), i), merged[i]));
      }
    }
    return write(
        tensor,
        BLOCK,
        writer,
        (start, end, blocks) -> {
          ByteBuffer bytes = ByteBuffer.allocate(8 * BLOCK).order(ByteOrder.LITTLE_ENDIAN);
          float[] narrow = new float[BLOCK];
          for (long at = start; at < end; at += BLOCK) {
            int length = (int) Math.min(BLOCK, end - at);
            bytes.clear();
            double squares = 0;
            for (int i = 0; i < length; i++) {
              double value = merged[(int) at + i];
              double change = base == null ? value : value - base[(int) at + i];
              squares += change * change;
              narrow[i] = (float) value;
              if (tensor.dtype() == DType.F64) {
                bytes.putDouble(8 * i, value);
              }
            }
            if (tensor.dtype() != DType.F64) {
              FloatCodec.narrow(tensor.dtype(), narrow, 0, length, bytes);
            }
            bytes.limit(length * tensor.dtype().bytes());
            blocks.done(at, length, bytes, squares, 0);
          }
        });
  }

  private TensorOutcome mergeStreaming(
      PlannedTensor tensor,
      PlannedTensor.Merge merge,
      CheckedMethod checked,
      StreamingMergeMethod method,
      SafetensorsWriter writer) {
    PlannedStream stream = stream(tensor, merge);
    int blockLength = PlannedStream.blockLength(method.alignment(tensor.shape()));
    stream.keepBlocks(blockLength);
    try {
      // Statistics read blocks that stay for the merge; a method without them reads each just once.
      StreamingMergeMethod.BlockMerge blockMerge = checked.prepare(method, stream);
      stream.keepNoMore();
      return write(
          tensor,
          blockLength,
          writer,
          (start, end, blocks) -> {
            Output output = scratchPool.borrowOutput(blockLength);
            try {
              stream.visitWithBase(
                  start,
                  end,
                  blockLength,
                  (block, base) -> {
                    blockMerge.merge(block, output.merged);
                    keep(tensor, block.start(), output.merged, block.length());
                    finish(checked, merge, block.start(), block.length(), base, output, blocks);
                  });
            } finally {
              scratchPool.giveBack(output);
            }
          });
    } finally {
      stream.releaseBlocks();
    }
  }

  private TensorOutcome mergeMatrices(
      PlannedTensor tensor,
      PlannedTensor.Merge merge,
      CheckedMethod checked,
      SafetensorsWriter writer) {
    return withMatrices(
        tensor,
        merge,
        (tau, manager) ->
            finish(
                tensor,
                merge,
                checked,
                BLOCK,
                MergedValues.of(checked.merge(tau), manager),
                writer));
  }

  /** Work on the task vectors of a tensor, which are gone after it. */
  <T extends @Nullable Object> T withMatrices(
      PlannedTensor tensor, PlannedTensor.Merge merge, BiFunction<TaskVectors, NDManager, T> work) {
    DenseBuffers buffers = Objects.requireNonNullElseGet(denseBuffers.poll(), DenseBuffers::new);
    try (NDManager manager = NativeLibraries.newManager()) {
      return work.apply(taskVectors(tensor, merge, manager, buffers), manager);
    } finally {
      denseBuffers.push(buffers);
    }
  }

  /** Writes a tensor whose merged task vector was kept. */
  TensorOutcome finish(
      PlannedTensor tensor,
      @Nullable MergeMethod method,
      KeptVectors.Kept kept,
      SafetensorsWriter writer) {
    PlannedTensor.Merge merge = (PlannedTensor.Merge) tensor.work();
    return finish(
        tensor,
        merge,
        checked(tensor, method == null ? merge.method() : method),
        BLOCK,
        MergedValues.stored(kept::read),
        writer);
  }

  private TensorOutcome finish(
      PlannedTensor tensor,
      PlannedTensor.Merge merge,
      CheckedMethod checked,
      int blockLength,
      MergedValues values,
      SafetensorsWriter writer) {
    WeightReader base = merge.base() == null ? null : new WeightReader(merge.base(), bytesRead);
    return write(
        tensor,
        blockLength,
        writer,
        (start, end, blocks) -> {
          Output output = scratchPool.borrowOutput(blockLength);
          float[] theta0 = new float[blockLength];
          try (MergedValues.Stretch stretch = values.stretch(start, end)) {
            for (long at = start; at < end; at += blockLength) {
              int length = (int) Math.min(blockLength, end - at);
              stretch.get(at, output.merged, length);
              keep(tensor, at, output.merged, length);
              if (base != null) {
                base.read(at, length, theta0);
              }
              finish(checked, merge, at, length, theta0, output, blocks);
            }
          } finally {
            scratchPool.giveBack(output);
          }
        });
  }

  /** Reads whole task vectors into native memory of their own. */
  TaskVectors taskVectors(PlannedTensor tensor, PlannedTensor.Merge merge, NDManager manager) {
    return taskVectors(tensor, merge, manager, new DenseBuffers());
  }

  /** Reads whole task vectors into native memory; adapters over the base stay factored. */
  TaskVectors taskVectors(
      PlannedTensor tensor, PlannedTensor.Merge merge, NDManager manager, DenseBuffers buffers) {
    PlannedStream stream = stream(tensor, merge);
    long size = stream.size();
    if (size * 4 > Integer.MAX_VALUE) {
      throw new MergeException(
          "tensor '%s' has %d entries; %s takes whole matrices of up to %d. Exclude it, or merge it with a streaming method"
              .formatted(tensor.name(), size, merge.method(), Integer.MAX_VALUE / 4));
    }
    Shape shape = new Shape(tensor.shape());
    FloatBuffer[] dense = new FloatBuffer[stream.count()];
    List<TaskVector> vectors = new ArrayList<>();
    for (int t = 0; t < stream.count(); t++) {
      TaskVector.LowRank factors = stream.factors(t, manager);
      if (factors != null) {
        vectors.add(factors);
      } else {
        ByteBuffer buffer = buffers.get(t, (int) (4 * size));
        dense[t] = buffer.asFloatBuffer();
        vectors.add(new TaskVector.Dense(manager.create(buffer, shape, DataType.FLOAT32)));
      }
    }
    if (Arrays.stream(dense).anyMatch(Objects::nonNull)) {
      stream.forEach(
          1,
          block -> {
            for (int t = 0; t < dense.length; t++) {
              if (dense[t] != null) {
                dense[t].put((int) block.start(), block.tau()[t], 0, block.length());
              }
            }
          });
    }
    return new TaskVectors(tensor.parameter(), vectors);
  }

  /** θ_0 + λ · merged, rounded once, checked and handed to the writer. */
  private static void finish(
      CheckedMethod checked,
      PlannedTensor.Merge merge,
      long start,
      int length,
      float[] base,
      Output output,
      BlockSink blocks) {
    float[] merged = output.merged;
    DType dtype = checked.tensor().dtype();
    float scaling = (float) merge.scaling();
    double unscaled = Kernels.best().sumOfSquares(merged, 0, length);
    if (!Double.isFinite(unscaled)) {
      checked.requireFinite(start, merged, length);
    }
    double squares = unscaled * scaling * scaling;
    if (merge.base() != null) {
      for (int i = 0; i < length; i++) {
        merged[i] = base[i] + scaling * merged[i];
      }
    } else if (scaling != 1) {
      for (int i = 0; i < length; i++) {
        merged[i] *= scaling;
      }
    }
    ByteBuffer bytes = output.bytes.clear();
    FloatCodec.narrow(dtype, merged, 0, length, bytes);
    bytes.limit(length * dtype.bytes());
    long nonFinite = 0;
    if (!Kernels.best().allBelow(merged, 0, length, SAFE_IN_EVERY_TYPE)) {
      // A type with a smaller range can overflow in the rounding itself: what was stored decides.
      FloatCodec.widen(dtype, bytes, merged, 0, length);
      nonFinite = checked.requireStorable(start, merged, length);
    }
    blocks.done(start, length, bytes, squares, nonFinite);
  }

  /** Receives finished blocks. */
  @FunctionalInterface
  private interface BlockSink {
    void done(long start, int length, ByteBuffer bytes, double squares, long nonFinite);
  }

  /** Makes the blocks from {@code start} to {@code end}. */
  @FunctionalInterface
  private interface BlockSource {
    void run(long start, long end, BlockSink blocks);
  }

  private TensorOutcome write(
      PlannedTensor tensor, int blockLength, SafetensorsWriter writer, BlockSource source) {
    return write(tensor, tensor.size(), tensor.dtype().bytes(), blockLength, writer, source);
  }

  /**
   * @param size number of elements
   * @param elementBytes bytes of each
   */
  private TensorOutcome write(
      PlannedTensor tensor,
      long size,
      int elementBytes,
      int blockLength,
      SafetensorsWriter writer,
      BlockSource source) {
    int count = Math.toIntExact((size + blockLength - 1) / blockLength);
    int[] checksums = new int[count];
    double[] squares = new double[count];
    long[] nonFinite = new long[count];
    TensorInfo place = writer.tensor(tensor.name());
    List<ForkJoinTask<?>> tasks = new ArrayList<>();
    long taskLength = TASK / BLOCK * blockLength;
    for (long from = 0; from < size; from += taskLength) {
      long first = from;
      long end = Math.min(size, from + taskLength);
      tasks.add(
          ForkJoinTask.adapt(
              () -> {
                WriteBuffer buffer = writeBuffers.borrow(writer, place, first * elementBytes);
                source.run(
                    first,
                    end,
                    (start, length, bytes, blockSquares, blockNonFinite) -> {
                      int at = (int) (start / blockLength);
                      CRC32C crc = new CRC32C();
                      crc.update(bytes.duplicate());
                      checksums[at] = (int) crc.getValue();
                      squares[at] = blockSquares;
                      nonFinite[at] = blockNonFinite;
                      buffer.put(bytes);
                      progress.advanced((long) length * elementBytes);
                    });
                buffer.flush();
                writeBuffers.giveBack(buffer);
              }));
    }
    if (ForkJoinTask.inForkJoinPool()) {
      ForkJoinTask.invokeAll(tasks);
    } else {
      tasks.forEach(ForkJoinTask::invoke);
    }
    double total = 0;
    long bad = 0;
    for (int i = 0; i < count; i++) {
      total += squares[i];
      bad += nonFinite[i];
    }
    return new TensorOutcome(
        tensor.name(),
        BlockChecksum.combine(checksums),
        blockLength * elementBytes,
        Math.sqrt(total),
        bad);
  }
}
