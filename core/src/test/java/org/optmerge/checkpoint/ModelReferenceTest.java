package org.optmerge.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelReferenceTest {
  @TempDir Path dir;
  private Path base;
  private Path lora;

  @BeforeEach
  void folders() throws IOException {
    base = Files.createDirectories(dir.resolve("base+1"));
    lora = Files.createDirectories(dir.resolve("lora"));
    Files.writeString(lora.resolve("adapter_config.json"), "{}");
  }

  @Test
  void a_plus_may_be_part_of_a_name() {
    assertThat(ModelReference.of(base.toString()))
        .isEqualTo(new ModelReference(base.toString(), base.toString(), base, List.of()));
    assertThat(ModelReference.of(base + "+" + lora))
        .isEqualTo(new ModelReference(base + "+" + lora, base.toString(), base, List.of(lora)));
  }

  @Test
  void an_adapter_may_stand_alone() {
    assertThat(ModelReference.of(lora.toString()).adapters()).containsExactly(lora);
    assertThat(ModelReference.of(lora.toString()).checkpoint()).isNull();
  }

  @Test
  void says_which_folder_is_missing_or_of_the_wrong_kind() {
    assertThatThrownBy(() -> ModelReference.of(dir.resolve("gone").toString()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageEndingWith("gone' is not there; give the path of a folder, or BASE+ADAPTER");
    assertThatThrownBy(() -> ModelReference.of(base + "+" + base))
        .hasMessageContaining("is no adapter");
  }

  @Test
  void adapters_may_stand_behind_each_other() throws IOException {
    Path second = Files.createDirectories(dir.resolve("second"));
    Files.writeString(second.resolve("adapter_config.json"), "{}");
    String adapters = lora + "+" + second + "+" + lora;

    ModelReference whole = ModelReference.of(base + "+" + adapters);
    assertThat(whole.base()).isEqualTo(base.toString());
    assertThat(whole.folders()).containsExactly(base, lora, second, lora);
    assertThat(ModelReference.of(adapters).checkpoint()).isNull();
    assertThat(ModelReference.of(adapters).folders()).containsExactly(lora, second, lora);
    assertThatThrownBy(() -> ModelReference.of(base + "+" + lora + "+" + base))
        .hasMessageContaining("is no adapter");
  }
}
