package org.optmerge.linalg;

import ai.djl.pytorch.jni.JniUtils;
import java.util.List;
import java.util.function.Supplier;
import org.optmerge.base.Workers;

/**
 * The number of threads that the engine uses for one call.
 *
 * <p>Two matrices, each on one thread, take less time than one after the other on two: much of a
 * factorisation runs on one thread whatever it is given.
 */
public final class EngineThreads {
  private EngineThreads() {}

  /** The threads that a call from this thread uses. */
  public static int count() {
    TorchModule.load();
    return JniUtils.getNumThreads();
  }

  /**
   * From now on calls from this thread use so many, and so do those from threads that have not
   * called the engine yet.
   *
   * @param count at least 1
   */
  public static void set(int count) {
    TorchModule.load();
    JniUtils.setNumThreads(count);
  }

  /**
   * Does pieces of work side by side, each on a thread for which the engine uses no other: for many
   * small matrices that is the fastest, and no result depends on how many threads there are.
   *
   * @param threads how many are done at the same time
   * @return the results, in the order of the work
   * @throws RuntimeException or Error if a piece fails, after those that had begun have ended; the
   *     first failure in the order of the work
   */
  public static <T> List<T> sideBySide(int threads, List<? extends Supplier<T>> work) {
    if (work.isEmpty()) {
      return List.of();
    }
    int before = count();
    try (Workers workers =
        Workers.plain(Math.min(threads, work.size()), "one-engine-thread", () -> set(1))) {
      return workers.map(work, Supplier::get);
    } finally {
      set(before);
    }
  }
}
