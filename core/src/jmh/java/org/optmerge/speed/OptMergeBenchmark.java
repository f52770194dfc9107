package org.optmerge.speed;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.optmerge.method.MergeMethods;
import org.optmerge.method.interference.OptMergeMethod;
import org.optmerge.method.interference.Swudi;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectors;

/**
 * One weight of each shape of a model, five experts: the closed form beside the iteration it
 * replaces.
 *
 * <p>{@link #step} is one step of the published iteration in float32, residuals and their products
 * as published, gradient by hand; 300 of them and the singular value decompositions are what the
 * closed form saves. {@code model} says how often the shape occurs in InternVL2.5-1B.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(
    value = 1,
    jvmArgsAppend = {"-Xmx1g", "-XX:MaxDirectMemorySize=8g"})
@Warmup(iterations = 1)
@Measurement(iterations = 3)
public class OptMergeBenchmark {
  private static final int EXPERTS = 5;
  private static final int ADAPTER_RANK = 32;

  /** Rows × columns × number of such weights in InternVL2.5-1B. */
  @Param({"896x896x49", "128x896x48", "4864x896x48", "896x4864x25"})
  public String shape;

  private NDManager manager;
  private TaskVectors dense;
  private TaskVectors adapters;
  private NDArray merged;
  private List<NDArray> residualTargets;
  private List<NDArray> projectors;

  /** Draws the experts. */
  @Setup(Level.Trial)
  public void draw() {
    String[] extents = shape.split("x");
    int rows = Integer.parseInt(extents[0]);
    int columns = Integer.parseInt(extents[1]);
    manager = NDManager.newBaseManager();
    manager.getEngine().setRandomSeed(1);
    List<TaskVector> whole = new ArrayList<>();
    List<TaskVector> factored = new ArrayList<>();
    for (int t = 0; t < EXPERTS; t++) {
      whole.add(new TaskVector.Dense(gaussian(rows, columns)));
      factored.add(
          new TaskVector.LowRank(gaussian(rows, ADAPTER_RANK), gaussian(ADAPTER_RANK, columns), 2));
    }
    dense = new TaskVectors(shape, whole);
    adapters = new TaskVectors(shape, factored);
    merged = gaussian(rows, columns);
    // What a step costs does not depend on their values.
    residualTargets = whole.stream().map(TaskVector::dense).toList();
    projectors = residualTargets;
  }

  private NDArray gaussian(int rows, int columns) {
    return manager.randomNormal(0, 1e-3f, new Shape(rows, columns), DataType.FLOAT32);
  }

  /** Frees the experts. */
  @TearDown(Level.Trial)
  public void free() {
    manager.close();
  }

  /** One step of the published iteration. */
  @Benchmark
  public void step() {
    try (NDManager scope = manager.newSubManager()) {
      NDArray gradient = scope.zeros(merged.getShape(), DataType.FLOAT32);
      for (int t = 0; t < EXPERTS; t++) {
        NDArray residual = attach(scope, merged.sub(residualTargets.get(t)));
        NDArray inner = residual.matMul(attach(scope, projectors.get(t).transpose()));
        gradient.addi(inner.matMul(projectors.get(t)));
      }
    }
  }

  /** The exact result of 300 steps of SGD. */
  @Benchmark
  public void optmergeLora() {
    OptMergeMethod.LORA.merge(dense).close();
  }

  /** The exact result of 300 steps of SGD, inputs at full rank. */
  @Benchmark
  public void optmergeModal() {
    OptMergeMethod.MODALITIES.merge(dense).close();
  }

  /** 300 steps of Adam on the quadratic. */
  @Benchmark
  public void optmergeFull() {
    OptMergeMethod.FULL_FINE_TUNING.merge(dense).close();
  }

  /** TSV-M. */
  @Benchmark
  public void tsv() {
    MergeMethods.named("tsv").method().merge(dense).close();
  }

  /** Iso-C. */
  @Benchmark
  public void isoC() {
    MergeMethods.named("iso-c").method().merge(dense).close();
  }

  /** SWUDI. */
  @Benchmark
  public void swudi() {
    Swudi.PUBLISHED.merge(dense).close();
  }

  /** The exact result of 300 steps of SGD on adapters of rank 32. */
  @Benchmark
  public void optmergeLoraOfAdapters() {
    TaskVector.LowRank factors = (TaskVector.LowRank) OptMergeMethod.LORA.mergeFactored(adapters);
    factors.b().close();
    factors.a().close();
  }

  private static NDArray attach(NDManager scope, NDArray array) {
    array.attach(scope);
    return array;
  }
}
