package org.optmerge.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;

/** {@code optmerge completion}. */
@Command(
    name = "completion",
    description = {
      "Print a script that completes commands, options, merge methods and presets in bash and zsh.",
      "To use it: source <(optmerge completion)"
    })
final class CompletionCommand extends Subcommand {
  @Override
  public Integer call() {
    spec.commandLine().getOut().print(AutoComplete.bash("optmerge", spec.root().commandLine()));
    return 0;
  }
}
