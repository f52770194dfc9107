package org.optmerge.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The vision model that a LLaVA in its original layout names in {@code config.json}: a folder of
 * its own, or known settings for a model that has the tensors itself.
 *
 * @param folder of the vision model; null if there is none
 * @param vision its settings
 */
record VisionTower(@Nullable Path folder, LlavaConfig.Vision vision) {
  /**
   * Finds it.
   *
   * @param model folder of the LLaVA
   * @param name as {@code mm_vision_tower} has it: a name on the hub or a path
   * @throws ModelException if it is nowhere and its settings are not known
   */
  static VisionTower of(Path model, String name) {
    for (Path folder : places(model, name)) {
      if (Files.isRegularFile(folder.resolve("config.json"))) {
        return new VisionTower(folder, ConfigReader.read(folder, VisionTower::settings));
      }
    }
    LlavaConfig.Vision published = LlavaConfig.published(name);
    if (published == null) {
      throw new ModelException(missing(model, name));
    }
    return new VisionTower(null, published);
  }

  /** How to give what is missing. */
  static String missing(Path model, String name) {
    return "config.json: the vision model is '%s', which is a folder of its own (config.json, model.safetensors, preprocessor_config.json); put it at one of %s, or name its path as mm_vision_tower"
        .formatted(name, places(model, name));
  }

  private static Set<Path> places(Path model, String name) {
    Path named = Path.of(name);
    @Nullable Path last = named.getFileName();
    Set<Path> places = new LinkedHashSet<>();
    if (named.isAbsolute()) {
      places.add(named);
    }
    Path folder = model.toAbsolutePath().normalize();
    places.add(folder.resolve(named));
    places.add(folder.resolveSibling(named));
    if (last != null) {
      places.add(folder.resolve(last));
      places.add(folder.resolveSibling(last));
    }
    return places;
  }

  /** A whole CLIP has them in a section. */
  private static LlavaConfig.Vision settings(JsonNode json) {
    ConfigReader config = new ConfigReader(json, "");
    return LlavaConfig.vision(
        config.has("vision_config") ? config.section("vision_config") : config);
  }
}
