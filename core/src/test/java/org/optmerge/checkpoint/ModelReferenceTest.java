package org.optmerge.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
        .isEqualTo(new ModelReference(base.toString(), base.toString(), base, null));
    assertThat(ModelReference.of(base + "+" + lora))
        .isEqualTo(new ModelReference(base + "+" + lora, base.toString(), base, lora));
  }

  @Test
  void an_adapter_may_stand_alone() {
    assertThat(ModelReference.of(lora.toString()).adapter()).isEqualTo(lora);
    assertThat(ModelReference.of(lora.toString()).checkpoint()).isNull();
  }

  @Test
  void says_which_folder_is_missing_or_of_the_wrong_kind() {
    assertThatThrownBy(() -> ModelReference.of(dir.resolve("gone").toString()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageEndingWith("gone' is not there; give the path of a folder, or BASE+ADAPTER");
    assertThatThrownBy(() -> ModelReference.of(base + "+" + base))
        .hasMessageContaining("is no adapter");
    assertThatThrownBy(() -> ModelReference.of(lora + "+" + lora))
        .hasMessageContaining("is an adapter itself");
  }
}
