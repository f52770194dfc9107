package org.optmerge.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.optmerge.base.Json;
import org.optmerge.model.vision.ClipPreprocessing;
import org.optmerge.model.vision.ImagePreprocessing;
import org.optmerge.model.vision.QwenPreprocessing;
import org.optmerge.model.vision.SmartResize;

/** {@code preprocessor_config.json}: mean and deviation of the pixels. */
final class PreprocessorConfig {
  static final String FILE = "preprocessor_config.json";

  private PreprocessorConfig() {}

  /**
   * Reads it; without the file, pixels are as ImageNet's.
   *
   * @throws ModelException if it is malformed
   */
  static ImagePreprocessing read(Path folder, InternVLConfig config) {
    return read(
        folder,
        json ->
            new ImagePreprocessing(
                config.imageSize(),
                config.tiling(),
                numbers(json, "image_mean", ImagePreprocessing.IMAGENET_MEAN),
                numbers(json, "image_std", ImagePreprocessing.IMAGENET_DEVIATION)));
  }

  /**
   * The limits of a Qwen-VL's pictures; without the file, those of its processor.
   *
   * @throws ModelException if it is malformed
   */
  static QwenPreprocessing readQwen(Path folder) {
    SmartResize limits = QwenPreprocessing.DEFAULT.resize();
    return read(
        folder,
        json -> {
          ConfigReader config = new ConfigReader(json, "", FILE);
          requireSteps(config, List.of("do_resize", "do_rescale", "do_normalize"));
          Map.of("patch_size", 14, "temporal_patch_size", 2, "merge_size", 2)
              .forEach(
                  (key, value) -> {
                    if (config.positive(key, value) != value) {
                      throw new ModelException("%s: %s must be %d".formatted(FILE, key, value));
                    }
                  });
          ClipPreprocessing.ChannelLevels clip = ClipPreprocessing.ChannelLevels.CLIP;
          if (!numbers(json, "image_mean", clip.mean()).equals(clip.mean())
              || !numbers(json, "image_std", clip.deviation()).equals(clip.deviation())) {
            throw new ModelException("%s: image_mean and image_std must be CLIP's".formatted(FILE));
          }
          // Newer versions of the library write the limits as sizes.
          ConfigReader sizes = config.has("size") ? config.section("size") : config;
          return new QwenPreprocessing(
              new SmartResize(
                  limits.factor(),
                  config.positive(
                      "min_pixels", sizes.positive("shortest_edge", (int) limits.minPixels())),
                  config.positive(
                      "max_pixels", sizes.positive("longest_edge", (int) limits.maxPixels()))));
        });
  }

  /**
   * What CLIP sees of a picture; without the file, as it was trained.
   *
   * @param side of the vision model's input
   * @param padded true if pictures are made square by a border first
   * @throws ModelException if it is malformed, or asks for what is not known here
   */
  static ClipPreprocessing readClip(Path folder, int side, boolean padded) {
    return read(
        folder,
        json -> {
          ConfigReader config = new ConfigReader(json, "", FILE);
          requireSteps(
              config, List.of("do_resize", "do_center_crop", "do_rescale", "do_normalize"));
          if (config.integer("resample", 3) != 3
              || Math.abs(config.number("rescale_factor", 1 / 255.0) * 255 - 1) > 1e-9) {
            throw new ModelException(
                "%s: resample must be 3 and rescale_factor 1/255".formatted(FILE));
          }
          int crop = side(config, "crop_size", "height", side);
          if (crop != side) {
            throw new ModelException(
                "%s: pictures are cut to %d pixels, the vision model's have %d"
                    .formatted(FILE, crop, side));
          }
          ClipPreprocessing.ChannelLevels clip = ClipPreprocessing.ChannelLevels.CLIP;
          return new ClipPreprocessing(
              side(config, "size", "shortest_edge", side),
              crop,
              padded,
              new ClipPreprocessing.ChannelLevels(
                  numbers(json, "image_mean", clip.mean()),
                  numbers(json, "image_std", clip.deviation())));
        });
  }

  private static void requireSteps(ConfigReader config, List<String> steps) {
    for (String step : steps) {
      if (!config.truth(step, true)) {
        throw new ModelException("%s: %s must be true".formatted(FILE, step));
      }
    }
  }

  /** A number, or one of a section. */
  private static int side(ConfigReader config, String key, String within, int otherwise) {
    JsonNode value = config.node(key);
    return value != null && value.isObject()
        ? config.section(key).positive(within)
        : config.positive(key, otherwise);
  }

  private static <T> T read(Path folder, Function<JsonNode, T> of) {
    Path file = folder.resolve(FILE);
    try {
      return of.apply(
          Files.isRegularFile(file) ? Json.plain().readTree(file.toFile()) : Json.object());
    } catch (IOException | IllegalArgumentException e) {
      throw new ModelException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  private static List<Double> numbers(JsonNode json, String key, List<Double> otherwise) {
    if (!json.path(key).isArray()) {
      return otherwise;
    }
    List<Double> numbers = new ArrayList<>();
    json.path(key).forEach(number -> numbers.add(number.asDouble(Double.NaN)));
    return numbers;
  }

  static ObjectNode json(ImagePreprocessing preprocessing) {
    ObjectNode json = Json.object().put("do_normalize", true).put("do_resize", true);
    preprocessing.mean().forEach(json.putArray("image_mean")::add);
    preprocessing.deviation().forEach(json.putArray("image_std")::add);
    return json.put("resample", 3).put("size", preprocessing.size());
  }
}
