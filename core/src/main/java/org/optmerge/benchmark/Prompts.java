package org.optmerge.benchmark;

import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import org.optmerge.base.Json;

/**
 * The prompts of each evaluation kit for each model: the text around a question, the length of an
 * answer and the pixels of an image. The texts are facts of the kits, in {@code prompts.json}.
 */
public final class Prompts {
  private Prompts() {}

  /** All prompts. */
  public static List<KitPrompt> all() {
    try (InputStream in = Prompts.class.getResourceAsStream("prompts.json")) {
      if (in == null) {
        throw new IllegalStateException("prompts.json is not on the class path");
      }
      return Json.snakeCase().readValue(in, new TypeReference<List<KitPrompt>>() {});
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The prompt of a model for the questions of a benchmark.
   *
   * @param model {@code internvl2_5} or {@code qwen2_vl}
   * @param benchmark its name, which tells the kit
   * @return empty if the paper does not ask this model these questions
   */
  public static Optional<KitPrompt> find(String model, String benchmark) {
    return all().stream()
        .filter(prompt -> prompt.model().equals(model) && prompt.benchmarks().contains(benchmark))
        .findFirst();
  }
}
