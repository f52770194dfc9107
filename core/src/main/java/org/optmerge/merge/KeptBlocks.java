package org.optmerge.merge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.optmerge.checkpoint.DType;
import org.optmerge.merge.weights.PlannedTensor;

/**
 * Merged task vectors, before λ, of a merge that is written for several λ: the first output keeps
 * them in a file of the user's cache folder, the others take them from there, and the experts are
 * read once.
 *
 * <p>The file has no name as soon as it is open, so that nothing stays behind. Tensors that are
 * merged in float64 are not kept, but merged again.
 */
final class KeptBlocks implements AutoCloseable {
  private final FileChannel file;

  /** The place of each tensor's first value in the file. */
  private final Map<String, Long> places = new HashMap<>();

  private final Set<String> finished = ConcurrentHashMap.newKeySet();
  private final ThreadLocal<ByteBuffer> buffers =
      ThreadLocal.withInitial(
          () ->
              ByteBuffer.allocateDirect(Float.BYTES * TensorMerger.BLOCK)
                  .order(ByteOrder.nativeOrder()));

  private KeptBlocks(MergePlan plan) {
    long end = 0;
    for (PlannedTensor tensor : plan.tensors()) {
      if (tensor.work() instanceof PlannedTensor.Merge merge && merge.inputDtype() != DType.F64) {
        places.put(tensor.name(), end);
        end += Float.BYTES * tensor.size();
      }
    }
    this.file = KeptVectors.open(KeptVectors.folder(), end);
  }

  /**
   * Room for all that a plan merges.
   *
   * @throws MergeException if there is no room for the file
   */
  static KeptBlocks of(MergePlan plan) {
    return new KeptBlocks(plan);
  }

  /** True if a tensor was merged, all of it. */
  boolean has(String tensor) {
    return finished.contains(tensor);
  }

  /** True if every tensor that can be kept was merged. */
  boolean isComplete() {
    return finished.size() == places.size();
  }

  /** Says that all values of a tensor were kept; of one that cannot be kept, nothing. */
  void finish(String tensor) {
    if (places.containsKey(tensor)) {
      finished.add(tensor);
    }
  }

  /** Keeps some values of a tensor. Safe from several threads. */
  void put(String tensor, long start, float[] values, int length) {
    Long place = places.get(tensor);
    if (place == null) {
      return;
    }
    try {
      ByteBuffer buffer = buffers.get();
      for (int done = 0; done < length; ) {
        int count = Math.min(buffer.capacity() / Float.BYTES, length - done);
        buffer.clear().limit(Float.BYTES * count);
        buffer.asFloatBuffer().put(values, done, count);
        long at = place + Float.BYTES * (start + done);
        while (buffer.hasRemaining()) {
          at += file.write(buffer, at);
        }
        done += count;
      }
    } catch (IOException e) {
      throw new MergeException("merged values cannot be kept for the next scaling: " + e, e);
    }
  }

  /** Values of a tensor that {@linkplain #has is there}. */
  void get(String tensor, long start, float[] values, int length) {
    long place = places.getOrDefault(tensor, 0L);
    try {
      ByteBuffer buffer = buffers.get();
      for (int done = 0; done < length; ) {
        int count = Math.min(buffer.capacity() / Float.BYTES, length - done);
        buffer.clear().limit(Float.BYTES * count);
        long at = place + Float.BYTES * (start + done);
        while (buffer.hasRemaining()) {
          int read = file.read(buffer, at);
          if (read < 0) {
            throw new IOException("the file ends at byte " + at);
          }
          at += read;
        }
        buffer.flip();
        buffer.asFloatBuffer().get(values, done, count);
        done += count;
      }
    } catch (IOException e) {
      throw new MergeException("merged values cannot be read back: " + e, e);
    }
  }

  @Override
  public void close() {
    try {
      file.close();
    } catch (IOException e) {
      // It has no name and holds nothing that is needed any more.
    }
  }
}
