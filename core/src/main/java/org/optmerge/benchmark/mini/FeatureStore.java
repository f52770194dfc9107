package org.optmerge.benchmark.mini;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.FloatCodec;
import org.optmerge.train.TrainingException;

/**
 * The features of images by a frozen vision tower, kept in a mapped file as float16 once they were
 * computed: stages that train the language model see an image many times.
 */
final class FeatureStore implements AutoCloseable {
  private final int size;
  private final FileChannel channel;
  private final ByteBuffer present;
  private final ByteBuffer features;

  /**
   * Opens or creates a store; the file is sparse, so it costs what is in it.
   *
   * @param file of this tower, split and task alone
   * @param images how many there can be
   * @param size numbers of one image
   */
  @SuppressWarnings("MustBeClosedChecker")
  FeatureStore(Path file, int images, int size) {
    this.size = size;
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      present = channel.map(FileChannel.MapMode.READ_WRITE, 0, images);
      features =
          channel
              .map(FileChannel.MapMode.READ_WRITE, images, 2L * size * images)
              .order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new TrainingException(
          "%s: features cannot be kept there: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** True if the features of an image were put. */
  boolean has(int image) {
    return present.get(image) != 0;
  }

  /** Keeps the features of an image, rounded to float16. */
  void put(int image, float[] from, int at) {
    FloatCodec.narrow(DType.F16, from, at, size, slot(image));
    // After the features: a killed process leaves no image that seems to be there and is not.
    present.put(image, (byte) 1);
  }

  /** Reads the features of an image that {@link #has has}. */
  void get(int image, float[] into, int at) {
    FloatCodec.widen(DType.F16, slot(image), into, at, size);
  }

  private ByteBuffer slot(int image) {
    return features.slice(2 * size * image, 2 * size).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new TrainingException("features cannot be kept: " + e.getMessage(), e);
    }
  }
}
