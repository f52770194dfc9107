package org.optmerge.merge.plan;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.TinyCheckpoint;
import org.optmerge.merge.recipe.RecipeParser;

/**
 * Planning is linear in the number of tensors: twice as many make twice the objects. What is
 * allocated counts operations without a clock; a loop over all tensors for each of them would
 * quadruple it.
 */
class PlanningGrowthTest {
  private static final int FEW = 1_500;

  @TempDir Path dir;

  static Stream<Arguments> experts() {
    return Stream.of(
        Arguments.of("the base's names", names("model.layers.%d.mlp.up_proj.weight"), ""),
        Arguments.of("other prefixes", names("module.model.layers.%d.mlp.up_proj.weight"), ""),
        Arguments.of("the inner model's names", names("layers.%d.mlp.up_proj.weight"), ""),
        Arguments.of(
            "tensors of its own beside the base's",
            twoOf("model.layers.%d.mlp.up_proj.weight", "extra.%d.weight"),
            "missing: skip\n"),
        Arguments.of(
            "embeddings in every layer",
            twoOf("model.layers.%d.mlp.up_proj.weight", "model.layers.%d.embed_tokens.weight"),
            "extra: copy\nmissing: skip\n"),
        Arguments.of(
            "half of the tensors",
            twoOf("model.layers.%d.mlp.up_proj.weight", ""),
            "missing: skip\n"));
  }

  private static IntFunction<String> names(String pattern) {
    return i -> pattern.formatted(i);
  }

  /** One name for even numbers, another for odd ones; empty for no tensor. */
  private static IntFunction<String> twoOf(String even, String odd) {
    return i -> (i % 2 == 0 ? even : odd).formatted(i);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("experts")
  void twice_the_tensors_are_twice_the_work(String name, IntFunction<String> names, String settings)
      throws IOException {
    allocated(64, names, settings); // loads the classes
    long few = allocated(FEW, names, settings);
    long twice = allocated(2 * FEW, names, settings);

    assertThat((double) twice / few).as(name).isBetween(1.3, 2.6);
  }

  private long allocated(int tensors, IntFunction<String> names, String settings)
      throws IOException {
    Path folder = Files.createDirectory(dir.resolve("of" + tensors));
    write(folder.resolve("base"), tensors, i -> "model.layers.%d.mlp.up_proj.weight".formatted(i));
    write(folder.resolve("x"), tensors, names);
    String recipe =
        """
        merge_method: task_arithmetic
        base_model: base
        models:
        - {model: x, parameters: {weight: 0.5}}
        """
            + settings;
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
    try (MergePlan plan = Planner.plan(RecipeParser.parse(recipe, "recipe", folder))) {
      assertThat(plan.tensors()).hasSizeGreaterThanOrEqualTo(tensors);
      return threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
    }
  }

  private static void write(Path folder, int tensors, IntFunction<String> names)
      throws IOException {
    TinyCheckpoint checkpoint = new TinyCheckpoint();
    for (int i = 0; i < tensors; i++) {
      String name = names.apply(i);
      if (!name.isEmpty()) {
        checkpoint.f32(name, List.of(1, 1), i);
      }
    }
    checkpoint.writeTo(
        folder,
        "{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], \"num_hidden_layers\": %d}"
            .formatted(tensors));
  }
}
