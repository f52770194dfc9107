package org.optmerge.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How many threads work. */
final class ThreadsOption {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  private int count = Runtime.getRuntime().availableProcessors();

  @Option(
      names = {"-j", "--threads", "--num-threads"},
      paramLabel = "N",
      description = "Threads that read, compute and write (default: one per processor).")
  void set(int threads) {
    if (threads < 1) {
      throw new ParameterException(
          command.commandLine(), "--threads must be at least 1, is " + threads);
    }
    count = threads;
  }

  int count() {
    return count;
  }
}
