package org.optmerge.merge.plan;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.weights.InputModel;
import org.optmerge.merge.weights.LayerNames;

/**
 * Takes models apart by layers and numbers the output's anew. What comes before the layers is the
 * first slice's, what comes after them the last's.
 */
final class LayerSlices {
  /**
   * Tensors that an input has in a layer that is taken, and the reference does not.
   *
   * @param input the input
   * @param reference the model without them
   * @param tensors for each its name in the input and the one it would have in the output
   */
  record Extras(SliceInput input, InputModel reference, Map<String, String> tensors) {}

  private final List<OpenSlice> slices;
  private final InputModel donor;
  private final PlanFindings findings;
  private final List<Target> targets = new ArrayList<>();
  private final List<Extras> extras = new ArrayList<>();
  private final List<Integer> donorLayers = new ArrayList<>();
  private String sliced = "";
  private final Map<InputModel, Map<Integer, Set<String>>> suffixes = new LinkedHashMap<>();

  LayerSlices(List<OpenSlice> slices, InputModel donor, PlanFindings findings) {
    this.slices = slices;
    this.donor = donor;
    this.findings = findings;
  }

  /** The output's tensors, in order. */
  List<Target> targets() {
    return targets;
  }

  List<Extras> extras() {
    return extras;
  }

  /** For each layer of the output, the layer of the reference that it stands for. */
  List<Integer> donorLayers() {
    return donorLayers;
  }

  /** The layers that are taken apart, such as {@code model.layers}; empty if there are none. */
  String stack() {
    return sliced;
  }

  /** Finds the layers; what does not fit is booked. */
  void arrange() {
    Optional<String> found = findStack();
    if (found.isEmpty()) {
      return;
    }
    String stack = found.get();
    sliced = stack;
    int before = findings.count();
    for (OpenSlice slice : slices) {
      checkRange(slice, stack);
    }
    if (findings.count() > before) {
      return;
    }
    List<String> below = new ArrayList<>();
    List<String> above = new ArrayList<>();
    for (String tensor : donor.names()) {
      Optional<LayerNames.Place> place = donor.layers().place(tensor);
      if (place.isEmpty() || !place.get().stack().equals(stack)) {
        (comesAfter(tensor) ? above : below).add(tensor);
      }
    }
    outside(below, slices.get(0));
    for (OpenSlice slice : slices) {
      int length = slice.inputs().get(0).layers().length();
      for (int i = 0; i < length; i++) {
        layer(slice, stack, i, LayerNames.fraction(i, length));
      }
    }
    outside(above, slices.get(slices.size() - 1));
  }

  private void outside(List<String> tensors, OpenSlice slice) {
    for (String tensor : tensors) {
      InputModel reference = slice.reference().model();
      targets.add(
          Target.of(tensor, slice, reference.info(tensor).isPresent() ? reference : donor, 0));
    }
  }

  /** One layer of the output, from one layer of each source. */
  private void layer(OpenSlice slice, String stack, int index, double fraction) {
    SliceInput reference = slice.reference();
    int output = donorLayers.size();
    int layer = reference.layers().from() + index;
    donorLayers.add(layer);
    Set<String> known = suffixes(reference.model(), stack, layer);
    for (String suffix : known) {
      List<String> names = new ArrayList<>();
      for (SliceInput input : slice.inputs()) {
        names.add(name(stack, input.layers().from() + index, suffix));
      }
      targets.add(
          new Target(
              name(stack, output, suffix),
              slice,
              reference.model(),
              name(stack, layer, suffix),
              names,
              fraction));
    }
    for (SliceInput input : slice.inputs()) {
      int own = input.layers().from() + index;
      Map<String, String> more = new LinkedHashMap<>();
      for (String suffix : suffixes(input.model(), stack, own)) {
        if (!known.contains(suffix)) {
          more.put(name(stack, own, suffix), name(stack, output, suffix));
        }
      }
      if (!more.isEmpty()) {
        extras.add(new Extras(input, reference.model(), more));
      }
    }
  }

  private static String name(String stack, int layer, String suffix) {
    return stack + "." + layer + "." + suffix;
  }

  private Set<String> suffixes(InputModel model, String stack, int layer) {
    Map<Integer, Set<String>> byLayer =
        suffixes.computeIfAbsent(
            model,
            key -> {
              Map<Integer, Set<String>> found = new LinkedHashMap<>();
              for (String name : key.names()) {
                key.layers()
                    .place(name)
                    .filter(place -> place.stack().equals(stack))
                    .ifPresent(
                        place ->
                            found
                                .computeIfAbsent(place.layer(), number -> new LinkedHashSet<>())
                                .add(place.suffix()));
              }
              return found;
            });
    return byLayer.getOrDefault(layer, Set.of());
  }

  private void checkRange(OpenSlice slice, String stack) {
    List<SliceInput> sliceInputs = new ArrayList<>(slice.inputs());
    if (slice.base() != null) {
      sliceInputs.add(slice.base());
    }
    for (SliceInput input : sliceInputs) {
      int count = input.model().layers().counts().getOrDefault(stack, 0);
      Recipe.LayerRange range = input.layers();
      if (range.to() > count) {
        findings.problem(
            range.at(),
            "'layer_range' is [%d, %d], but model '%s' has %d layers in '%s'"
                .formatted(range.from(), range.to(), input.model().name(), count, stack));
      }
    }
  }

  /**
   * The stack whose layers the slices count; the one that config.json counts if there are several.
   */
  private Optional<String> findStack() {
    Map<String, Integer> counts = donor.layers().counts();
    if (counts.size() == 1) {
      return Optional.of(counts.keySet().iterator().next());
    }
    int configured = configuredLayers(donor);
    List<String> fitting =
        counts.entrySet().stream()
            .filter(entry -> entry.getValue() == configured)
            .map(Map.Entry::getKey)
            .toList();
    if (fitting.size() == 1) {
      return Optional.of(fitting.get(0));
    }
    findings.problem(
        slices.get(0).slice().at(),
        counts.isEmpty()
            ? "model '%s' has no layers that 'slices' could take apart".formatted(donor.name())
            : "model '%s' has several stacks of layers, %s; which one 'slices' means cannot be told, use 'models'"
                .formatted(donor.name(), counts));
    return Optional.empty();
  }

  static int configuredLayers(InputModel model) {
    return configuredLayers(model.config());
  }

  private static int configuredLayers(JsonNode config) {
    for (String key :
        List.of(
            "num_hidden_layers", "n_layer", "num_layers", "n_layers", "num_transformer_layers")) {
      if (config.path(key).isInt()) {
        return config.path(key).asInt();
      }
    }
    for (String part : List.of("text_config", "llm_config", "language_config", "thinker_config")) {
      int inner = config.path(part).isObject() ? configuredLayers(config.path(part)) : -1;
      if (inner >= 0) {
        return inner;
      }
    }
    return -1;
  }

  /** True for what a model applies after its layers: final norm and heads. */
  private static boolean comesAfter(String tensor) {
    return tensor.matches(
        "(.*\\.)?(lm_head|embed_out|score|classifier|cls|norm|ln_f|final_layernorm|final_layer_norm"
            + "|final_norm|output|output_norm)(\\..*)?");
  }
}
