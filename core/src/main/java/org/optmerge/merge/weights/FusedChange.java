package org.optmerge.merge.weights;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.LoraAdapter.Delta;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.taskvector.Weight;

/**
 * The change of a projection that the base stores together with others, or of several that it
 * stores one by one.
 *
 * @param pieces by the base's tensor: which rows of the change belong to which rows of the tensor
 */
record FusedChange(Map<String, Piece> pieces) {
  private static final Map<String, List<String>> PARTS =
      Map.of(
          "qkv_proj", List.of("q_proj", "k_proj", "v_proj"),
          "qkv", List.of("q_proj", "k_proj", "v_proj"),
          "gate_up_proj", List.of("gate_proj", "up_proj"));

  /**
   * Rows of a change.
   *
   * @param delta of these rows
   * @param first the row of the base's tensor at which they begin
   */
  private record Piece(Delta delta, long first) {}

  /** Looks for the base's tensors that a change is about. */
  static Optional<FusedChange> find(InputModel base, String name, Delta delta) {
    if (!name.endsWith(".weight") || delta.embedding() || !Fusion.isPlain(base.modelType())) {
      return Optional.empty();
    }
    String path = name.substring(0, name.length() - ".weight".length());
    String block = path.substring(0, path.lastIndexOf('.') + 1);
    String module = path.substring(block.length());
    Delta straight = delta.transposed(false);
    return split(base, block, PARTS.getOrDefault(module, List.of()), straight)
        .or(() -> together(base, block, module, straight));
  }

  /** The base stores the projections one by one. */
  private static Optional<FusedChange> split(
      InputModel base, String block, List<String> parts, Delta delta) {
    Map<String, Piece> pieces = new LinkedHashMap<>();
    long row = 0;
    for (String part : parts) {
      String name = block + part + ".weight";
      List<Long> shape = base.info(name).map(TensorInfo::shape).orElse(List.of());
      if (shape.size() != 2
          || !shape.get(1).equals(delta.shape().get(1))
          || row + shape.get(0) > delta.shape().get(0)) {
        return Optional.empty();
      }
      pieces.put(name, new Piece(delta.rows(row, shape.get(0)), 0));
      row += shape.get(0);
    }
    return row > 0 && row == delta.shape().get(0)
        ? Optional.of(new FusedChange(pieces))
        : Optional.empty();
  }

  /** The base stores the projection with others. */
  private static Optional<FusedChange> together(
      InputModel base, String block, String module, Delta delta) {
    for (Map.Entry<String, List<String>> fused : PARTS.entrySet()) {
      int place = fused.getValue().indexOf(module);
      String name = block + fused.getKey() + ".weight";
      List<Long> shape = base.info(name).map(TensorInfo::shape).orElse(List.of());
      if (place < 0 || shape.size() != 2 || !shape.get(1).equals(delta.shape().get(1))) {
        continue;
      }
      long all = shape.get(0);
      long own = delta.shape().get(0);
      int count = fused.getValue().size();
      // Keys and values have the same number of rows; queries may have more.
      long others = place == 0 ? (all - own) / (count - 1) : own;
      long first = place == 0 ? 0 : all - (count - place) * own;
      boolean fits = place == 0 ? own + (count - 1) * others == all && others <= own : first >= own;
      if (fits && (count > 2 || 2 * own == all)) {
        return Optional.of(new FusedChange(Map.of(name, new Piece(delta, first))));
      }
    }
    return Optional.empty();
  }

  /** The base's tensors with the change. */
  Map<String, Weight> weights(Function<String, Optional<Weight>> current, LoraAdapter adapter) {
    Map<String, Weight> changed = new LinkedHashMap<>();
    pieces.forEach(
        (name, piece) -> {
          Weight whole = current.apply(name).orElseThrow();
          changed.put(name, changed(whole, piece, adapter));
        });
    return changed;
  }

  private static Weight changed(Weight whole, Piece piece, LoraAdapter adapter) {
    long columns = whole.shape().get(1);
    long rows = piece.delta().shape().get(0);
    if (rows == whole.shape().get(0)) {
      return new Weight.Adapted(whole, adapter, piece.delta());
    }
    List<Weight> parts = new ArrayList<>();
    add(parts, whole, 0, piece.first());
    parts.add(
        new Weight.Adapted(
            new Weight.Part(whole, piece.first() * columns, List.of(rows, columns)),
            adapter,
            piece.delta()));
    add(parts, whole, piece.first() + rows, whole.shape().get(0));
    return new Weight.Joined(parts, whole.shape());
  }

  private static void add(List<Weight> parts, Weight whole, long from, long to) {
    long columns = whole.shape().get(1);
    if (to > from) {
      parts.add(new Weight.Part(whole, from * columns, List.of(to - from, columns)));
    }
  }
}
