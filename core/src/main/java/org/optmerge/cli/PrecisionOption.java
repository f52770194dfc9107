package org.optmerge.cli;

import org.optmerge.model.ModelException;
import org.optmerge.model.Precision;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The option that says in what precision a model computes. */
final class PrecisionOption {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--precision",
      paramLabel = "NAME",
      completionCandidates = Names.Precisions.class,
      description =
          "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}: what suits model and processor).")
  private String name = Precision.AUTO.key();

  Precision precision() {
    try {
      return Precision.named(name);
    } catch (ModelException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }
}
