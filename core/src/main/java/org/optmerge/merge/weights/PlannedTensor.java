package org.optmerge.merge.weights;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.DType;
import org.optmerge.method.MergeMethod;
import org.optmerge.taskvector.Weight;

/**
 * One tensor of the output, and what to do for it.
 *
 * @param name its name in the output
 * @param dtype its element type in the output
 * @param shape its extents
 * @param work where its values come from
 * @param source which file and line of reasoning put it there, for the coverage table
 * @param parameter the name under which its method sees it: another tensor's where both are one
 *     parameter of the model, so that they stay equal
 */
public record PlannedTensor(
    String name, DType dtype, List<Long> shape, Work work, String source, String parameter) {
  public PlannedTensor {
    shape = List.copyOf(shape);
  }

  /** A tensor that is a parameter by itself. */
  public PlannedTensor(String name, DType dtype, List<Long> shape, Work work, String source) {
    this(name, dtype, shape, work, source, name);
  }

  /** The same for another tensor that is one parameter with this one. */
  public PlannedTensor as(String other) {
    return new PlannedTensor(
        other,
        dtype,
        shape,
        work,
        "%s as '%s', to which it is tied".formatted(source, name),
        parameter);
  }

  /** The same with another λ, where it is merged. */
  public PlannedTensor with(Scaling scaling) {
    return work instanceof Merge merge
        ? new PlannedTensor(name, dtype, shape, merge.with(scaling), source, parameter)
        : this;
  }

  /** Number of entries. */
  public long size() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  /** Bytes in the output. */
  public long bytes() {
    return dtype.bytes() > 0 || !(work instanceof Copy copy)
        ? Math.multiplyExact(size(), dtype.bytes())
        : copy.from().tensor().bytes();
  }

  /** The element type's name in the output's header, also of a type that is only copied. */
  public String type() {
    return dtype == DType.OTHER && work instanceof Copy copy
        ? copy.from().tensor().type()
        : dtype.name();
  }

  /** The origin of a tensor's values. */
  public sealed interface Work {
    /** Every weight that is read, the base first. */
    List<Weight> weights();
  }

  /** The stored bytes of another tensor, cast only if the output's element type differs. */
  public record Copy(Weight.Stored from) implements Work {
    @Override
    public List<Weight> weights() {
      return List.of(from);
    }
  }

  /**
   * A merge.
   *
   * @param method with all parameters resolved for this tensor
   * @param base θ_0, or null where the method merges weights
   * @param inputs θ_1 … θ_T
   * @param lambda λ: merged = θ_0 + λ · method(τ); 1 where the method merges weights
   * @param taskVectorDtype τ is rounded to this type before it is merged, as the reference code
   *     computes in it; null: not
   * @param inputDtype θ are cast to this type before any arithmetic, as mergekit does; with float64
   *     the arithmetic is in it too; null: they are taken as stored
   */
  public record Merge(
      MergeMethod method,
      @Nullable Weight base,
      List<Weight> inputs,
      Scaling lambda,
      @Nullable DType taskVectorDtype,
      @Nullable DType inputDtype)
      implements Work {
    public Merge {
      inputs = List.copyOf(inputs);
    }

    /** A merge whose λ is a number. */
    public Merge(
        MergeMethod method,
        @Nullable Weight base,
        List<Weight> inputs,
        double scaling,
        @Nullable DType taskVectorDtype,
        @Nullable DType inputDtype) {
      this(method, base, inputs, new Scaling.Given(scaling), taskVectorDtype, inputDtype);
    }

    /** The same with another method. */
    public Merge with(MergeMethod other) {
      return new Merge(other, base, inputs, lambda, taskVectorDtype, inputDtype);
    }

    /** The same with another λ. */
    public Merge with(Scaling other) {
      return new Merge(method, base, inputs, other, taskVectorDtype, inputDtype);
    }

    /**
     * λ.
     *
     * @throws IllegalStateException if it is still to be found
     */
    public double scaling() {
      if (lambda instanceof Scaling.Given given) {
        return given.value();
      } else if (lambda instanceof Scaling.Found found) {
        return found.measured().scaling();
      }
      throw new IllegalStateException("λ is still to be found, by " + lambda);
    }

    /** True if no input differs from the base. */
    public boolean isUnchanged() {
      return base != null && inputs.stream().allMatch(input -> input.equals(base));
    }

    @Override
    public List<Weight> weights() {
      List<Weight> weights = new ArrayList<>(inputs);
      if (base != null) {
        weights.add(0, base);
      }
      return weights;
    }
  }
}
