package org.optmerge.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.apiguardian.api.API;

/**
 * A family of models that can be opened. A family is one class that extends this one and has a
 * constructor without parameters, and one line with its name in {@code
 * META-INF/services/org.optmerge.model.Architecture}.
 */
@API(status = API.Status.EXPERIMENTAL)
public abstract class Architecture {
  private final String key;
  private final BiFunction<Path, Precision, MultimodalModel> opener;
  private final List<String> classes;

  /**
   * A family that has one precision, its own.
   *
   * @param key short name, such as {@code internvl2_5}
   * @param opener opens a folder with a model of this family
   * @param classes known values of {@code architectures} in {@code config.json}
   */
  protected Architecture(String key, Function<Path, MultimodalModel> opener, String... classes) {
    this(
        key,
        List.of(classes),
        (folder, precision) -> {
          if (precision != Precision.AUTO && precision != Precision.FLOAT32) {
            throw new ModelException(
                "%s: models of the family %s cannot be opened in %s; leave the precision out"
                    .formatted(folder, key, precision.key()));
          }
          return opener.apply(folder);
        });
  }

  /**
   * A family with several precisions.
   *
   * @param key short name, such as {@code internvl2_5}
   * @param classes known values of {@code architectures} in {@code config.json}
   * @param opener opens a folder with a model of this family
   */
  protected Architecture(
      String key, List<String> classes, BiFunction<Path, Precision, MultimodalModel> opener) {
    this.key = key;
    this.opener = opener;
    this.classes = List.copyOf(classes);
  }

  /** Short name, such as {@code internvl2_5}. */
  public final String key() {
    return key;
  }

  /** True if a {@code config.json} describes a model of this family. */
  public boolean describes(JsonNode config) {
    return classes.contains(config.path("architectures").path(0).asText());
  }

  /**
   * Opens a folder with a model of this family.
   *
   * @throws ModelException if the folder is not what its {@code config.json} says, or models of
   *     this family cannot be opened in this precision
   */
  public final MultimodalModel open(Path folder, Precision precision) {
    return opener.apply(folder, precision);
  }

  /** The families that are known, in the order of their registration. */
  public static List<Architecture> all() {
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
  public static Architecture of(Path folder) {
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
            + " or add a family: a class that extends %s, named in META-INF/services/%s"
                .formatted(Architecture.class.getSimpleName(), Architecture.class.getName()));
  }
}
