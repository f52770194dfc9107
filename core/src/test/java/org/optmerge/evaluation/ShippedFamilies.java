package org.optmerge.evaluation;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** The shipped models, fewer of them: quick to merge and to ask. */
final class ShippedFamilies {
  static final Path MODELS = Path.of("../data-manifests/mini");

  private ShippedFamilies() {}

  /** The experts for VQA and OCR. */
  static ModelFamily shipped() {
    return of(MODELS.resolve("base"));
  }

  private static Map<String, Path> experts() {
    Map<String, Path> experts = new LinkedHashMap<>();
    experts.put("VQA", MODELS.resolve("expert-vqa"));
    experts.put("OCR", MODELS.resolve("expert-ocr"));
    return experts;
  }

  /** The same with another base. */
  static ModelFamily of(Path base) {
    return new ModelFamily("two", "Two experts", base, experts(), false, MODELS.resolve("mixture"));
  }
}
