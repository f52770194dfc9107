package org.optmerge.merge.recipe;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The parameters that the official code of the OptMerge paper leaves as the base has them, by model
 * family.
 *
 * @see <a href="https://github.com/WalkerWorldPeace/MLLMerging">MLLMerging, model_merging.py</a>
 */
public enum ParameterPreset {
  /** Language model and projector are merged, the vision tower is not. */
  INTERNVL2_5(
      "internvl2.5", "vision_model.*", ".*lm_head.*", ".*norm.*", ".*embed_tokens.*", ".*bias.*"),
  /** The language model's matrices are merged, the vision tower with its merger is not. */
  QWEN2_VL("qwen2-vl", "visual..*", ".*embed_tokens.*", ".*lm_head.*", ".*norm.*", ".*bias.*");

  private final String label;
  private final List<Pattern> exclude;

  ParameterPreset(String label, String... exclude) {
    this.label = label;
    this.exclude = Arrays.stream(exclude).map(Pattern::compile).toList();
  }

  /** The name in recipes. */
  public String label() {
    return label;
  }

  /** Names that match from their start are not merged. */
  public List<Pattern> exclude() {
    return exclude;
  }

  /** The preset of a name in a recipe. */
  public static Optional<ParameterPreset> of(String label) {
    return Arrays.stream(values()).filter(preset -> preset.label.equals(label)).findFirst();
  }

  /** All names. */
  public static List<String> labels() {
    return Arrays.stream(values()).map(ParameterPreset::label).toList();
  }

  @Override
  public String toString() {
    return label;
  }
}
