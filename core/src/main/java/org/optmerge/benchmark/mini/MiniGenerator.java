package org.optmerge.benchmark.mini;

import java.util.Map;
import java.util.Objects;
import org.apiguardian.api.API;
import org.optmerge.base.CounterRandom;
import org.optmerge.benchmark.mini.BalancedSchedule.Turn;

/**
 * Draws the images of the miniature benchmark. An image is a function of (seed, split, task,
 * index): any thread may ask for any of them, and every JDK draws the same bytes.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class MiniGenerator {
  /** The seed of the shipped models and of every published figure. */
  public static final long SEED = 2026;

  private static final Map<MiniTask, TaskDrawing<?>> DRAWINGS =
      Map.of(
          MiniTask.VQA, new VqaTask(),
          MiniTask.GEOMETRY, new GeometryTask(),
          MiniTask.CHART, new ChartTask(),
          MiniTask.OCR, new OcrTask(),
          MiniTask.GROUNDING, new GroundingTask(),
          MiniTask.COMBINED, new CombinedTask());

  private final long seed;

  /**
   * @param seed which of the benchmarks of the same kind
   */
  public MiniGenerator(long seed) {
    this.seed = seed;
  }

  /**
   * An image and its questions. Over any run of indices, the kinds of first questions and the
   * answers of each kind come equally often, as far as they can.
   *
   * @param index not negative; any number of images may be drawn
   * @throws IllegalArgumentException if no expert is trained on the task but the split is for
   *     experts
   */
  public MiniImage generate(MiniSplit split, MiniTask task, int index) {
    if (task == MiniTask.COMBINED && split == MiniSplit.EXPERT) {
      throw new IllegalArgumentException(
          "no expert is trained on the task '%s', so it has no split '%s'"
              .formatted(task.key(), split.key()));
    }
    return image(split, task, index);
  }

  /** The same, also where only the plain questions of an image may be asked. */
  MiniImage image(MiniSplit split, MiniTask task, int index) {
    return sketch(split, task, index).finished();
  }

  /** An image before it is finished: what is drawn on it is known. */
  Sketch sketch(MiniSplit split, MiniTask task, int index) {
    if (index < 0) {
      throw new IllegalArgumentException("images are counted from 0, not " + index);
    }
    return sketch(
        Objects.requireNonNull(DRAWINGS.get(task)),
        "mini/%s/%s".formatted(split.key(), task.key()),
        index);
  }

  private <K extends Enum<K>> Sketch sketch(TaskDrawing<K> drawing, String stream, int index) {
    Turn<K> turn = drawing.schedule().at(seed, stream, index);
    String image = stream + "/" + index;
    Sketch sketch =
        new Sketch(
            new Dice(CounterRandom.of(seed, image)),
            new Dice(CounterRandom.of(seed, image + "/further questions")));
    drawing.draw(sketch, turn);
    return sketch;
  }
}
