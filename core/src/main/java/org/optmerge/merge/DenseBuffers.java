package org.optmerge.merge;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Native memory for the task vectors of one matrix, kept for the next: a fresh page costs more than
 * the bandwidth to fill it. Serves one matrix at a time.
 */
final class DenseBuffers {
  private final List<ByteBuffer> buffers = new ArrayList<>();

  /** Memory for task vector t; what an earlier matrix left there is overwritten. */
  ByteBuffer get(int t, int bytes) {
    while (buffers.size() <= t) {
      buffers.add(ByteBuffer.allocateDirect(0));
    }
    if (buffers.get(t).capacity() < bytes) {
      buffers.set(t, ByteBuffer.allocateDirect(bytes));
    }
    return buffers.get(t).slice(0, bytes).order(ByteOrder.nativeOrder());
  }
}
