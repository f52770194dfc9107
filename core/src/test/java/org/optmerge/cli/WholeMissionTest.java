package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.standin.StandInWorld;

/**
 * The paper's tables 2 and 3 from end to end by the command lines of the README, in a small world:
 * fetch, merge by each method, choose λ, ask ten data sets, print beside the published numbers.
 */
@Tag("slow")
class WholeMissionTest {
  @TempDir private Path folder;

  /** The command line, as users have it: in a process of its own, with its environment. */
  private static void run(StandInWorld world, Object... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx1g", "-XX:+UseSerialGC", "-cp"));
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.add(Main.class.getName());
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("HF_ENDPOINT", world.hub().address().toString());
    builder.environment().put("OPTMERGE_DATA", world.data().toString());
    builder.environment().keySet().removeIf(name -> name.toLowerCase().endsWith("_proxy"));
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(said).isZero();
  }

  @Test
  void tables_2_and_3_are_made_from_what_a_hub_publishes() throws Exception {
    try (StandInWorld world = new StandInWorld(folder, 20)) {
      List<Object> fetch = new ArrayList<>(List.of("fetch"));
      fetch.addAll(world.internVl());
      fetch.addAll(world.qwen2Vl());
      fetch.addAll(world.dataSets());
      run(world, fetch.toArray());

      Path out = folder.resolve("reproduction");
      List<Object> reproduce =
          List.of(
              "reproduce",
              "table2",
              "table3",
              "--real",
              "--models",
              world.data(),
              "--data",
              world.data(),
              "--limit",
              2,
              "--validation-limit",
              1,
              "--out",
              out,
              "--json");
      CommandRun first = CommandRun.of(reproduce.toArray());

      assertThat(first.code()).as(first.err()).isZero();
      JsonNode rows = first.json().at("/table2/rows");
      assertThat(rows).hasSize(15);
      assertThat(first.json().at("/table3/rows")).hasSize(16);
      assertThat(rows.findValuesAsText("label"))
          .startsWith("InternVL2.5-Instruct", "Individual VQA")
          .endsWith("WUDI Merging", "OptMerge");
      for (JsonNode row : rows) {
        assertThat(row.path("cells")).as(row.path("label").asText()).hasSize(10);
      }
      assertThat(Files.readString(out.resolve("table2-real.md")))
          .contains("OptMerge", "RefCOCOg", "As published");
      shards(out);

      // Rows that are there are not made again.
      Files.delete(out.resolve("table2-real/OptMerge/row.json"));
      CommandRun second = CommandRun.of(reproduce.toArray());
      assertThat(second.code()).as(second.err()).isZero();
      assertThat(second.json()).isEqualTo(first.json());
    }
  }

  /** Each kit's own file of one row is there. */
  private static void shards(Path out) throws IOException {
    assertThat(out.resolve("table2-real/OptMerge/VizWiz/OptMerge_VizWiz.xlsx")).isNotEmptyFile();
    assertThat(out.resolve("table2-real/OptMerge/refcoco_val/OptMerge_refcoco_val.json"))
        .isNotEmptyFile();
    assertThat(
            out.resolve(
                "table3-real/OptMerge/refcoco_bbox_rec_val/OptMerge_samples_refcoco_bbox_rec_val.jsonl"))
        .isNotEmptyFile();
    try (var files = Files.walk(out)) {
      assertThat(files.filter(file -> file.toString().endsWith(".part"))).isEmpty();
    }
  }
}
