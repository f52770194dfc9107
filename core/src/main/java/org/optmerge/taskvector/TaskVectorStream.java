package org.optmerge.taskvector;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.function.BiConsumer;
import java.util.function.BinaryOperator;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The task vectors of one parameter, read block by block, as often as a method asks.
 *
 * <p>Nothing of the parameter's size is ever held: a block has at most some ten thousand entries.
 */
public abstract class TaskVectorStream {
  /** Entries that one segment of {@link #reduce} has at least. */
  static final long SEGMENT = 1 << 20;

  /** Segments that a reduction has at most: bounds the memory of its partial results. */
  static final int MAX_SEGMENTS = 64;

  private final String parameter;
  private final List<Long> shape;
  private final int count;

  /** The task vectors, {@code count} of them, of a parameter. */
  protected TaskVectorStream(String parameter, List<Long> shape, int count) {
    this.parameter = parameter;
    this.shape = List.copyOf(shape);
    this.count = count;
  }

  /** The parameter's name in the checkpoint, for messages and random numbers. */
  public final String parameter() {
    return parameter;
  }

  /** The parameter's extents, outermost first. */
  public final List<Long> shape() {
    return shape;
  }

  /** Number of task vectors. */
  public final int count() {
    return count;
  }

  /**
   * Visits the entries from {@code from} to {@code to} (exclusive) in order, on the calling thread.
   * Block boundaries are multiples of {@code alignment} counted from 0, so that rows stay whole;
   * {@code from} must be such a multiple.
   */
  public abstract void visit(long from, long to, long alignment, Consumer<Block> action);

  /** Number of entries of the parameter. */
  public final long size() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  /** One pass over all entries, in parallel as {@link #reduce} is; the action sees each block. */
  public final void forEach(long alignment, Consumer<Block> action) {
    reduce(alignment, () -> action, Consumer::accept, (earlier, later) -> earlier);
  }

  /** {@link #reduce(long, Supplier, BiConsumer, BinaryOperator)} where blocks may end anywhere. */
  public final <A> A reduce(Supplier<A> zero, BiConsumer<A, Block> add, BinaryOperator<A> combine) {
    return reduce(1, zero, add, combine);
  }

  /**
   * One pass over all entries, in parallel when called inside a {@link ForkJoinPool}.
   *
   * <p>The parameter is cut into segments that depend on its size alone, and partial results are
   * combined in order, so the result does not depend on the number of threads.
   *
   * @param alignment blocks begin at multiples of this
   * @param zero a fresh partial result
   * @param add takes a block into a partial result
   * @param combine joins the results of two neighbouring segments, the earlier first
   */
  public final <A> A reduce(
      long alignment, Supplier<A> zero, BiConsumer<A, Block> add, BinaryOperator<A> combine) {
    long size = size();
    long wanted = Math.min(MAX_SEGMENTS, Math.max(1, size / SEGMENT));
    long length = (size + wanted - 1) / wanted;
    length = Math.max(1, (length + alignment - 1) / alignment) * alignment;
    List<ForkJoinTask<A>> parts = new ArrayList<>();
    for (long from = 0; from < size; from += length) {
      long first = from;
      long end = Math.min(size, from + length);
      parts.add(
          ForkJoinTask.adapt(
              () -> {
                A partial = zero.get();
                visit(first, end, alignment, block -> add.accept(partial, block));
                return partial;
              }));
    }
    if (ForkJoinTask.inForkJoinPool()) {
      ForkJoinTask.invokeAll(parts);
    } else {
      parts.forEach(ForkJoinTask::invoke);
    }
    A result = zero.get();
    for (ForkJoinTask<A> part : parts) {
      result = combine.apply(result, part.join());
    }
    return result;
  }
}
