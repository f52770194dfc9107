package org.optmerge.taskvector;

import java.util.List;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.TensorInfo;

/** One parameter of one input model, named but not yet read. */
public sealed interface Weight {
  /** The parameter's extents, outermost first. */
  List<Long> shape();

  /**
   * A parameter as its checkpoint stores it.
   *
   * @param checkpoint an open checkpoint
   * @param tensor one of its tensors
   * @param shape the extents to read; with fewer rows than the tensor has, the first rows are read
   */
  record Stored(Checkpoint checkpoint, TensorInfo tensor, List<Long> shape) implements Weight {
    public Stored {
      shape = List.copyOf(shape);
    }

    /** The whole tensor. */
    public Stored(Checkpoint checkpoint, TensorInfo tensor) {
      this(checkpoint, tensor, tensor.shape());
    }

    /** The stored element type. */
    public DType dtype() {
      return tensor.dtype();
    }
  }

  /**
   * A parameter with a LoRA adapter applied, θ = θ_0 + scale · B · A, never expanded on disk.
   *
   * @param base the parameter under the adapter
   * @param adapter an open adapter
   * @param delta what the adapter holds for this parameter
   */
  record Adapted(Weight base, LoraAdapter adapter, LoraAdapter.Delta delta) implements Weight {
    @Override
    public List<Long> shape() {
      return base.shape();
    }
  }
}
