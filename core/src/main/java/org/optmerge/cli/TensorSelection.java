package org.optmerge.cli;

import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Suggestion;
import org.optmerge.merge.recipe.ParameterPreset;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

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

  @Option(
      names = "--preset",
      paramLabel = "NAME",
      completionCandidates = Names.Presets.class,
      converter = PresetConverter.class,
      description = "Only tensors that this preset's recipes merge: ${COMPLETION-CANDIDATES}.")
  private @Nullable ParameterPreset preset;

  /** A preset by its name. */
  static final class PresetConverter implements ITypeConverter<ParameterPreset> {
    @Override
    public ParameterPreset convert(String label) {
      return ParameterPreset.of(label)
          .orElseThrow(
              () ->
                  new TypeConversionException(
                      "no preset '%s'%s; known: %s"
                          .formatted(
                              label,
                              Suggestion.forWord(label, ParameterPreset.labels()),
                              ParameterPreset.labels())));
    }
  }

  boolean selects(String tensor) {
    return (include.isEmpty() || matches(include, tensor))
        && !matches(exclude, tensor)
        && !(preset != null && matches(preset.exclude(), tensor));
  }

  private static boolean matches(List<Pattern> patterns, String tensor) {
    return patterns.stream().anyMatch(pattern -> pattern.matcher(tensor).lookingAt());
  }
}
