package org.optmerge.fuzz;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.code_intelligence.jazzer.api.BugDetectors;
import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.optmerge.base.OptMergeException;
import org.optmerge.base.Trees;

/**
 * What a fuzz target holds a reader to: whatever bytes come in, the reader gives a result or one of
 * the exceptions whose message the command line prints, in bounded time and memory, and touches
 * nothing but the folder that it was given.
 */
public final class Sandbox {
  private static final String GIVEN = "given";
  private static final String CANARY = "outside.txt";

  /**
   * Of processor time, in a process that runs instrumented code: a thousand times what is usual.
   */
  private static final long LONGEST_NANOSECONDS = 4_000_000_000L;

  /** Allocated in all, not at once. Inputs have a few kilobytes. */
  private static final long MOST_BYTES = 512L << 20;

  /** What belongs into a stack trace, not into a message for people. */
  private static final Pattern CLASS_NAME =
      Pattern.compile(
          "(?<![\\w/])(?:java|org|com)(?:\\.[a-z0-9_]+)+\\.[A-Z][A-Za-z$]+|NullPointerException");

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** All of this process: each class of targets has one. */
  private static final Set<Path> BOXES = ConcurrentHashMap.newKeySet();

  private static volatile boolean watching;

  private final Path folder;
  private final Path canary;

  private Sandbox(Path box) throws IOException {
    folder = Files.createDirectory(box.resolve(GIVEN));
    canary = Files.writeString(box.resolve(CANARY), "nobody may touch this");
  }

  /** A folder of its own for each process; it goes when the process ends. */
  public static Sandbox open() {
    try {
      Path box = Files.createTempDirectory("optmerge-fuzz").toRealPath();
      BOXES.add(box);
      Sandbox sandbox = new Sandbox(box);
      Runtime.getRuntime().addShutdownHook(new Thread(() -> deleteAll(box)));
      return sandbox;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void deleteAll(Path box) {
    try {
      Trees.delete(box);
    } catch (IOException e) {
      System.err.println("cannot remove " + box + ": " + e);
    }
  }

  /** The folder that readers are given. */
  public Path folder() {
    return folder;
  }

  /** Writes a file into the folder. */
  public Path file(String name, byte... content) {
    watch();
    try {
      Path file = folder.resolve(name);
      Files.createDirectories(file.getParent());
      return Files.write(file, content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes a text into the folder. */
  public Path file(String name, String content) {
    return file(name, content.getBytes(UTF_8));
  }

  /** Jazzer's own guards exist once its agent does, which no test class can wait for. */
  private static void watch() {
    if (!watching) {
      watching = true;
      if (Boolean.parseBoolean(System.getProperty("jazzer.hooks", "true"))) {
        BugDetectors.setFilePathTraversalAllowPath(Sandbox::mayBeTouched);
      }
    }
  }

  /** A reader's work on an input. */
  @FunctionalInterface
  public interface Work {
    void run() throws Exception;
  }

  /**
   * Runs a reader on an input.
   *
   * @return true if it was read, false if it was refused in good order
   */
  @SuppressWarnings("ThreadPriorityCheck")
  public boolean holds(byte[] input, Work work) throws Exception {
    watch();
    long bytes = THREADS.getCurrentThreadAllocatedBytes();
    long time = THREADS.getCurrentThreadCpuTime();
    boolean read = true;
    try {
      work.run();
    } catch (OptMergeException | IOException e) {
      read = false;
      checkMessage(e, input);
    }
    long spent = THREADS.getCurrentThreadCpuTime() - time;
    long allocated = THREADS.getCurrentThreadAllocatedBytes() - bytes;
    if (spent > LONGEST_NANOSECONDS) {
      throw new AssertionError("%d bytes took %d ms".formatted(input.length, spent / 1_000_000));
    }
    if (allocated > MOST_BYTES) {
      throw new AssertionError(
          "%d bytes had %d MB allocated".formatted(input.length, allocated >> 20));
    }
    if (!Files.exists(canary)) {
      throw new AssertionError("a file outside the folder is gone");
    }
    return read;
  }

  private static void checkMessage(Exception thrown, byte[] input) {
    String message = thrown.getMessage();
    if (message == null || message.isBlank()) {
      throw new AssertionError("no message", thrown);
    }
    Matcher name = CLASS_NAME.matcher(message);
    if (name.find() && !new String(input, ISO_8859_1).contains(name.group())) {
      throw new AssertionError("a message with the name of a class: " + message, thrown);
    }
  }

  /** Whether instrumented code may look at a path: ours, and what Java itself is made of. */
  private static boolean mayBeTouched(Path path) {
    Path whole = path.toAbsolutePath().normalize();
    return BOXES.stream()
            .anyMatch(
                box -> whole.startsWith(box.resolve(GIVEN)) || whole.equals(box.resolve(CANARY)))
        || Places.JAVA.stream().anyMatch(whole::startsWith);
  }

  private static final class Places {
    static final List<Path> JAVA =
        Stream.concat(
                Stream.of(
                    System.getProperty("java.home"), "src/test/resources", "../data-manifests"),
                Arrays.stream(
                    System.getProperty("java.class.path")
                        .split(Pattern.quote(System.getProperty("path.separator")))))
            .map(place -> Path.of(place).toAbsolutePath().normalize())
            .toList();
  }
}
