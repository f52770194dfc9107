package org.optmerge.model.media;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Checks the boxes of an MP4 before the library sees them, which loops for ever on a box of no size
 * and sets aside whatever memory a damaged count asks for.
 *
 * @see <a href="https://www.iso.org/standard/83102.html">ISO/IEC 14496-12, the base media file
 *     format</a>
 */
final class Mp4Boxes {
  /** Boxes of boxes, and how many bytes of their own come first. */
  private static final Map<String, Integer> PARENTS =
      Map.of("moov", 0, "trak", 0, "mdia", 0, "minf", 0, "stbl", 0, "stsd", 8, "avc1", 78);

  /** Tables: bytes of an entry, after four bytes of flags and four of a count. */
  private static final Map<String, Integer> TABLES =
      Map.of("stts", 8, "ctts", 8, "stsc", 12, "stco", 4, "co64", 8, "stss", 4);

  private static final Set<String> OTHERS = Set.of("mvhd", "tkhd", "mdhd", "hdlr", "vmhd", "avcC");

  private final ByteBuffer file;

  private Mp4Boxes(byte[] file) {
    this.file = ByteBuffer.wrap(file);
  }

  /**
   * A copy in which every box of the index that is not needed is called {@code free}, so that it is
   * passed over: sounds, tags, edits.
   *
   * @throws IOException if a box does not fit into the one around it, or a table into its box
   */
  static byte[] checked(byte[] bytes) throws IOException {
    byte[] copy = bytes.clone();
    Mp4Boxes boxes = new Mp4Boxes(copy);
    boolean index = false;
    for (long at = 0; at + 8 <= copy.length; ) {
      long size = boxes.size((int) at, copy.length);
      if (boxes.type((int) at).equals("moov")) {
        boxes.walk((int) at + 8, (int) (at + size));
        index = true;
      }
      at += size;
    }
    if (!index) {
      throw new IOException("an MP4 without its index (moov); was it copied whole?");
    }
    return copy;
  }

  private void walk(int from, int end) throws IOException {
    for (int at = from; at + 8 <= end; ) {
      int size = (int) size(at, end);
      String type = type(at);
      @Nullable Integer own = PARENTS.get(type);
      @Nullable Integer entry = TABLES.get(type);
      if (type.equals("trak") && !isFilm(at, at + size)) {
        free(at);
      } else if (own != null) {
        if (8 + own > size) {
          throw damaged(type);
        }
        walk(at + 8 + own, at + size);
      } else if (type.equals("stsz")) {
        sizes(at, size);
      } else if (entry != null) {
        if (size < 16 || count(at + 12) > (size - 16) / entry) {
          throw damaged(type);
        }
      } else if (!OTHERS.contains(type)) {
        free(at);
      }
      at += size;
    }
  }

  /** True if a track's handler says that it is of pictures. */
  private boolean isFilm(int from, int end) {
    for (int at = from; at + 20 <= end; at++) {
      // Its handler comes after the name and eight more bytes.
      if (type(at).equals("hdlr")) {
        return type(at + 12).equals("vide");
      }
    }
    return false;
  }

  private void sizes(int at, int size) throws IOException {
    if (size < 20) {
      throw damaged("stsz");
    }
    int each = file.getInt(at + 12);
    long count = count(at + 16);
    if (each != 0) {
      if (each < 0 || count * each > file.capacity()) {
        throw damaged("stsz");
      }
    } else if (count > (size - 20) / 4) {
      throw damaged("stsz");
    } else {
      for (int i = 0; i < count; i++) {
        if (count(at + 20 + 4 * i) > file.capacity()) {
          throw damaged("stsz");
        }
      }
    }
  }

  private long size(int at, int end) throws IOException {
    long size = count(at);
    if (size == 1 && at + 16 <= end) {
      size = file.getLong(at + 8);
    } else if (size == 0 && end == file.capacity()) {
      size = end - at;
    }
    if (size < 8 || size > end - at) {
      throw new IOException(
          "an MP4 whose box %s does not fit; was it copied whole?".formatted(type(at)));
    }
    return size;
  }

  private long count(int at) {
    return file.getInt(at) & 0xffff_ffffL;
  }

  private String type(int at) {
    return new String(file.array(), at + 4, 4, StandardCharsets.ISO_8859_1);
  }

  private void free(int at) {
    file.position(at + 4).put("free".getBytes(StandardCharsets.ISO_8859_1));
  }

  private static IOException damaged(String type) {
    return new IOException("an MP4 whose table %s is damaged".formatted(type));
  }
}
