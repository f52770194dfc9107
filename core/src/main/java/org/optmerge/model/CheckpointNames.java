package org.optmerge.model;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.TensorInfo;

/**
 * The tensors of a checkpoint by the names of the model. A checkpoint that a LoRA training run of
 * InternVL saved holds weights and factors side by side, under names of the library that wrapped
 * the model; both are found here.
 *
 * @param weights by published name
 * @param factors low-rank changes by the name of their weight, to be added with {@link #SCALE}
 */
record CheckpointNames(SortedMap<String, TensorInfo> weights, SortedMap<String, Factors> factors) {
  /** InternVL trains with α = 2r, whatever r is. */
  static final double SCALE = 2;

  private static final Pattern WRAPPED =
      Pattern.compile("^(language_model|vision_model)\\.base_model\\.model\\.");

  private static final Pattern FACTOR =
      Pattern.compile("(?<module>.+)\\.lora_(?<factor>[AB])\\.default\\.weight");

  /** B · A changes a weight. */
  record Factors(TensorInfo a, TensorInfo b) {}

  /**
   * @param own the model's own name for one that is stored
   */
  static CheckpointNames of(Checkpoint checkpoint, UnaryOperator<String> own) {
    SortedMap<String, TensorInfo> weights = new TreeMap<>();
    SortedMap<String, TensorInfo> a = new TreeMap<>();
    SortedMap<String, TensorInfo> b = new TreeMap<>();
    for (TensorInfo tensor : checkpoint.tensors()) {
      String name = own.apply(WRAPPED.matcher(tensor.name()).replaceFirst("$1."));
      Matcher factor = FACTOR.matcher(name);
      if (factor.matches()) {
        (factor.group("factor").equals("A") ? a : b)
            .put(factor.group("module") + ".weight", tensor);
      } else {
        TensorInfo other = weights.put(name.replace(".base_layer.", "."), tensor);
        // Tensors that are none of the model's have no name.
        if (other != null && !name.isEmpty()) {
          throw new ModelException(
              "%s: tensors '%s' and '%s' are the same one of the model"
                  .formatted(checkpoint.folder(), other.name(), tensor.name()));
        }
      }
    }
    if (!a.keySet().equals(b.keySet())) {
      List<String> alone = new ArrayList<>(a.keySet());
      alone.addAll(b.keySet());
      alone.removeIf(name -> a.containsKey(name) && b.containsKey(name));
      throw new ModelException(
          "%s: only one of the factors lora_A and lora_B is there for %s"
              .formatted(checkpoint.folder(), Parameters.some(alone)));
    }
    SortedMap<String, Factors> factors = new TreeMap<>();
    a.forEach((name, first) -> factors.put(name, new Factors(first, b.getOrDefault(name, first))));
    return new CheckpointNames(weights, factors);
  }
}
