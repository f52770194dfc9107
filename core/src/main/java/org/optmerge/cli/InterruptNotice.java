package org.optmerge.cli;

/** Says what to do next if the process is ended, by Ctrl-C for example, before this is closed. */
final class InterruptNotice implements AutoCloseable {
  private final Thread hook;

  /**
   * @param action what says it
   */
  InterruptNotice(Runnable action) {
    hook = new Thread(action, "interrupt-notice");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending already, and the notice has its reader.
    }
  }
}
