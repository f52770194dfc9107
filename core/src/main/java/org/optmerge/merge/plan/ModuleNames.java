package org.optmerge.merge.plan;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The parts of a model as recipes of mergekit call them, found in the names of its tensors: a
 * part's own name as a component of the path, or one that families have for it.
 */
final class ModuleNames {
  private static final String PROJECTOR = "multi_modal_projector";
  private static final String EVERYTHING = "default";

  /** What most parts are called by some family; the projector may lie inside another part. */
  private static final Map<String, String> ALIASES = new LinkedHashMap<>();

  static {
    ALIASES.put(
        PROJECTOR,
        "multi_modal_projector|mm_projector|mlp1|connector|projector|modality_projection|aligner"
            + "|visual\\.(merger|deepstack_merger_list)|vision_tower\\.merger|resampler");
    ALIASES.put(
        "vision_tower", "vision_tower|vision_model|visual|vision_encoder|vpm|image_encoder");
    ALIASES.put("vision_model", "vision_tower|vision_model|visual|vision_encoder");
    ALIASES.put("vision_encoder", "vision_tower|vision_model|visual|vision_encoder");
    ALIASES.put("audio_tower", "audio_tower|audio_model|audio_encoder|speech_encoder");
  }

  private static final List<String> REST = List.of("text_decoder", "language_model", EVERYTHING);

  private final Map<String, Pattern> patterns = new LinkedHashMap<>();
  private final Optional<String> rest;

  /**
   * @param modules the names of the parts that a recipe has
   */
  ModuleNames(Iterable<String> modules) {
    String text = null;
    for (String module : modules) {
      if (REST.contains(module)) {
        text = module;
      } else {
        patterns.put(module, pattern(module));
      }
    }
    rest = Optional.ofNullable(text);
  }

  private static Pattern pattern(String module) {
    return Pattern.compile(
        "(.*\\.)?(" + ALIASES.getOrDefault(module, Pattern.quote(module)) + ")(\\..*)?");
  }

  /** The part that a tensor belongs to; empty if the recipe has none for it. */
  Optional<String> of(String tensor) {
    boolean projects = pattern(PROJECTOR).matcher(tensor).matches();
    Optional<String> listed =
        patterns.entrySet().stream()
            .filter(module -> module.getValue().matcher(tensor).matches())
            .map(Map.Entry::getKey)
            .filter(module -> !projects || module.equals(PROJECTOR) || !ALIASES.containsKey(module))
            .findFirst();
    boolean beside =
        projects || ALIASES.keySet().stream().anyMatch(it -> pattern(it).matcher(tensor).matches());
    return listed.or(() -> rest.filter(module -> !beside || module.equals(EVERYTHING)));
  }
}
