package org.optmerge.speed;

import com.sun.management.OperatingSystemMXBean;
import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/**
 * Ways to read and write weights, one thread each, side by side: which costs least here?
 *
 * <p>{@code IoWays INPUT OUTPUT [ROUNDS]} reads a warm file and writes one of the same size.
 */
public final class IoWays {
  private static final int CHUNK = 1 << 20;
  private static final int SECTOR = 4096;

  private IoWays() {}

  @FunctionalInterface
  private interface Way {
    void run() throws IOException;
  }

  public static void main(String[] arguments) throws IOException {
    Path input = Path.of(arguments[0]);
    Path output = Path.of(arguments[1]);
    int rounds = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 3;
    long bytes = Files.size(input) / CHUNK * CHUNK;
    System.out.println("| way | wall s | CPU s | GB per CPU second |\n|---|---:|---:|---:|");
    for (int round = 0; round < rounds; round++) {
      measure("read, positional into one reused buffer", bytes, () -> read(input, bytes, false));
      measure("read, mapped", bytes, () -> readMapped(input, bytes));
      measure("read, direct (bypassing the page cache)", bytes, () -> read(input, bytes, true));
      measure(
          "write and force, positional from one reused buffer",
          bytes,
          () -> write(output, bytes, false));
      measure("write and force, mapped", bytes, () -> writeMapped(output, bytes));
      measure("write and force, direct", bytes, () -> write(output, bytes, true));
    }
  }

  private static void measure(String name, long bytes, Way way) throws IOException {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long cpu = system.getProcessCpuTime();
    long begin = System.nanoTime();
    way.run();
    double wall = (System.nanoTime() - begin) / 1e9;
    double used = (system.getProcessCpuTime() - cpu) / 1e9;
    System.out.printf(
        Locale.ROOT, "| %s | %.2f | %.2f | %.1f |%n", name, wall, used, bytes / 1e9 / used);
  }

  private static void read(Path file, long bytes, boolean direct) throws IOException {
    ByteBuffer buffer = aligned();
    try (FileChannel channel =
        direct
            ? FileChannel.open(file, StandardOpenOption.READ, ExtendedOpenOption.DIRECT)
            : FileChannel.open(file, StandardOpenOption.READ)) {
      for (long at = 0; at < bytes; at += CHUNK) {
        buffer.clear();
        while (buffer.hasRemaining() && channel.read(buffer, at + buffer.position()) >= 0) {}
      }
    }
  }

  private static void readMapped(Path file, long bytes) throws IOException {
    byte[] target = new byte[CHUNK];
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      MappedByteBuffer map = channel.map(MapMode.READ_ONLY, 0, bytes);
      for (long at = 0; at < bytes; at += CHUNK) {
        map.get((int) at, target);
      }
    }
  }

  private static void write(Path file, long bytes, boolean direct) throws IOException {
    Files.deleteIfExists(file);
    ByteBuffer buffer = aligned();
    try (FileChannel channel =
        direct
            ? FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE,
                ExtendedOpenOption.DIRECT)
            : FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (long at = 0; at < bytes; at += CHUNK) {
        buffer.clear();
        while (buffer.hasRemaining()) {
          channel.write(buffer, at + buffer.position());
        }
      }
      channel.force(true);
    } finally {
      Files.delete(file);
    }
  }

  private static void writeMapped(Path file, long bytes) throws IOException {
    Files.deleteIfExists(file);
    byte[] source = new byte[CHUNK];
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      MappedByteBuffer map = channel.map(MapMode.READ_WRITE, 0, bytes);
      for (long at = 0; at < bytes; at += CHUNK) {
        map.put((int) at, source);
      }
      map.force();
    } finally {
      Files.delete(file);
    }
  }

  private static ByteBuffer aligned() {
    return ByteBuffer.allocateDirect(CHUNK + SECTOR).alignedSlice(SECTOR).limit(CHUNK).slice();
  }
}
