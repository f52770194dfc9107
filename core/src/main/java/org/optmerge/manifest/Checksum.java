package org.optmerge.manifest;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Sha256;

/**
 * The digest that a file must have.
 *
 * @param algorithm of the digest
 * @param hexadecimal the digest
 */
public record Checksum(Algorithm algorithm, String hexadecimal) {
  /** The ways to compute it. */
  public enum Algorithm {
    SHA_256("SHA-256"),
    MD5("MD5"),
    /** SHA-1 over a header with the length, and the bytes: how git names a file's content. */
    GIT_BLOB("SHA-1");

    private final String digest;

    Algorithm(String digest) {
      this.digest = digest;
    }

    @Override
    public String toString() {
      return this == GIT_BLOB ? "git blob SHA-1" : digest;
    }
  }

  /** The strongest of those that are known; null if none is. */
  static @Nullable Checksum strongest(@Nullable String sha256, @Nullable String md5) {
    if (sha256 != null) {
      return new Checksum(Algorithm.SHA_256, sha256);
    }
    return md5 == null ? null : new Checksum(Algorithm.MD5, md5);
  }

  /**
   * A digest to be fed with the file's bytes.
   *
   * @param length of the file, as git's digest begins with it
   */
  MessageDigest begin(long length) {
    MessageDigest digest = Sha256.begin(algorithm.digest);
    if (algorithm == Algorithm.GIT_BLOB) {
      digest.update(("blob " + length + "\0").getBytes(StandardCharsets.US_ASCII));
    }
    return digest;
  }

  boolean matches(FileChannel file) throws IOException {
    return hexadecimal.equals(digest(file));
  }

  /** The digest of a file by this algorithm, in hexadecimal. */
  String digest(FileChannel file) throws IOException {
    return Sha256.of(file, begin(file.size()));
  }
}
