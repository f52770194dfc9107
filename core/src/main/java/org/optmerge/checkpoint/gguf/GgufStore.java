package org.optmerge.checkpoint.gguf;

import static org.optmerge.checkpoint.CheckpointException.quote;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.FloatCodec;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.checkpoint.WeightStore;

/** GGUF files, read as a checkpoint. */
final class GgufStore implements WeightStore {
  /** Elements that are unpacked at a time: a multiple of every block. */
  private static final int CHUNK = 8192;

  private static final ThreadLocal<Scratch> SCRATCH = ThreadLocal.withInitial(Scratch::new);

  /** Reused by a thread; a chunk may begin and end within blocks. */
  private static final class Scratch {
    final ByteBuffer bytes =
        ByteBuffer.allocateDirect((CHUNK + 512) * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    final float[] values = new float[CHUNK + 512];
  }

  private final Map<Path, FileChannel> channels;
  private final Map<String, GgufView> views = new LinkedHashMap<>();
  private final Map<String, byte[]> derived;
  private final List<String> notes;

  /**
   * @param channels the open files, which are closed with this
   * @param contents what is in them
   */
  GgufStore(Map<Path, FileChannel> channels, GgufContents contents) {
    this.channels = channels;
    this.derived = contents.derived();
    this.notes = contents.notes();
    contents.views().forEach(view -> views.put(view.info().name(), view));
  }

  @Override
  public List<Path> weightFiles() {
    return List.copyOf(channels.keySet());
  }

  @Override
  public List<TensorInfo> tensors() {
    return views.values().stream().map(GgufView::info).toList();
  }

  @Override
  public Map<String, byte[]> derivedFiles() {
    return derived;
  }

  @Override
  public List<String> notes() {
    return notes;
  }

  @Override
  public void readBytes(TensorInfo tensor, long offset, ByteBuffer target) {
    GgufView view = views.get(tensor.name());
    if (view == null) {
      throw new IllegalArgumentException("no tensor " + quote(tensor.name()));
    }
    int width = tensor.dtype().bytes();
    if (offset % width != 0 || target.remaining() % width != 0) {
      throw new IllegalArgumentException(
          "tensor %s: %d bytes from %d on are no whole elements"
              .formatted(quote(tensor.name()), target.remaining(), offset));
    }
    boolean stored = view.stored();
    long element = offset / width;
    while (target.hasRemaining()) {
      GgufView.Run run = view.order().at(element);
      int count = (int) Math.min(run.length(), target.remaining() / width);
      GgufTensor part = view.parts().get(run.part());
      if (stored) {
        int limit = target.limit();
        read(part, run.from() * width, target.limit(target.position() + count * width));
        target.limit(limit);
      } else {
        count = Math.min(count, CHUNK);
        unpack(part, run.from(), count, target);
      }
      element += count;
    }
  }

  /** Appends elements as float32. */
  private void unpack(GgufTensor part, long from, int count, ByteBuffer target) {
    Scratch scratch = SCRATCH.get();
    GgmlType type = part.type();
    long first = from / type.blockSize();
    int skip = (int) (from % type.blockSize());
    int blocks = (skip + count + type.blockSize() - 1) / type.blockSize();
    scratch.bytes.clear().limit(blocks * type.blockBytes());
    read(part, first * type.blockBytes(), scratch.bytes);
    scratch.bytes.flip();
    if (type.packed()) {
      Dequantisation.unpack(type, scratch.bytes, blocks, scratch.values, 0);
    } else {
      FloatCodec.widen(type.dtype(), scratch.bytes, scratch.values, 0, count);
    }
    ByteOrder order = target.order();
    target.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(scratch.values, skip, count);
    target.order(order).position(target.position() + count * Float.BYTES);
  }

  private void read(GgufTensor part, long offset, ByteBuffer target) {
    @Nullable FileChannel channel = channels.get(part.file());
    if (channel == null) {
      throw new IllegalArgumentException("%s is not open".formatted(part.file()));
    }
    try {
      long position = part.offset() + offset;
      while (target.hasRemaining()) {
        int some = channel.read(target, position);
        if (some < 0) {
          throw failed(
              part,
              "the file ends at byte %d; it has become shorter since it was opened"
                  .formatted(position),
              null);
        }
        position += some;
      }
    } catch (ClosedChannelException e) {
      throw failed(part, "the checkpoint is closed", e);
    } catch (IOException e) {
      throw failed(part, "cannot be read: " + e.getMessage(), e);
    }
  }

  private static CheckpointException failed(
      GgufTensor part, String problem, @Nullable Throwable cause) {
    return new CheckpointException(
        "%s: tensor %s: %s".formatted(part.file(), quote(part.name()), problem), cause);
  }

  @Override
  public void close() {
    for (FileChannel channel : channels.values()) {
      try {
        channel.close();
      } catch (IOException ignored) {
        // Nothing was written, so nothing can be lost.
      }
    }
  }
}
