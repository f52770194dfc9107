package org.optmerge.linalg;

import ai.djl.pytorch.jni.JniUtils;

/**
 * How many threads the engine uses for one call.
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
}
