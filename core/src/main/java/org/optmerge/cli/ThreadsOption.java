package org.optmerge.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The option for the number of threads. */
final class ThreadsOption {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  private int count = Runtime.getRuntime().availableProcessors();

  @Option(
      names = {"-j", "--threads", "--num-threads"},
      paramLabel = "N",
      description = "Threads that read, compute and write (default: one per processor).")
  void set(int threads) {
    Subcommand.requirePositive(command, "--threads", threads);
    count = threads;
  }

  int count() {
    return count;
  }
}
