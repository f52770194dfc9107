package org.optmerge.cli;

import java.util.List;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** Options that select tensors by name, as the recipe keys of the same names do. */
final class TensorSelection {
  @Option(
      names = "--include",
      paramLabel = "REGEX",
      description = "Only tensors whose name matches, from its start; may be given more than once.")
  private List<Pattern> include = List.of();

  @Option(
      names = "--exclude",
      paramLabel = "REGEX",
      description = "No tensors whose name matches, from its start; may be given more than once.")
  private List<Pattern> exclude = List.of();

  boolean selects(String tensor) {
    return (include.isEmpty() || matches(include, tensor)) && !matches(exclude, tensor);
  }

  private static boolean matches(List<Pattern> patterns, String tensor) {
    return patterns.stream().anyMatch(pattern -> pattern.matcher(tensor).lookingAt());
  }
}
