package org.optmerge.manifest;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.jspecify.annotations.Nullable;

/** The names of members of .zip archives, which do not always say how they are encoded. */
final class ArchiveNames {
  private ArchiveNames() {}

  /**
   * The name of a member: one that is not marked as UTF-8 is read as UTF-8 if it is, else as GBK,
   * which Windows in China writes; anything else stays as the library has read it.
   */
  static String of(ZipArchiveEntry entry) {
    byte[] raw = entry.getRawName();
    if (raw == null
        || entry.getGeneralPurposeBit().usesUTF8ForNames()
        || !Charset.isSupported("GBK")) {
      return entry.getName();
    }
    String utf8 = decoded(raw, StandardCharsets.UTF_8);
    String name = decoded(raw, Charset.forName("GBK"));
    return name == null || (utf8 != null && utf8.codePoints().noneMatch(ArchiveNames::isRare))
        ? entry.getName()
        : name;
  }

  /**
   * True for letters that nobody names files with: some pairs of bytes of GBK are such letters in
   * UTF-8, as the two characters of the Chinese word for pictures are.
   */
  private static boolean isRare(int c) {
    return (c >= 0x180 && c < 0x300)
        || (c >= 0x370 && c < 0x386)
        || (c >= 0x500 && c < 0x590)
        || (c >= 0x700 && c < 0x900);
  }

  private static @Nullable String decoded(byte[] raw, Charset charset) {
    try {
      return charset.newDecoder().decode(ByteBuffer.wrap(raw)).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }
}
