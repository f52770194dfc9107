package org.optmerge.taskvector;

import java.nio.ByteBuffer;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.TensorInfo;

/** One parameter of one input model, named but not yet read. */
public sealed interface Weight {
  /** The parameter's extents, outermost first. */
  List<Long> shape();

  /** The stored tensor under any adapters. */
  Stored stored();

  /** Every checkpoint that it is read from, an adapter's among them; the stored tensor's first. */
  Set<Checkpoint> checkpoints();

  /** File, adapter if any, and tensor. */
  String describe();

  /**
   * A parameter as its checkpoint stores it.
   *
   * @param checkpoint an open checkpoint
   * @param tensor one of its tensors
   * @param shape the extents to read; with fewer rows than the tensor has, the first rows are read
   */
  record Stored(Checkpoint checkpoint, TensorInfo tensor, List<Long> shape) implements Weight {
    /** Bytes that are compared at a time. */
    private static final int CHUNK = 1 << 20;

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

    @Override
    public Stored stored() {
      return this;
    }

    @Override
    public Set<Checkpoint> checkpoints() {
      return Set.of(checkpoint);
    }

    @Override
    public String describe() {
      return "%s: tensor '%s'".formatted(tensor.file(), tensor.name());
    }

    /** True if another has the same type, shape and bytes, which are read. */
    public boolean hasBytesOf(Stored other) {
      if (dtype() != other.dtype() || !shape.equals(other.shape)) {
        return false;
      }
      long size = shape.stream().reduce(1L, Math::multiplyExact);
      long bytes = Math.multiplyExact(size, dtype().bytes());
      ByteBuffer ours = ByteBuffer.allocate((int) Math.min(bytes, CHUNK));
      ByteBuffer theirs = ByteBuffer.allocate(ours.capacity());
      for (long at = 0; at < bytes; at += CHUNK) {
        int length = (int) Math.min(CHUNK, bytes - at);
        checkpoint.readBytes(tensor, at, ours.clear().limit(length));
        other.checkpoint.readBytes(other.tensor, at, theirs.clear().limit(length));
        if (!ours.flip().equals(theirs.flip())) {
          return false;
        }
      }
      return true;
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

    @Override
    public Stored stored() {
      return base.stored();
    }

    @Override
    public Set<Checkpoint> checkpoints() {
      Set<Checkpoint> all = new LinkedHashSet<>();
      all.add(stored().checkpoint());
      all.add(adapter.tensors());
      all.addAll(base.checkpoints());
      return all;
    }

    @Override
    public String describe() {
      return base.describe() + " with adapter " + adapter.folder();
    }
  }
}
