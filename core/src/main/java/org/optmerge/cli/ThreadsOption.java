package org.optmerge.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The option for the number of threads. */
final class ThreadsOption {
  private static final int MOST = 4096;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  private int count = Runtime.getRuntime().availableProcessors();

  @Option(
      names = {"-j", "--threads", "--num-threads"},
      paramLabel = "N",
      description = "Threads that read, compute and write (default: one per processor).")
  void set(int threads) {
    Subcommand.requirePositive(command, "--threads", threads);
    // More than any machine has processors do no more work, and a pool has a bound.
    count = Math.min(threads, MOST);
  }

  int count() {
    return count;
  }
}
