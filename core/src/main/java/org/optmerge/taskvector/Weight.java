package org.optmerge.taskvector;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.TensorInfo;

/** One parameter of one input model, named but not yet read. */
public sealed interface Weight {
  /** The parameter's extents, outermost first. */
  List<Long> shape();

  /** The stored tensor under any adapters; the first of several. */
  Stored stored();

  /** Every checkpoint that it is read from, an adapter's among them; the stored tensor's first. */
  Set<Checkpoint> checkpoints();

  /** The element types of everything that is stored of it, but for adapters. */
  default Set<DType> dtypes() {
    return Set.of(stored().dtype());
  }

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
      if (!tensor.type().equals(other.tensor.type()) || !shape.equals(other.shape)) {
        return false;
      }
      long size = shape.stream().reduce(1L, Math::multiplyExact);
      long bytes =
          shape.equals(tensor.shape()) ? tensor.bytes() : Math.multiplyExact(size, dtype().bytes());
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

  /**
   * Entries of another weight that lie side by side: some rows, one expert of a stack, one
   * projection of several that are stored as one tensor.
   *
   * @param whole the other weight
   * @param first index of the first entry in it, flattened
   * @param shape of the part
   */
  record Part(Weight whole, long first, List<Long> shape) implements Weight {
    public Part {
      shape = List.copyOf(shape);
    }

    /** The first rows of a weight: itself if it has no more. */
    public static Weight firstRows(Weight whole, long rows) {
      List<Long> shape = new ArrayList<>(whole.shape());
      if (shape.get(0) == rows) {
        return whole;
      }
      shape.set(0, rows);
      return whole instanceof Stored stored
          ? new Stored(stored.checkpoint(), stored.tensor(), shape)
          : new Part(whole, 0, shape);
    }

    @Override
    public Stored stored() {
      return whole.stored();
    }

    @Override
    public Set<Checkpoint> checkpoints() {
      return whole.checkpoints();
    }

    @Override
    public String describe() {
      return "a part of " + whole.describe();
    }
  }

  private static <T> Set<T> all(List<Weight> weights, Function<Weight, Set<T>> of) {
    return weights.stream()
        .flatMap(weight -> of.apply(weight).stream())
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /**
   * Weights one after the other as one: projections that the base stores as one tensor, experts
   * that it stores as a stack, rows with new rows below them.
   *
   * @param parts at least one
   * @param shape of all together
   */
  record Joined(List<Weight> parts, List<Long> shape) implements Weight {
    public Joined {
      parts = List.copyOf(parts);
      shape = List.copyOf(shape);
    }

    @Override
    public Stored stored() {
      return parts.get(0).stored();
    }

    @Override
    public Set<Checkpoint> checkpoints() {
      return all(parts, Weight::checkpoints);
    }

    @Override
    public Set<DType> dtypes() {
      return EnumSet.copyOf(all(parts, Weight::dtypes));
    }

    @Override
    public String describe() {
      return "%s and %d more".formatted(parts.get(0).describe(), parts.size() - 1);
    }
  }

  /**
   * A weight of which some rows are others, as PEFT's {@code trainable_token_indices} have it.
   *
   * @param base the weight under them
   * @param rows shape (number of indices, columns)
   * @param indices which rows of the base they stand for
   */
  record WithRows(Weight base, Stored rows, List<Integer> indices) implements Weight {
    public WithRows {
      indices = List.copyOf(indices);
    }

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
      Set<Checkpoint> all = new LinkedHashSet<>(base.checkpoints());
      all.add(rows.checkpoint());
      return all;
    }

    @Override
    public String describe() {
      return base.describe() + " with rows of " + rows.describe();
    }
  }

  /**
   * A weight whose rows come from others: those of a model's embedding in another vocabulary.
   *
   * @param from the weights that have the rows, equal in all extents but the first; first the one
   *     whose place this takes
   * @param rows which row comes from where
   * @param shape with as many rows as there are in the end
   */
  record Gathered(List<Weight> from, RowMap rows, List<Long> shape) implements Weight {
    public Gathered {
      from = List.copyOf(from);
      shape = List.copyOf(shape);
    }

    @Override
    public Stored stored() {
      return from.get(0).stored();
    }

    @Override
    public Set<Checkpoint> checkpoints() {
      return all(from, Weight::checkpoints);
    }

    @Override
    public Set<DType> dtypes() {
      return EnumSet.copyOf(all(from, Weight::dtypes));
    }

    @Override
    public String describe() {
      return from.get(0).describe() + ", its rows by token";
    }
  }

  /**
   * A weight whose rows, its outputs, have norms of their own, as DoRA has them: row o of the
   * weight under it is multiplied by m_o over its norm.
   *
   * @param weight θ_0 + scale · B · A
   * @param magnitude one entry m_o for each output
   * @param columns true if outputs are the columns, in a weight that is stored as (in, out)
   * @see <a href="https://arxiv.org/abs/2402.09353">Liu et al., DoRA, ICML 2024, equation 5</a>
   */
  record Rescaled(Weight weight, Stored magnitude, boolean columns) implements Weight {
    @Override
    public List<Long> shape() {
      return weight.shape();
    }

    @Override
    public Stored stored() {
      return weight.stored();
    }

    @Override
    public Set<Checkpoint> checkpoints() {
      return weight.checkpoints();
    }

    @Override
    public String describe() {
      return weight.describe();
    }
  }

  /**
   * A stack of experts with a low-rank change of each, as PEFT's {@code target_parameters} have it:
   * Δ_e = scale · A_eᵀ · B_eᵀ for a stack of (in, out), transposed for one of (out, in).
   *
   * @param base shape (experts, in, out) or (experts, out, in)
   * @param a shape (experts · rank, in): the rows of one expert follow each other
   * @param b shape (out, rank · experts): the experts' columns of one rank follow each other
   * @param scale α/r, or α/√r for rank-stabilised LoRA
   * @param outFirst true if the stack is of (out, in)
   */
  record Stack(Weight base, Stored a, Stored b, double scale, boolean outFirst) implements Weight {
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
      Set<Checkpoint> all = new LinkedHashSet<>(base.checkpoints());
      all.add(a.checkpoint());
      return all;
    }

    @Override
    public String describe() {
      return base.describe() + " with changes of " + a.describe();
    }
  }
}
