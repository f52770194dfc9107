package org.optmerge.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.manifest.DataFolder.Presence;

class DataFolderTest {
  @TempDir private Path root;

  private static Manifest named(String name) {
    return Manifests.shipped().find(name).orElseThrow();
  }

  @Test
  void the_environment_says_where_data_is() {
    assertThat(DataFolder.ofEnvironment(Map.of("OPTMERGE_DATA", "/data")).root())
        .isEqualTo(Path.of("/data"));
    assertThat(DataFolder.ofEnvironment(Map.of("XDG_CACHE_HOME", "/cache")).root())
        .isEqualTo(Path.of("/cache/optmerge"));
    assertThat(DataFolder.ofEnvironment(Map.of()).root())
        .isEqualTo(Path.of(System.getProperty("user.home"), ".cache", "optmerge"));
  }

  @Test
  void a_checkpoint_has_the_folder_of_its_name_on_the_hub() {
    assertThat(new DataFolder(root).of(named("InternVL2_5-1B")))
        .isEqualTo(root.resolve("OpenGVLab/InternVL2_5-1B"));
  }

  @Test
  void files_put_there_by_hand_count() throws IOException {
    Manifest manifest = named("ChartQA_TEST");
    DataFolder data = new DataFolder(root);
    assertThat(data.presence(manifest)).isEqualTo(Presence.ABSENT);

    Files.createDirectories(data.of(manifest));
    Files.writeString(data.of(manifest).resolve("ChartQA_TEST.tsv.part"), "x");
    assertThat(data.presence(manifest)).isEqualTo(Presence.PARTIAL);

    Files.writeString(data.of(manifest).resolve("ChartQA_TEST.tsv"), "x");
    assertThat(data.presence(manifest)).isEqualTo(Presence.PRESENT);
  }

  @Test
  void what_was_fetched_and_is_gone_is_missed() throws IOException {
    Manifest manifest = named("InternVL2_5-1B");
    DataFolder data = new DataFolder(root);
    Path folder = Files.createDirectories(data.of(manifest));
    Files.writeString(folder.resolve("a"), "x");
    new Receipt(
            manifest.name(),
            Map.of("OpenGVLab/InternVL2_5-1B", "0".repeat(40)),
            true,
            List.of(new Receipt.Entry("a", "u", 1, "s", null, 0, null)))
        .writeTo(folder);
    assertThat(data.presence(manifest)).isEqualTo(Presence.PRESENT);

    Files.writeString(folder.resolve("a"), "xx");
    assertThat(data.presence(manifest)).isEqualTo(Presence.PARTIAL);
  }

  @Test
  void a_damaged_receipt_is_no_receipt() throws IOException {
    Files.writeString(root.resolve(Receipt.NAME), "{\"files\": [");

    assertThat(Receipt.of(root)).isEmpty();
  }

  @Test
  void files_are_found_by_pattern_and_where_other_programs_keep_them() throws IOException {
    Manifest manifest = named("ChartQA_TEST");
    DataFolder data = new DataFolder(root);
    Path elsewhere = Files.writeString(root.resolve("ChartQA_TEST.tsv"), "x");
    assertThat(data.find(manifest, List.of("ChartQA_TEST.tsv"))).containsExactly(elsewhere);

    Files.createDirectories(data.of(manifest).resolve("data"));
    Path second = Files.writeString(data.of(manifest).resolve("data/val-1.parquet"), "x");
    Path first = Files.writeString(data.of(manifest).resolve("data/val-0.parquet"), "x");
    assertThat(data.find(manifest, List.of("data/val-*.parquet"))).containsExactly(first, second);
  }
}
