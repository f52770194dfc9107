package org.optmerge.benchmark.mini;

import ai.djl.ndarray.NDManager;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Digests of what a step of a training learns from. */
public final class BatchDigests {
  private BatchDigests() {}

  /** A table of names and the digests of their first steps. */
  public static Map<String, List<String>> table(String text) {
    return text.lines()
        .map(line -> List.of(line.split(" ")))
        .collect(Collectors.toMap(row -> row.get(0), row -> row.subList(1, row.size())));
  }

  /** The digest of ids, labels and mask. */
  public static String of(List<Dialogue> dialogues) {
    try (NDManager arrays = NDManager.newBaseManager()) {
      Batch batch = Batch.of(arrays, dialogues);
      return of(
          batch.ids().toLongArray(), batch.labels().toLongArray(), batch.mask().toLongArray());
    }
  }

  /** The digest of the classes of several targets. */
  public static String of(int[]... classes) {
    return of(
        Arrays.stream(classes)
            .map(each -> Arrays.stream(each).asLongStream().toArray())
            .toArray(long[][]::new));
  }

  private static String of(long[]... arrays) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (long[] array : arrays) {
        ByteBuffer bytes = ByteBuffer.allocate(8 * array.length);
        bytes.asLongBuffer().put(array);
        digest.update(bytes.array());
      }
      return HexFormat.of().formatHex(digest.digest()).substring(0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
