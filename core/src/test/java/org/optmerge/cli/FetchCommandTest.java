package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.manifest.FaultyServer;
import org.optmerge.report.Project;

class FetchCommandTest {
  private static final byte[] CONTENT = "index\timage\tquestion\n".getBytes(StandardCharsets.UTF_8);

  @TempDir private Path folder;
  private FaultyServer server;

  @BeforeEach
  void start() throws IOException {
    server = new FaultyServer();
    server.on("/toy.tsv", FaultyServer.content(CONTENT, "\"t\""));
  }

  @AfterEach
  void stop() throws IOException {
    server.close();
  }

  private Path manifest(String path, String unpackInto) throws Exception {
    ObjectNode manifest =
        (ObjectNode)
            new ObjectMapper()
                .readTree(Files.readString(Project.file("data-manifests/ChartQA_TEST.json")));
    manifest.put("name", "toy");
    manifest.put("folder", "toy");
    ObjectNode source = (ObjectNode) manifest.at("/sources/0");
    source.put("url", server.uri("/" + path).toString());
    source.put("path", path);
    source.put("unpack_into", unpackInto);
    byte[] md5 = MessageDigest.getInstance("MD5").digest(CONTENT);
    if (path.endsWith(".tsv")) {
      source.put("md5", HexFormat.of().formatHex(md5));
    } else {
      source.putNull("md5");
      source.put("checksum_source", "not published");
    }
    return Files.writeString(folder.resolve("toy.json"), manifest.toString());
  }

  @Test
  void a_manifest_of_ones_own_is_fetched_and_verified() throws Exception {
    Path manifest = manifest("toy.tsv", null);

    CommandRun run = CommandRun.of("fetch", manifest, "--out", folder.resolve("data"));

    assertThat(run.err()).isEmpty();
    assertThat(run.code()).isZero();
    assertThat(folder.resolve("data/toy/toy.tsv")).hasBinaryContent(CONTENT);
    assertThat(run.out().lines())
        .containsExactly(
            "1 file fetched (21 B)".replace("21", "" + CONTENT.length),
            "toy: " + folder.resolve("data/toy"));
    assertThat(CommandRun.of("fetch", manifest, "--out", folder.resolve("data")).out())
        .startsWith("0 files fetched (0 B), 1 there before");
  }

  @Test
  void a_dry_run_shows_files_and_sizes_and_writes_nothing() throws Exception {
    CommandRun run =
        CommandRun.of(
            "fetch", manifest("toy.tsv", null), "--out", folder.resolve("data"), "--dry-run");

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains("toy.tsv", "absent", "MD5")
        .contains("to fetch: %d B; nothing was written".formatted(CONTENT.length));
    assertThat(folder.resolve("data")).doesNotExist();
  }

  @Test
  void the_result_is_json_if_asked_for() throws Exception {
    JsonNode result =
        CommandRun.of("fetch", manifest("toy.tsv", null), "--out", folder.resolve("data"), "--json")
            .json();

    assertThat(result.path("fetched").asInt()).isEqualTo(1);
    assertThat(result.path("dry_run").asBoolean()).isFalse();
    assertThat(result.at("/manifests/0/files/0/checksum").asText()).isEqualTo("MD5");
  }

  @Test
  void an_archive_is_unpacked_and_what_nobody_vouches_for_is_said() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.putNextEntry(new ZipEntry("val/1.txt"));
      zip.write(CONTENT);
    }
    server.on("/toy.zip", FaultyServer.content(bytes.toByteArray(), "\"z\""));
    Path manifest = manifest("toy.zip", "images");

    CommandRun run = CommandRun.of("fetch", manifest, "--out", folder.resolve("data"));

    assertThat(run.code()).isZero();
    assertThat(folder.resolve("data/toy/images/val/1.txt")).hasBinaryContent(CONTENT);
    assertThat(folder.resolve("data/toy/toy.zip")).doesNotExist();
    assertThat(run.out()).contains("1 file unpacked");
    assertThat(run.err()).contains("nobody publishes a checksum of toy.zip");
    assertThat(CommandRun.of("fetch", manifest, "--out", folder.resolve("data")).out())
        .startsWith("0 files fetched");
  }

  @Test
  void wrong_bytes_are_a_failure() throws Exception {
    server.on("/toy.tsv", FaultyServer.content(new byte[5], "\"x\""));

    CommandRun run =
        CommandRun.of("fetch", manifest("toy.tsv", null), "--out", folder.resolve("data"));

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("its content is not what was published").hasLineCount(1);
    assertThat(folder.resolve("data/toy/toy.tsv")).doesNotExist();
  }

  @Test
  void a_misspelt_name_is_a_wrong_command_line_with_a_suggestion() {
    CommandRun run = CommandRun.of("fetch", "ChartQA_TST");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err())
        .startsWith("optmerge: no manifest 'ChartQA_TST'; did you mean 'ChartQA_TEST'?")
        .hasLineCount(1);
  }

  @Test
  void a_description_tells_what_to_get_by_hand_and_is_not_a_success() {
    CommandRun run = CommandRun.of("fetch", "table1-chart", "--out", folder);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("table1-chart: a part has to be got by hand: https://");
  }

  @Test
  void no_file_at_a_time_is_a_wrong_command_line() {
    CommandRun run = CommandRun.of("fetch", "VizWiz", "--parallel", "0", "--out", folder);

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("--parallel must be at least 1, is 0");
  }

  @Test
  void a_manifest_with_a_mistake_says_where() throws Exception {
    Path file = Files.writeString(folder.resolve("bad.json"), "{\"name\": \"x\"}");

    CommandRun run = CommandRun.of("fetch", file, "--out", folder);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).startsWith("optmerge: ").contains("bad.json: ").hasLineCount(1);
  }
}
