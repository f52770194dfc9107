package org.optmerge.merge;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.optmerge.base.Progress;
import org.optmerge.merge.weights.PlannedTensor;

/**
 * One merge written for several λ: the experts are read, and the method runs, once. Each output has
 * the bytes of a merge by itself, down to its {@code optmerge.json}.
 *
 * <p>An interrupted output can be resumed like any other; what is not kept from an output of the
 * same sweep is merged again.
 */
@API(status = API.Status.INTERNAL)
public final class Sweep implements AutoCloseable {
  private final MergePlan first;
  private final KeptBlocks kept;

  /**
   * Begins with nothing kept.
   *
   * @param first one of the plans; it stays the caller's
   * @throws MergeException if there is no room to keep what is merged
   */
  public Sweep(MergePlan first) {
    this.first = first;
    this.kept = KeptBlocks.of(first);
  }

  /**
   * Writes one output, as {@link Merger#run} does.
   *
   * @param plan differs from the first one in λ at most
   * @throws IllegalArgumentException if it differs in more
   */
  public MergeResult run(MergePlan plan, Path out, MergeOptions options, Progress progress) {
    requireSameButForScaling(first.tensors(), plan.tensors());
    return Merger.run(plan, out, options, progress, kept);
  }

  private static void requireSameButForScaling(
      List<PlannedTensor> first, List<PlannedTensor> other) {
    boolean same = first.size() == other.size();
    for (int i = 0; same && i < first.size(); i++) {
      PlannedTensor a = first.get(i);
      PlannedTensor b = other.get(i);
      same =
          a.name().equals(b.name())
              && a.size() == b.size()
              && (!(a.work() instanceof PlannedTensor.Merge one)
                  || (b.work() instanceof PlannedTensor.Merge two
                      && Objects.equals(one.method(), two.method())
                      && one.inputs().size() == two.inputs().size()));
    }
    if (!same) {
      throw new IllegalArgumentException("sweep: the plans differ in more than their scaling");
    }
  }

  @Override
  public void close() {
    kept.close();
  }
}
