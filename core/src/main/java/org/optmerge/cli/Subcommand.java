package org.optmerge.cli;

import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** A command of {@code optmerge}, and the refusals that commands share. */
abstract class Subcommand implements Callable<Integer> {
  @ParentCommand Main main;
  @Spec CommandSpec spec;

  /** A refusal of the command line. */
  ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  /** Refuses a number below 1. */
  void requirePositive(String option, int value) {
    requirePositive(spec, option, value);
  }

  static void requirePositive(CommandSpec spec, String option, int value) {
    if (value < 1) {
      throw new ParameterException(
          spec.commandLine(), "%s must be at least 1, is %d".formatted(option, value));
    }
  }

  /** The thing that a name on the command line stands for, refused in its own words if unknown. */
  <T> T named(String name, Function<String, T> find) {
    return named(spec, () -> find.apply(name));
  }

  static <T> T named(CommandSpec spec, Supplier<T> thing) {
    try {
      return thing.get();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }
}
