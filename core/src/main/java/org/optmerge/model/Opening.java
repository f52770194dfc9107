package org.optmerge.model;

import ai.djl.ndarray.types.Shape;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.TensorInfo;

/**
 * A model that is about to be opened.
 *
 * @param shapes of its parameters
 * @param elsewhere where parameters are that the model's own folder lacks; null if nowhere
 * @param empty builds the model that is to be filled, in a precision
 */
record Opening<M extends DecoderModel<?>>(
    SortedMap<String, Shape> shapes, @Nullable Elsewhere elsewhere, Function<Precision, M> empty) {
  /**
   * A folder that has some of a model's parameters.
   *
   * @param ownName the model's own name for a tensor of the folder; empty for one that is none of
   *     the model's
   */
  record Elsewhere(Path folder, UnaryOperator<String> ownName) {}

  /**
   * Opens a model's checkpoint; closes what fails. All tensors are checked by their headers before
   * any is read.
   *
   * @param opening what is to be opened, by the names that are stored
   */
  static <M extends DecoderModel<?>> M open(
      Path folder,
      Precision precision,
      UnaryOperator<String> ownName,
      Function<CheckpointNames, Opening<M>> opening) {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      CheckpointNames names = CheckpointNames.of(checkpoint, ownName);
      return open(checkpoint, names, opening.apply(names), precision.resolved(checkpoint));
    }
  }

  private static <M extends DecoderModel<?>> M open(
      Checkpoint checkpoint, CheckpointNames names, Opening<M> opening, Precision precision) {
    Elsewhere elsewhere = opening.elsewhere;
    try (Checkpoint more = elsewhere == null ? null : Checkpoint.open(elsewhere.folder)) {
      SortedMap<String, TensorInfo> added = new TreeMap<>();
      if (more != null && elsewhere != null) {
        added.putAll(CheckpointNames.of(more, elsewhere.ownName).weights());
        added.remove("");
        added.keySet().removeAll(names.weights().keySet());
      }
      TensorCheck.require(checkpoint.folder(), opening.shapes, names, added);
      M model = opening.empty.apply(precision);
      try {
        Parameters parameters = model.weights();
        parameters.read(checkpoint, names.weights());
        if (more != null) {
          parameters.read(more, added);
        }
        model.round();
        model.addFactors(checkpoint, names);
        return model;
      } catch (RuntimeException | Error e) {
        model.close();
        throw e;
      }
    }
  }
}
