package org.optmerge.model;

import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.TensorInfo;

/**
 * The changes of an adapter, by a model's names.
 *
 * @param deltas low-rank changes
 * @param replacements whole tensors
 */
record AdapterChanges(
    SortedMap<String, LoraAdapter.Delta> deltas, SortedMap<String, TensorInfo> replacements) {
  /**
   * The changes of an adapter; all of them fit.
   *
   * @throws ModelException if a parameter is not there or has another shape
   */
  static AdapterChanges of(LoraAdapter adapter, DecoderModel<?> model) {
    List<String> problems = new ArrayList<>(adapter.sideProblems());
    if (!adapter.snapshots().isEmpty()
        || !adapter.rows().isEmpty()
        || !adapter.magnitudes().isEmpty()
        || !adapter.stacks().isEmpty()) {
      problems.add(
          "%s: holds copies of base layers, single rows of an embedding, DoRA's norms or changes of experts; merge the adapter into its base first"
              .formatted(adapter.folder()));
    }
    if (!problems.isEmpty()) {
      throw new ModelException(String.join("\n", problems));
    }
    AdapterChanges changes =
        new AdapterChanges(
            renamed(adapter, model, "changes", adapter.deltas()),
            renamed(adapter, model, "replaces", adapter.replacements()));
    changes.deltas.forEach(
        (name, delta) -> {
          Shape shape = model.weights().shape(name);
          if (delta.fanInFanOut() || !delta.shape().equals(Parameters.extents(shape))) {
            throw new ModelException(
                "%s: the change of '%s' has shape %s%s, the model has %s"
                    .formatted(
                        adapter.folder(),
                        name,
                        delta.shape(),
                        delta.fanInFanOut() ? ", transposed" : "",
                        shape));
          }
        });
    changes.replacements.forEach(
        (name, tensor) -> {
          Shape shape = model.weights().shape(name);
          if (!tensor.shape().equals(Parameters.extents(shape))) {
            throw new ModelException(
                "%s: replaces '%s' by a tensor of shape %s, the model has %s; merge the adapter into its base first"
                    .formatted(adapter.folder(), name, tensor.shape(), shape));
          }
          if (changes.deltas.containsKey(name)) {
            throw new ModelException(
                "%s: both changes and replaces '%s'".formatted(adapter.folder(), name));
          }
        });
    return changes;
  }

  /** Names may be those of the whole model or, as some scripts save them, of the decoder. */
  private static <T> SortedMap<String, T> renamed(
      LoraAdapter adapter, DecoderModel<?> model, String verb, Map<String, T> stored) {
    SortedMap<String, T> own = new TreeMap<>();
    stored.forEach(
        (name, value) -> {
          String target =
              List.of(model.ownName(name), "language_model." + name).stream()
                  .filter(model.weights().shapes()::containsKey)
                  .findFirst()
                  .orElseThrow(
                      () ->
                          new ModelException(
                              "%s: %s '%s', which the model does not have; is it an adapter of this model? If so, merge it into its base first"
                                  .formatted(adapter.folder(), verb, name)));
          if (own.put(target, value) != null) {
            throw new ModelException(
                "%s: %s '%s' twice, under two names".formatted(adapter.folder(), verb, target));
          }
        });
    return own;
  }
}
