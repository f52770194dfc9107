package org.optmerge.merge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.optmerge.checkpoint.TensorInfo;

/**
 * A tensor's checksum that threads can compute in pieces: the CRC-32C of the CRC-32Cs of its
 * blocks.
 */
final class BlockChecksum {
  private BlockChecksum() {}

  /** The checksum of a tensor's bytes as they lie in a file. */
  static long of(TensorInfo place, int blockBytes) throws IOException {
    int count = Math.toIntExact((place.bytes() + blockBytes - 1) / blockBytes);
    int[] blocks = new int[count];
    ByteBuffer buffer = ByteBuffer.allocateDirect(blockBytes);
    try (FileChannel channel = FileChannel.open(place.file(), StandardOpenOption.READ)) {
      for (int i = 0; i < count; i++) {
        long at = (long) i * blockBytes;
        buffer.clear().limit((int) Math.min(blockBytes, place.bytes() - at));
        while (buffer.hasRemaining()
            && channel.read(buffer, place.offset() + at + buffer.position()) >= 0) {}
        CRC32C crc = new CRC32C();
        crc.update(buffer.flip());
        blocks[i] = (int) crc.getValue();
      }
    }
    return combine(blocks);
  }

  static long combine(int[] blocks) {
    ByteBuffer all = ByteBuffer.allocate(4 * blocks.length);
    all.asIntBuffer().put(blocks);
    CRC32C crc = new CRC32C();
    crc.update(all);
    return crc.getValue();
  }
}
