package org.optmerge.model;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.optmerge.model.vision.ImagePreprocessing;
import org.optmerge.model.vision.Tiling;

/** Very small models for tests. */
final class Models {
  static final long IMAGE = 2;
  static final int VOCABULARY = 20;

  private Models() {}

  static final InternVLConfig CONFIG =
      new InternVLConfig(
          new InternVLConfig.Vision(8, 2, 2, 16, 12, 3, 1e-6, false, true, false, 0.5),
          new InternVLConfig.Language(12, 2, 4, 2, 4, 16, VOCABULARY, 1e-6, 1e4, 64),
          -1,
          2,
          false,
          12,
          Tiling.SINGLE,
          false);

  static final ImagePreprocessing PREPROCESSING =
      new ImagePreprocessing(12, Tiling.SINGLE, List.of(.5, .5, .5), List.of(.5, .5, .5));

  /** Words {@code w0} to {@code w19}, the third of them {@code <IMG_CONTEXT>}. */
  static String tokenizerJson() {
    String vocabulary =
        IntStream.range(0, VOCABULARY)
            .mapToObj(i -> "\"%s\":%d".formatted(i == IMAGE ? InternVL.IMAGE_CONTEXT : "w" + i, i))
            .collect(Collectors.joining(","));
    return """
        {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
         "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
         "post_processor": null, "decoder": null,
         "model": {"type": "WordLevel", "vocab": {%s}, "unk_token": "w0"}}
        """
        .formatted(vocabulary);
  }

  static InternVL small(long seed) {
    return small(CONFIG, seed);
  }

  static InternVL small(InternVLConfig config, long seed) {
    return InternVL.initialise(config, Tokenizer.of(tokenizerJson()), PREPROCESSING, seed);
  }
}
