package org.optmerge.base;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 digests in lower-case hexadecimal. */
public final class Sha256 {
  private static final int BUFFER = 1 << 18;

  private Sha256() {}

  /** The digest of some bytes. */
  public static String of(byte[] bytes) {
    return hex(begin().digest(bytes));
  }

  /** The digest of a text's bytes in UTF-8. */
  public static String of(String text) {
    return of(text.getBytes(StandardCharsets.UTF_8));
  }

  /** The digest of a file. */
  public static String of(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      return of(channel, begin());
    }
  }

  /** Any digest of a whole file, whatever the channel's position. */
  public static String of(FileChannel file, MessageDigest digest) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    for (long position = 0;
        file.read(buffer, position) >= 0;
        position += buffer.position(), buffer.clear()) {
      digest.update(buffer.array(), 0, buffer.position());
    }
    return hex(digest.digest());
  }

  /** A digest to be fed in pieces. */
  public static MessageDigest begin() {
    return begin("SHA-256");
  }

  /** A digest by another algorithm that every Java has: {@code MD5}, {@code SHA-1}. */
  public static MessageDigest begin(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has " + algorithm, e);
    }
  }

  /** Bytes in hexadecimal. */
  public static String hex(byte[] digest) {
    return HexFormat.of().formatHex(digest);
  }
}
