package org.optmerge.merge.plan;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.Spliterators;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.optmerge.merge.weights.InputModel;

/** How much of a reference model's tensors another has, by name. */
final class Presence {
  /** Parts of a multimodal model that its language model, published alone, does not have. */
  private static final Pattern TOWER =
      Pattern.compile(
          "(visual|vision|vit|image|audio|speech|video|talker|token2wav|sam_model|qformer|mm_projector"
              + "|multi_modal_projector|projector|connector|aligner|resampler|mlp1|merger|perceiver)[^.]*");

  private final InputModel model;
  private final InputModel reference;
  private final Set<String> names;
  private final int common;
  private final Map<String, Boolean> towers = new HashMap<>();
  private @Nullable Optional<String> foreign;

  Presence(InputModel model, InputModel reference) {
    this.model = model;
    this.reference = reference;
    this.names = new HashSet<>(model.names());
    this.common = (int) reference.names().stream().filter(this::has).count();
  }

  private boolean has(String name) {
    return names.contains(name) || model.tiedTo(name).isPresent();
  }

  /** True if most of the reference's tensors are missing. */
  boolean mostIsMissing() {
    return 2 * common < reference.names().size();
  }

  /** The reason why this is not the same model under the same names; empty if it is. */
  Optional<String> whyForeign() {
    // Asked for every missing tensor.
    Optional<String> known = foreign;
    if (known == null) {
      known = mostIsMissing() ? findForeign() : Optional.empty();
      foreign = known;
    }
    return known;
  }

  private Optional<String> findForeign() {
    Set<String> own = new LinkedHashSet<>(model.names());
    int all = own.size();
    own.removeAll(new HashSet<>(reference.names()));
    if (2 * own.size() <= all) {
      return Optional.empty();
    }
    return Optional.of(
        "model '%s' has %d of the %d tensors of '%s': it has names such as '%s', where '%s' has '%s'; it is another model, or the same under names that no change of prefixes explains: 'rename:' says which prefix is which"
            .formatted(
                model.name(),
                common,
                reference.names().size(),
                reference.name(),
                own.iterator().next(),
                reference.name(),
                first(reference.names())));
  }

  private String first(Collection<String> candidates) {
    return candidates.stream().filter(name -> !has(name)).findFirst().orElse("");
  }

  /** How much of the reference is there, in words. */
  String share() {
    return "%d of the %d tensors of '%s'"
        .formatted(common, reference.names().size(), reference.name());
  }

  /**
   * True for a tensor of an encoder or a connector of which the model has nothing, as a language
   * model has none: all that it has itself is in the reference.
   */
  boolean isOfTowerNotThere(String tensor) {
    String stem = tower(tensor);
    return stem != null
        && !describesTowers()
        && towers.computeIfAbsent(stem, this::isWhollyMissing);
  }

  private boolean describesTowers() {
    boolean same =
        model.config().path("architectures").equals(reference.config().path("architectures"));
    return same
        && StreamSupport.stream(
                Spliterators.spliteratorUnknownSize(model.config().fieldNames(), 0), false)
            .anyMatch(key -> key.matches(".*(vision|visual|image|audio|speech|video|vit|mm_).*"));
  }

  private boolean isWhollyMissing(String stem) {
    return names.stream().noneMatch(name -> name.startsWith(stem))
        && new HashSet<>(reference.names()).containsAll(ownWithoutTies());
  }

  private Set<String> ownWithoutTies() {
    Set<String> own = new LinkedHashSet<>(names);
    own.removeIf(name -> reference.tiedTo(name).isPresent());
    return own;
  }

  /** The beginning of a name up to the first component that is a tower's; null if there is none. */
  private static @Nullable String tower(String tensor) {
    int from = 0;
    for (int dot = tensor.indexOf('.'); dot >= 0; dot = tensor.indexOf('.', from)) {
      if (TOWER.matcher(tensor.substring(from, dot)).matches()) {
        return tensor.substring(0, dot + 1);
      }
      from = dot + 1;
    }
    return null;
  }
}
