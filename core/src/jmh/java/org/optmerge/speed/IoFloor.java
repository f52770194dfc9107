package org.optmerge.speed;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What any merge must at least do: read every input once and write the output once, through reused
 * buffers.
 *
 * <p>{@code IoFloor THREADS OUTPUT BASE EXPERT…}: reads all, writes as many bytes as the base has,
 * forces them to disk.
 */
public final class IoFloor {
  private static final int CHUNK = 1 << 20;

  private IoFloor() {}

  public static void main(String[] arguments) throws Exception {
    int threads = Integer.parseInt(arguments[0]);
    Path output = Path.of(arguments[1]);
    List<Path> inputs = new ArrayList<>();
    for (int i = 2; i < arguments.length; i++) {
      inputs.add(Path.of(arguments[i], "model.safetensors"));
    }
    long bytes = Files.size(inputs.get(0));
    ThreadLocal<ByteBuffer> buffers =
        ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(CHUNK));
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    List<Future<?>> tasks = new ArrayList<>();
    try (FileChannel target =
        FileChannel.open(
            output,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      List<FileChannel> sources = new ArrayList<>();
      for (Path input : inputs) {
        sources.add(FileChannel.open(input, StandardOpenOption.READ));
      }
      for (long at = 0; at < bytes; at += CHUNK) {
        long from = at;
        tasks.add(
            pool.submit(
                () -> {
                  ByteBuffer buffer = buffers.get();
                  int length = (int) Math.min(CHUNK, bytes - from);
                  for (FileChannel source : sources) {
                    buffer.clear().limit(length);
                    transfer(buffer, source, from);
                  }
                  buffer.flip();
                  long position = from;
                  while (buffer.hasRemaining()) {
                    position += target.write(buffer, position);
                  }
                  return null;
                }));
      }
      for (Future<?> task : tasks) {
        task.get();
      }
      target.force(true);
    } finally {
      pool.shutdown();
    }
    Files.delete(output);
  }

  private static void transfer(ByteBuffer buffer, FileChannel source, long from)
      throws IOException {
    long position = from;
    while (buffer.hasRemaining()) {
      int read = source.read(buffer, position);
      if (read < 0) {
        return;
      }
      position += read;
    }
  }
}
