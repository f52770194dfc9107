package org.optmerge.benchmark.mini;

import java.util.List;
import java.util.Locale;
import org.apiguardian.api.API;

/** The capabilities of the miniature benchmark: the paper's five, and questions that need two. */
@API(status = API.Status.EXPERIMENTAL)
public enum MiniTask {
  /** Colours, shapes, numbers and places of objects, and whether there is one. */
  VQA("VQA"),
  /** Angles, rectangles and regular polygons. */
  GEOMETRY("Geometry"),
  /** Bars, points and slices. */
  CHART("Chart"),
  /** Words and numbers in a bitmap font. */
  OCR("OCR"),
  /** The box of an object that is named or stands out. */
  GROUNDING("Grounding"),
  /** Questions that need the abilities of two of the others; no model is trained on these. */
  COMBINED("Combined");

  /** The five capabilities that experts are trained for, in the order of the paper's tables. */
  public static final List<MiniTask> CAPABILITIES = List.of(VQA, GEOMETRY, CHART, OCR, GROUNDING);

  private final String label;

  MiniTask(String label) {
    this.label = label;
  }

  /** As tables and figures name it. */
  public String label() {
    return label;
  }

  /** As commands and file names have it, such as {@code chart} in {@code mini:chart}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The task of a {@link #key}.
   *
   * @throws IllegalArgumentException if there is none; the message lists all
   */
  public static MiniTask of(String key) {
    for (MiniTask task : values()) {
      if (task.key().equals(key)) {
        return task;
      }
    }
    throw new IllegalArgumentException(
        "no task '%s' in the miniature benchmark; it has %s"
            .formatted(key, List.of(values()).stream().map(MiniTask::key).toList()));
  }
}
