package org.optmerge.model.media;

import java.io.IOException;

/**
 * The pixels that a file promises, held against its length before memory is set aside: no packing
 * of PNG, GIF or JPEG puts more of them into a byte.
 */
final class Extent {
  /** So many are decoded, whatever the file's length: an even picture takes next to nothing. */
  private static final long ALWAYS = 4_000_000;

  /** Deflate packs 1,032 bytes of eight pixels each into one; LZW some 2,700 pixels. */
  private static final long PER_BYTE = 8256;

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
}
