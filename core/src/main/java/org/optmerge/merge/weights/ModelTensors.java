package org.optmerge.merge.weights;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.taskvector.Weight;

/** The tensors of a model by name, whatever they are made from. */
interface ModelTensors {
  /** All names. */
  List<String> names();

  /** Type and shape, as stored before any low-rank change. */
  Optional<TensorInfo> info(String tensor);

  /** The values. */
  Optional<Weight> weight(String tensor);

  /** Bytes of an adapter's factors and rows, by the tensor that they change. */
  Map<String, Long> changes();

  /** The tensors of a checkpoint as they are stored. */
  record Stored(Checkpoint checkpoint, List<String> names) implements ModelTensors {
    Stored(Checkpoint checkpoint) {
      this(checkpoint, checkpoint.tensors().stream().map(TensorInfo::name).toList());
    }

    @Override
    public Optional<TensorInfo> info(String tensor) {
      return checkpoint.find(tensor);
    }

    @Override
    public Optional<Weight> weight(String tensor) {
      return checkpoint.find(tensor).map(info -> new Weight.Stored(checkpoint, info));
    }

    @Override
    public Map<String, Long> changes() {
      return Map.of();
    }
  }

  /** The tensors of another model under the names of a reference, and in its layout. */
  final class Renamed implements ModelTensors {
    private final InputModel model;
    private final List<String> names;
    private final Map<String, String> own = new LinkedHashMap<>();
    private final Map<String, Fusion.Whole> wholes;
    private final Map<String, Fusion.Part> parts;

    Renamed(
        InputModel model,
        NameMapping mapping,
        Map<String, Fusion.Whole> wholes,
        Map<String, Fusion.Part> parts) {
      this.model = model;
      this.wholes = Collections.unmodifiableMap(wholes);
      this.parts = Collections.unmodifiableMap(parts);
      model.names().forEach(name -> own.put(mapping.apply(name), name));
      Set<String> renamed = new LinkedHashSet<>(own.keySet());
      wholes.forEach(
          (name, whole) -> {
            whole.parts().forEach(renamed::remove);
            renamed.add(name);
          });
      parts.forEach(
          (name, part) -> {
            renamed.remove(part.whole());
            renamed.add(name);
          });
      this.names = List.copyOf(renamed);
    }

    private String own(String tensor) {
      return own.getOrDefault(tensor, "");
    }

    @Override
    public List<String> names() {
      return names;
    }

    @Override
    public Optional<TensorInfo> info(String tensor) {
      Fusion.Whole whole = wholes.get(tensor);
      if (whole != null) {
        return like(whole.parts().get(0), whole.shape());
      }
      Fusion.Part part = parts.get(tensor);
      return part != null ? like(part.whole(), part.shape()) : model.info(own(tensor));
    }

    /** Type and place of one of the stored tensors, with another shape. */
    private Optional<TensorInfo> like(String tensor, List<Long> shape) {
      return model
          .info(own(tensor))
          .map(
              info -> new TensorInfo(info.name(), info.dtype(), shape, info.file(), info.offset()));
    }

    @Override
    public Optional<Weight> weight(String tensor) {
      Fusion.Whole whole = wholes.get(tensor);
      if (whole != null) {
        List<Weight> made = new ArrayList<>();
        whole.parts().forEach(part -> model.weight(own(part)).ifPresent(made::add));
        return Optional.of(new Weight.Joined(made, whole.shape()));
      }
      Fusion.Part part = parts.get(tensor);
      return part == null
          ? model.weight(own(tensor))
          : model
              .weight(own(part.whole()))
              .map(weight -> new Weight.Part(weight, part.first(), part.shape()));
    }

    @Override
    public Map<String, Long> changes() {
      Map<String, Long> changes = new LinkedHashMap<>();
      Map<String, Long> stored = model.changes();
      own.forEach(
          (name, ownName) -> {
            Long bytes = stored.get(ownName);
            if (bytes != null) {
              changes.put(name, bytes);
            }
          });
      return changes;
    }
  }
}
