package org.optmerge.model;

import ai.djl.ndarray.types.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.optmerge.checkpoint.TensorInfo;

/**
 * The tensors of a folder against those that its {@code config.json} asks for, by their headers
 * alone: none may be missing, of another shape or type, or without a place.
 */
final class TensorCheck {
  /** Most tensors that a message names, of each kind of fault. */
  private static final int NAMED = 8;

  /** These follow from the configuration, or from the embedding where that is the head. */
  private static final Pattern DERIVED =
      Pattern.compile(
          "(.*\\.)?(rotary_emb\\.inv_freq|position_ids|lm_head\\.weight"
              + "|language_model\\.output\\.weight)");

  private final SortedMap<String, Shape> shapes;
  private final List<String> missing = new ArrayList<>();
  private final List<String> wrong = new ArrayList<>();
  private final List<String> unknown = new ArrayList<>();

  private TensorCheck(SortedMap<String, Shape> shapes) {
    this.shapes = shapes;
  }

  /**
   * Refuses a folder whose tensors are not those of the model.
   *
   * @param shapes of the model's parameters
   * @param stored the folder's tensors by the model's names
   * @param more tensors from elsewhere, by the model's names, that the folder lacks
   * @throws ModelException with all faults, and the names
   */
  static void require(
      Path folder,
      SortedMap<String, Shape> shapes,
      CheckpointNames stored,
      SortedMap<String, TensorInfo> more) {
    TensorCheck check = new TensorCheck(shapes);
    SortedMap<String, TensorInfo> all = new TreeMap<>(more);
    all.putAll(stored.weights());
    check.weights(all);
    check.factors(stored.factors());
    List<String> faults = new ArrayList<>();
    if (!check.missing.isEmpty()) {
      faults.add(
          "%d tensors that config.json asks for are not there: %s"
              .formatted(check.missing.size(), some(check.missing)));
    }
    if (!check.unknown.isEmpty()) {
      faults.add(
          "%d tensors have no place in the model that config.json describes: %s"
              .formatted(check.unknown.size(), some(check.unknown)));
    }
    if (!check.wrong.isEmpty()) {
      faults.add(some(check.wrong));
    }
    if (!faults.isEmpty()) {
      throw new ModelException("%s: %s".formatted(folder, String.join("; ", faults)));
    }
  }

  private void weights(SortedMap<String, TensorInfo> all) {
    shapes.forEach(
        (name, shape) -> {
          TensorInfo tensor = all.get(name);
          if (tensor == null) {
            missing.add("'" + name + "'");
          } else if (!tensor.shape().equals(Parameters.extents(shape))) {
            wrong.add(
                "tensor '%s' has shape %s, config.json makes it %s"
                    .formatted(tensor.name(), tensor.shape(), shape));
          } else if (!tensor.dtype().isFloating()) {
            wrong.add(
                "tensor '%s' is of type %s, which holds no weights"
                    .formatted(tensor.name(), tensor.dtype()));
          }
        });
    all.forEach(
        (name, tensor) -> {
          if (!shapes.containsKey(name) && !DERIVED.matcher(name).matches()) {
            unknown.add("'" + tensor.name() + "'");
          }
        });
  }

  /** Low-rank factors belong to a matrix, and have its extents outside and one in common inside. */
  private void factors(SortedMap<String, CheckpointNames.Factors> factors) {
    factors.forEach(
        (name, pair) -> {
          Shape shape = shapes.get(name);
          List<Long> a = pair.a().shape();
          List<Long> b = pair.b().shape();
          if (shape == null) {
            unknown.add("'" + pair.a().name() + "'");
          } else if (shape.dimension() != 2
              || a.size() != 2
              || b.size() != 2
              || a.get(1) != shape.get(1)
              || b.get(0) != shape.get(0)
              || !a.get(0).equals(b.get(1))) {
            wrong.add(
                "tensors '%s' and '%s' have shapes %s and %s, for a matrix %s"
                    .formatted(pair.a().name(), pair.b().name(), a, b, shape));
          }
        });
  }

  private static String some(List<String> faults) {
    String named = String.join(", ", faults.subList(0, Math.min(NAMED, faults.size())));
    return faults.size() > NAMED ? named + " and %d more".formatted(faults.size() - NAMED) : named;
  }
}
