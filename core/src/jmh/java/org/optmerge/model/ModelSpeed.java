package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.optmerge.linalg.EngineThreads;
import org.optmerge.model.vision.QwenPreprocessing.Grid;

/**
 * The side of {@code environment/bench-models} that is ours: opens a folder that it made, looks at
 * a picture, reads a prompt, generates, and prints what each took as a line of JSON.
 *
 * <p>{@code ModelSpeed FOLDER PRECISION THREADS TOKENS LOGITS}
 */
public final class ModelSpeed {
  private static final int LAST = 64;
  private static final long IMAGE_CONTEXT = 151667;

  private ModelSpeed() {}

  /** Measures. */
  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    Precision precision = Precision.named(arguments[1]);
    int tokens = Integer.parseInt(arguments[3]);
    EngineThreads.set(Integer.parseInt(arguments[2]));
    boolean isInternVL = Files.readString(folder.resolve("config.json")).contains("InternVL");
    Part load = new Part();
    if (isInternVL) {
      try (InternVL model = InternVL.open(folder, IMAGE_CONTEXT, precision)) {
        load.end();
        measure(
            model,
            load,
            folder,
            tokens,
            Path.of(arguments[4]),
            (step, pixels) -> model.visualFeatures(step, pixels.reshape(1, 3, 448, 448)));
      }
    } else {
      try (QwenVL model = QwenVL.open(folder, precision)) {
        load.end();
        List<Grid> grids = List.of(new Grid(1, 32, 32));
        measure(
            model,
            load,
            folder,
            tokens,
            Path.of(arguments[4]),
            (step, pixels) ->
                QwenVL.Visuals.images(
                    model.visualFeatures(step, pixels.reshape(1024, 1176), grids), grids));
      }
    }
  }

  private interface Vision<F> {
    F see(NDManager step, NDArray pixels);
  }

  private static <F> void measure(
      DecoderModel<F> model, Part load, Path folder, int tokens, Path logits, Vision<F> vision)
      throws IOException {
    try (NDManager step = model.manager().newSubManager()) {
      NDArray pixels = floats(step, folder.resolve("pixels.f32"));
      NDArray ids = longs(step, folder.resolve("ids.i64"));
      NDArray mask = ids.onesLike();
      Part seeing = new Part();
      F features = DecoderModel.withoutGradients(() -> vision.see(step, pixels));
      seeing.end();
      Part prefill = new Part();
      model.generate(ids, mask, features, new GreedyDecoding(1, -1, 0));
      prefill.end();
      if (Boolean.getBoolean("twice")) {
        Part again = new Part();
        model.generate(ids, mask, features, new GreedyDecoding(1, -1, 0));
        again.end();
        System.out.println("first " + prefill + ", again " + again);
      }
      Part all = new Part();
      long[][] made = model.generate(ids, mask, features, new GreedyDecoding(tokens, -1, 0));
      all.end();
      long anonymous = anonymous();
      Supplier<NDArray> last =
          () -> model.logits(step, ids, mask, features).get(new NDIndex(":, -" + LAST + ":"));
      ByteBuffer scores = DecoderModel.withoutGradients(last).toByteBuffer();
      Files.write(logits, bytes(scores));
      System.out.printf(
          "{\"load\": %s, \"vision\": %s, \"prefill\": %s, \"decode\": %s, \"anonymous\": %d,"
              + " \"ids\": %s}%n",
          load, seeing, prefill, all.per(tokens - 1, prefill), anonymous, Arrays.toString(made[0]));
    }
  }

  /** Seconds of processor and wall. */
  private static final class Part {
    private double wall = -System.nanoTime() / 1e9;
    private double cpu = -cpu();

    void end() {
      wall += System.nanoTime() / 1e9;
      cpu += cpu();
    }

    /** What is left without another part, for each of so many. */
    String per(int count, Part other) {
      return text((cpu - other.cpu) / count, (wall - other.wall) / count);
    }

    private static double cpu() {
      return ((com.sun.management.OperatingSystemMXBean)
                  ManagementFactory.getOperatingSystemMXBean())
              .getProcessCpuTime()
          / 1e9;
    }

    private static String text(double cpu, double wall) {
      return "[%.4f, %.4f]".formatted(cpu, wall);
    }

    @Override
    public String toString() {
      return text(cpu, wall);
    }
  }

  /** Anonymous memory of this process in bytes. */
  private static long anonymous() throws IOException {
    try (var lines = Files.lines(Path.of("/proc/self/status"))) {
      return lines
          .filter(line -> line.startsWith("RssAnon"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
          .findFirst()
          .orElse(-1);
    }
  }

  private static NDArray floats(NDManager manager, Path file) throws IOException {
    ByteBuffer bytes = direct(file);
    return manager.create(bytes, new Shape(bytes.capacity() / Float.BYTES), DataType.FLOAT32);
  }

  private static NDArray longs(NDManager manager, Path file) throws IOException {
    ByteBuffer bytes = direct(file);
    return manager.create(bytes, new Shape(1, bytes.capacity() / Long.BYTES), DataType.INT64);
  }

  private static ByteBuffer direct(Path file) throws IOException {
    byte[] content = Files.readAllBytes(file);
    return ByteBuffer.allocateDirect(content.length)
        .order(ByteOrder.nativeOrder())
        .put(content)
        .flip();
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] content = new byte[buffer.remaining()];
    buffer.get(content);
    return content;
  }
}
