package org.optmerge.base;

import org.apiguardian.api.API;

/**
 * A listener to the course of long work. Methods are called from any thread, {@link #advanced}
 * often: an implementation is thread-safe and returns at once.
 *
 * <p>The order of calls: {@link #started}, then any number of the others, then {@link #finished} if
 * the work succeeded. A {@link #phase} may also come first, for what precedes the counting. A
 * second {@link #started} begins a new count, for work of several passes.
 */
@API(status = API.Status.EXPERIMENTAL)
public interface Progress {
  /** Listens to nothing. */
  Progress NONE = new Progress() {};

  /** The unit of counts whose rate is shown as that of a disk or a network. */
  String BYTES = "bytes";

  /**
   * Begins a count.
   *
   * @param what is done, such as {@code merging} or {@code asking Base}
   * @param total how much {@link #advanced} will add up to
   * @param unit of the count, in the plural: {@link #BYTES}, {@code questions}, {@code steps}
   */
  default void started(String what, long total, String unit) {}

  /**
   * States of how many named parts the work consists, each of which ends with {@link
   * #finishedPart}.
   *
   * @param noun in the plural: {@code tensors}, {@code files}
   */
  default void parts(int total, String noun) {}

  /** Part of the work was found done, by an earlier run; it does not count for the rate. */
  default void resumed(long amount, int parts) {}

  /** Names the present phase, such as {@code hashing inputs}, within the same count. */
  default void phase(String what) {}

  /** Adds something worth knowing at the moment, in a few words: {@code loss 0.31}. */
  default void detail(String text) {}

  /** So much more is done. */
  default void advanced(long amount) {}

  /** A part is done. */
  default void finishedPart(String name) {}

  /** All is done. */
  default void finished() {}
}
