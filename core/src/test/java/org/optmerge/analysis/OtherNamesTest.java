package org.optmerge.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.merge.Folders;
import org.optmerge.merge.Folders.Values;

/** A fine-tune under other names is compared and extracted as one under the base's. */
class OtherNamesTest {
  @TempDir private Path dir;
  private Folders folders;
  private Map<String, Values> base;
  private Map<String, Values> tuned;

  @BeforeEach
  void models() {
    folders = new Folders(dir);
    base = folders.llama();
    tuned = folders.tuned(base);
    folders.model("base", base);
    folders.model("same", tuned);
    Map<String, Values> renamed = new LinkedHashMap<>();
    tuned.forEach(
        (name, values) ->
            renamed.put(name.replaceFirst("^model\\.", "model.language_model."), values));
    folders.model("renamed", renamed);
  }

  private TaskVectorStatistics statistics(String model) {
    return TaskVectorStatistics.of(
        dir.resolve("base"), Map.of("x", dir.resolve(model)), name -> true, 1, Progress.NONE);
  }

  @Test
  void the_difference_is_the_same_under_both() {
    TaskVectorStatistics renamed = statistics("renamed");
    assertThat(renamed.omissions()).isEmpty();
    assertThat(renamed.total().experts().get(0).norm())
        .isEqualTo(statistics("same").total().experts().get(0).norm());
  }

  @Test
  void an_adapter_made_of_it_has_the_base_s_names() {
    LoraExtraction.Result result =
        LoraExtraction.run(
            dir.resolve("base"),
            dir.resolve("renamed"),
            8,
            name -> true,
            name -> true,
            dir.resolve("lora"),
            1,
            Progress.NONE);

    assertThat(result.lost()).isEmpty();
    try (LoraAdapter adapter = LoraAdapter.open(dir.resolve("lora"))) {
      assertThat(adapter.deltas()).containsKeys(Folders.QUERY, Folders.UP);
      assertThat(adapter.replacements()).containsKey(Folders.EMBED);
    }
    assertThat(folders.merge(Folders.add("base+lora")).get(Folders.UP).values())
        .containsExactly(tuned.get(Folders.UP).values(), within(1e-4f));
  }

  @Test
  void names_that_fit_in_two_ways_are_refused() {
    String rest = "layers.0.self_attn.q_proj.weight";
    folders.model(
        "base",
        Map.of("encoder." + rest, folders.random(4, 4), "decoder." + rest, folders.random(4, 4)));
    folders.model("same", Map.of(rest, folders.random(4, 4)));

    assertThatThrownBy(() -> statistics("same"))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("fit in two ways")
        .hasMessageContaining("save one of them under the other's names");
  }
}
