package org.optmerge.model;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.Video;

/**
 * Encoder outputs that several models share: the features of a medium are computed once for all
 * models whose encoders have the same weights, as merged models do.
 *
 * <p>Bounded: where the cache is full, features of other encoders make room for those of the latest
 * one; what still does not fit is computed again each time. Safe from several threads.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class FeatureCache {
  private record Key(String encoder, Media medium) {}

  private final long capacity;
  private final Map<Key, float[]> features = new LinkedHashMap<>();
  private long bytes;

  /**
   * @param capacity most bytes of features and media that are kept
   * @throws IllegalArgumentException if it is negative
   */
  public FeatureCache(long capacity) {
    if (capacity < 0) {
      throw new IllegalArgumentException("a cache holds at least 0 bytes, not " + capacity);
    }
    this.capacity = capacity;
  }

  /** A cache of half a gigabyte, or a quarter of the heap if that is less. */
  public FeatureCache() {
    this(Math.min(1L << 29, Runtime.getRuntime().maxMemory() / 4));
  }

  /** The bytes that are kept now. */
  public synchronized long bytes() {
    return bytes;
  }

  /**
   * The features of a medium, row by row, if they are kept.
   *
   * @param encoder fingerprint of the encoder's weights
   */
  synchronized float @Nullable [] find(String encoder, Media medium) {
    return features.get(new Key(encoder, medium));
  }

  /** Keeps features, if there is room. */
  synchronized void keep(String encoder, Media medium, float[] values) {
    Key key = new Key(encoder, medium);
    long size = bytes(medium, values);
    if (features.containsKey(key)) {
      return;
    }
    Iterator<Map.Entry<Key, float[]>> oldest = features.entrySet().iterator();
    while (bytes + size > capacity && oldest.hasNext()) {
      Map.Entry<Key, float[]> entry = oldest.next();
      if (!entry.getKey().encoder.equals(encoder)) {
        bytes -= bytes(entry.getKey().medium, entry.getValue());
        oldest.remove();
      }
    }
    if (bytes + size <= capacity) {
      features.put(key, values);
      bytes += size;
    }
  }

  private static long bytes(Media medium, float[] values) {
    return (long) Float.BYTES * values.length + bytes(medium);
  }

  private static long bytes(Media medium) {
    if (medium instanceof Image image) {
      return image.rgb().length;
    }
    if (medium instanceof Audio audio) {
      return (long) Float.BYTES * audio.samples().length;
    }
    return ((Video) medium).frames().stream().mapToLong(FeatureCache::bytes).sum();
  }
}
