package org.optmerge.merge;

import java.nio.ByteBuffer;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.taskvector.Weight;

/**
 * What a merge will take, before it is begun.
 *
 * @param bytesRead weights to read once; methods that look at a tensor before they merge it read it
 *     again
 * @param bytesWritten weights to write
 * @param memory bytes of buffers and matrices at their largest, by a generous rule
 * @param matrices tensors whose method needs them whole, and computes more than it reads
 * @param seconds to read and write at the rate at which a sample of the inputs was read
 */
public record MergeEstimate(
    long bytesRead, long bytesWritten, long memory, int matrices, double seconds) {
  /** Bytes of the inputs that are read to see how fast they are. */
  private static final int SAMPLE = 32 << 20;

  private static final int SAMPLE_BUFFER = 1 << 20;

  /** Estimates; reads a sample of the inputs, writes nothing. */
  public static MergeEstimate of(MergePlan plan, int threads) {
    long read = 0;
    long written = 0;
    long largestMatrix = 0;
    int matrices = 0;
    int mostInputs = 1;
    for (MergePlan.OutputShard shard : plan.shards()) {
      for (PlannedTensor tensor : shard.tensors()) {
        read += bytesRead(tensor.work());
        written += tensor.bytes();
        if (tensor.work() instanceof PlannedTensor.Merge merge) {
          mostInputs = Math.max(mostInputs, merge.inputs().size());
        }
        if (TensorMerger.needsMatrices(tensor)) {
          matrices++;
          largestMatrix = Math.max(largestMatrix, TensorMerger.matrixBytes(tensor));
        }
      }
    }
    // One array for each input, the base and the result, and eight bytes an entry for input and
    // output.
    long buffers = (long) threads * TensorMerger.BLOCK * (4L * (mostInputs + 2) + 8);
    return new MergeEstimate(
        read, written, buffers + largestMatrix, matrices, (read + written) / bytesPerSecond(plan));
  }

  private static long bytesRead(PlannedTensor.Work work) {
    if (work instanceof PlannedTensor.Copy copy) {
      return bytes(copy.from());
    }
    PlannedTensor.Merge merge = (PlannedTensor.Merge) work;
    long base = merge.base() == null ? 0 : bytes(merge.base());
    return base + merge.inputs().stream().mapToLong(MergeEstimate::bytes).sum();
  }

  private static long bytes(Weight weight) {
    if (weight instanceof Weight.Adapted adapted) {
      LoraAdapter.Delta delta = adapted.delta();
      return bytes(adapted.base()) + delta.a().bytes() + delta.b().bytes();
    }
    return ((Weight.Stored) weight).tensor().bytes();
  }

  /** How fast the donor's tensors can be read, from its first some megabytes. */
  private static double bytesPerSecond(MergePlan plan) {
    Checkpoint donor = plan.donor();
    ByteBuffer buffer = ByteBuffer.allocateDirect(SAMPLE_BUFFER);
    long begin = System.nanoTime();
    long sampled = 0;
    for (TensorInfo tensor : donor.tensors()) {
      for (long at = 0; at < tensor.bytes() && sampled < SAMPLE; at += buffer.limit()) {
        buffer.clear().limit((int) Math.min(SAMPLE_BUFFER, tensor.bytes() - at));
        donor.readBytes(tensor, at, buffer);
        sampled += buffer.limit();
      }
    }
    return Math.max(1, sampled) / Math.max(1e-6, (System.nanoTime() - begin) / 1e9);
  }
}
