package org.optmerge.base;

/**
 * Is told how a long piece of work goes on. Methods are called from any thread, {@link #advanced}
 * often: an implementation is thread-safe and returns at once.
 *
 * <p>The order of calls: {@link #started}, then any number of the others, then {@link #finished} if
 * the work succeeded. A {@link #phase} may also come first, for what precedes the counting. A
 * second {@link #started} begins a new count, for work of several passes.
 */
public interface Progress {
  /** Listens to nothing. */
  Progress NONE = new Progress() {};

  /**
   * The amount of work is known.
   *
   * @param totalBytes what will be counted by {@link #advanced}: bytes of the output for a merge,
   *     bytes read for an analysis
   * @param totalTensors how often {@link #finishedTensor} will be called
   */
  default void started(long totalBytes, int totalTensors) {}

  /** Part of the work was found done, by an earlier run; it does not count for the rate. */
  default void resumed(long bytes, int tensors) {}

  /** What is being done now, such as {@code merging} or {@code hashing inputs}. */
  default void phase(String name) {}

  /** So many more bytes are done. */
  default void advanced(long bytes) {}

  /** A tensor is done. */
  default void finishedTensor(String name) {}

  /** All is done. */
  default void finished() {}
}
