package org.optmerge.merge;

import java.nio.ByteBuffer;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.weights.PlannedTensor;

/**
 * An estimate of the memory and the time that a merge takes, made before it begins.
 *
 * @param memory bytes of buffers and matrices at their largest, by a generous rule
 * @param seconds to read all inputs once and to write the output, at the rate at which a sample of
 *     the donor was read; methods that look at a tensor before they merge it read it again
 */
public record MergeEstimate(long memory, double seconds) {
  /** Bytes of the inputs that are read to see how fast they are. */
  private static final int SAMPLE = 32 << 20;

  private static final int SAMPLE_BUFFER = 1 << 20;

  /**
   * Estimates; reads a sample of the inputs, writes nothing.
   *
   * @param memory bytes that matrices may take together
   */
  public static MergeEstimate of(MergePlan plan, int threads, long memory) {
    PlanDescription description = PlanDescription.of(plan);
    long sideBySide = 0;
    int mostInputs = 1;
    for (PlannedTensor tensor : plan.tensors()) {
      if (tensor.work() instanceof PlannedTensor.Merge merge) {
        mostInputs = Math.max(mostInputs, merge.inputs().size());
        if (TensorMerger.needsMatrices(tensor) && TensorMerger.isMergedOnOneThread(tensor)) {
          sideBySide = Math.max(sideBySide, TensorMerger.matrixBytes(tensor));
        }
      }
    }
    // Each thread has an array for every input, the base and the result, and eight bytes an entry
    // for what is read and written.
    long buffers = (long) threads * TensorMerger.BLOCK * (4L * (mostInputs + 2) + 8);
    long together = sideBySide * Math.min(threads, sideBySide == 0 ? 1 : memory / sideBySide);
    return new MergeEstimate(
        buffers + Math.max(description.matrixBytes(), together),
        (description.bytesRead() + description.bytesWritten()) / bytesPerSecond(plan.donor()));
  }

  /** The rate at which a checkpoint can be read, measured on its first megabytes. */
  private static double bytesPerSecond(Checkpoint checkpoint) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(SAMPLE_BUFFER);
    long begin = System.nanoTime();
    long sampled = 0;
    for (TensorInfo tensor : checkpoint.tensors()) {
      for (long at = 0; at < tensor.bytes() && sampled < SAMPLE; at += buffer.limit()) {
        buffer.clear().limit((int) Math.min(SAMPLE_BUFFER, tensor.bytes() - at));
        checkpoint.readBytes(tensor, at, buffer);
        sampled += buffer.limit();
      }
    }
    return Math.max(1, sampled) / Math.max(1e-6, (System.nanoTime() - begin) / 1e9);
  }
}
