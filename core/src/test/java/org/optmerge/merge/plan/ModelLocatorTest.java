package org.optmerge.merge.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.ModelReference;

class ModelLocatorTest {
  @TempDir Path dir;
  private ModelLocator locator;

  @BeforeEach
  void folders() throws IOException {
    Files.createDirectories(dir.resolve("recipes/near"));
    Files.createDirectories(dir.resolve("work/near"));
    Files.createDirectories(dir.resolve("work/far"));
    TestCheckpoints.adapter(dir.resolve("work/lora"), 2, 4).randomLora("q", 2, 2, 2, 1).write();
    Path model = dir.resolve("hub/models--acme--vl");
    Files.createDirectories(model.resolve("snapshots/abc"));
    Files.createDirectories(model.resolve("refs"));
    Files.writeString(model.resolve("refs/main"), "abc\n");
    locator =
        new ModelLocator(List.of(dir.resolve("recipes"), dir.resolve("work")), dir.resolve("hub"));
  }

  @Test
  void the_first_folder_that_has_the_path_decides() {
    assertThat(locator.locate("near").checkpoint()).isEqualTo(dir.resolve("recipes/near"));
    assertThat(locator.locate("./far").checkpoint()).isEqualTo(dir.resolve("work/far"));
    assertThat(locator.locate(dir.resolve("work/near").toString()).checkpoint())
        .isEqualTo(dir.resolve("work/near"));
  }

  @Test
  void an_adapter_stands_alone_or_after_a_plus() {
    assertThat(locator.locate("lora"))
        .isEqualTo(new ModelReference("lora", "lora", null, List.of(dir.resolve("work/lora"))));
    assertThat(locator.locate("far+lora"))
        .isEqualTo(
            new ModelReference(
                "far+lora", "far", dir.resolve("work/far"), List.of(dir.resolve("work/lora"))));
    assertThatThrownBy(() -> locator.locate("far+gone"))
        .hasMessageStartingWith("model 'far+gone': there is no 'gone'; looked at ");
    assertThat(locator.locate("far+lora+lora").adapters()).hasSize(2);
    assertThatThrownBy(() -> locator.locate("far+lora+gone"))
        .hasMessageStartingWith("model 'far+lora+gone': there is no 'gone'; looked at ");
  }

  @Test
  void a_hub_id_that_was_fetched_is_found_in_the_hub_s_cache() {
    Path snapshot = dir.resolve("hub/models--acme--vl/snapshots/abc");
    assertThat(locator.locate("acme/vl").checkpoint()).isEqualTo(snapshot);
    assertThat(locator.locate("acme/vl@abc").checkpoint()).isEqualTo(snapshot);
    assertThatThrownBy(() -> locator.locate("acme/other"))
        .hasMessage(
            "model 'acme/other' is not there; looked at %s and %s and %s; nothing is downloaded, so give the path of a folder"
                .formatted(
                    dir.resolve("recipes/acme/other"),
                    dir.resolve("work/acme/other"),
                    dir.resolve("hub/models--acme--other")));
  }
}
