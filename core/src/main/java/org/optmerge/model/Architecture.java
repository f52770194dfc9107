package org.optmerge.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;

/**
 * A family of models that can be opened. A family is one class that implements this interface, and
 * one line with its name in {@code META-INF/services/org.optmerge.model.Architecture}.
 */
public interface Architecture {
  /** Short name, such as {@code internvl2_5}. */
  String key();

  /** True if a {@code config.json} describes a model of this family. */
  boolean describes(JsonNode config);

  /**
   * Opens a folder with a model of this family.
   *
   * @throws ModelException if the folder is not what its {@code config.json} says
   */
  MultimodalModel open(Path folder);

  /** The families that are known, in the order of their registration. */
  static List<Architecture> all() {
    return ServiceLoader.load(Architecture.class, Architecture.class.getClassLoader()).stream()
        .map(ServiceLoader.Provider::get)
        .toList();
  }

  /**
   * The family of the model in a folder.
   *
   * @throws ModelException if {@code config.json} is not there or describes a model of no known
   *     family; the message names what it describes and what is known
   */
  static Architecture of(Path folder) {
    return ConfigReader.read(
        folder,
        config ->
            all().stream()
                .filter(family -> family.describes(config))
                .findFirst()
                .orElseThrow(() -> unknown(config)));
  }

  private static ModelException unknown(JsonNode config) {
    JsonNode found = config.path("architectures").path(0);
    return new ModelException(
        "config.json: the architecture is %s (model_type %s), known families: %s; open a folder of one of these,"
                .formatted(
                    found.isTextual() ? "'" + found.asText() + "'" : "missing",
                    config.path("model_type").asText("missing"),
                    String.join(", ", all().stream().map(Architecture::key).toList()))
            + " or add a family: a class that implements %s, named in META-INF/services/%s"
                .formatted(Architecture.class.getSimpleName(), Architecture.class.getName()));
  }
}
