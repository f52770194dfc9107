package org.optmerge.evaluation;

import java.nio.file.Path;
import java.util.Map;
import org.optmerge.benchmark.mini.MiniTask;

/** The shipped models, fewer of them: quick to merge and to ask. */
final class MiniFamilies {
  static final Path MODELS = Path.of("../data-manifests/mini");

  private MiniFamilies() {}

  /** The experts for VQA and OCR. */
  static MiniFamily shipped() {
    return of(MODELS.resolve("base"));
  }

  /** The same with another base. */
  static MiniFamily of(Path base) {
    return new MiniFamily(
        "two",
        "Two experts",
        base,
        Map.of(
            MiniTask.VQA, MODELS.resolve("expert-vqa"), MiniTask.OCR, MODELS.resolve("expert-ocr")),
        false,
        MODELS.resolve("mixture"));
  }
}
