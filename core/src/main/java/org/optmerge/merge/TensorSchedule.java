package org.optmerge.merge;

import java.util.List;
import java.util.function.Function;
import org.optmerge.base.Workers;
import org.optmerge.linalg.EngineThreads;
import org.optmerge.merge.weights.PlannedTensor;

/**
 * The order in which tensors are worked on: those that stream first, then matrices of ordinary
 * size, then large ones.
 *
 * <p>Matrices of ordinary size go side by side, each on one thread, as many as the memory holds:
 * reading, factorising and writing overlap. Larger ones go one at a time with all of the engine's
 * threads.
 *
 * @param pool of threads that work on blocks
 * @param memory bytes that matrices may take together
 */
record TensorSchedule(Workers pool, int threads, long memory) {
  /** Works on all items. */
  <T> void run(List<T> items, Function<T, PlannedTensor> tensor, Workers.Work<T, Boolean> work) {
    pool.map(
        items.stream().filter(it -> !TensorMerger.needsMatrices(tensor.apply(it))).toList(), work);
    List<T> matrices =
        items.stream().filter(it -> TensorMerger.needsMatrices(tensor.apply(it))).toList();
    List<T> ordinary =
        matrices.stream().filter(it -> TensorMerger.isMergedOnOneThread(tensor.apply(it))).toList();
    if (!ordinary.isEmpty()) {
      MemoryBudget budget = new MemoryBudget(memory);
      int engineThreads = EngineThreads.count();
      try (Workers workers =
          Workers.interrupting(threads, "matrices", () -> EngineThreads.set(1))) {
        workers.map(
            ordinary,
            item -> {
              try (MemoryBudget.Share share =
                  budget.take(TensorMerger.matrixBytes(tensor.apply(item)))) {
                return work.of(item);
              }
            });
      } finally {
        EngineThreads.set(engineThreads);
      }
    }
    for (T item : matrices) {
      if (!TensorMerger.isMergedOnOneThread(tensor.apply(item))) {
        pool.call(() -> work.of(item));
      }
    }
  }
}
