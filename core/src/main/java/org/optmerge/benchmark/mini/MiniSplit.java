package org.optmerge.benchmark.mini;

import java.util.List;
import org.apiguardian.api.API;

/**
 * The uses of images. Each split draws from random streams of its own, so no image of one can be
 * asked for through another.
 */
@API(status = API.Status.EXPERIMENTAL)
public enum MiniSplit {
  /** Pretraining of the vision model and training of the base model. */
  BASE("base-train", 20_000),
  /** Fine-tuning of the experts and of the mixture. */
  EXPERT("expert-train", 16_000),
  /** Choice of merging coefficients. */
  VALIDATION("val", 250),
  /** Reported results. */
  TEST("test", 1_000);

  private final String key;
  private final int size;

  MiniSplit(String key, int size) {
    this.key = key;
    this.size = size;
  }

  /** As commands have it: {@code base-train}, {@code expert-train}, {@code val}, {@code test}. */
  public String key() {
    return key;
  }

  /** The customary number of images for each task; a generator has as many as are asked for. */
  public int size() {
    return size;
  }

  /**
   * The split of a {@link #key}.
   *
   * @throws IllegalArgumentException if there is none; the message lists all
   */
  public static MiniSplit of(String key) {
    for (MiniSplit split : values()) {
      if (split.key.equals(key)) {
        return split;
      }
    }
    throw new IllegalArgumentException(
        "no split '%s' in the miniature benchmark; it has %s"
            .formatted(key, List.of(values()).stream().map(MiniSplit::key).toList()));
  }
}
