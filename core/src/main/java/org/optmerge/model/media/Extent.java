package org.optmerge.model.media;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The pixels that a file promises, held against its length before memory is set aside: no packing
 * of PNG, GIF or JPEG puts more of them into a byte.
 */
final class Extent {
  /** So many are decoded, whatever the file's length: an even picture takes next to nothing. */
  private static final long ALWAYS = 4_000_000;

  /** Deflate packs 1,032 bytes of eight pixels each into one; LZW some 2,700 pixels. */
  private static final long PER_BYTE = 8256;

  private static final int RIFF = 0x46464952;
  private static final int WEBP = 0x50424557;
  private static final int LOSSY = 0x20385056;
  private static final int LOSSLESS = 0x4c385056;

  private Extent() {}

  /**
   * Checks a size.
   *
   * @param bytes of the whole file
   * @throws IOException if the file cannot hold so many pixels
   */
  static void check(long width, long height, long bytes) throws IOException {
    if (width * height > Math.max(ALWAYS, PER_BYTE * bytes)) {
      throw new IOException(
          "a size of %d x %d pixels, which a file of %d bytes cannot hold; is it damaged?"
              .formatted(width, height, bytes));
    }
  }

  /**
   * Checks the size of the picture inside a WebP file: a decoder sets memory aside by it, not by
   * the size that the file begins with.
   *
   * @throws IOException if the two are not the same
   */
  static void checkWebp(byte[] bytes, int width, int height) throws IOException {
    ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.length < 12 || file.getInt(0) != RIFF || file.getInt(8) != WEBP) {
      return;
    }
    long next = 12;
    while (next + 18 <= bytes.length) {
      int at = (int) next;
      int chunk = file.getInt(at);
      if (chunk == LOSSY) {
        // A tag of three bytes and a start code of three; the upper two bits are a scale.
        same(width, height, file.getShort(at + 14) & 0x3fff, file.getShort(at + 16) & 0x3fff);
      } else if (chunk == LOSSLESS) {
        int size = file.getInt(at + 9);
        same(width, height, (size & 0x3fff) + 1, (size >>> 14 & 0x3fff) + 1);
      }
      long length = file.getInt(at + 4) & 0xffff_ffffL;
      next += 8 + length + (length & 1);
    }
  }

  private static void same(int width, int height, int inside, int down) throws IOException {
    if (width != inside || height != down) {
      throw new IOException(
          "a size of %d x %d pixels around a picture of %d x %d; is it damaged?"
              .formatted(width, height, inside, down));
    }
  }
}
