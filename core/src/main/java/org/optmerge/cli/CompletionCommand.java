package org.optmerge.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code optmerge completion}. */
@Command(
    name = "completion",
    description = {
      "Print a script that completes commands, options, merge methods and presets in bash and zsh.",
      "To use it: source <(optmerge completion)"
    })
final class CompletionCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    spec.commandLine().getOut().print(AutoComplete.bash("optmerge", spec.root().commandLine()));
    return 0;
  }
}
