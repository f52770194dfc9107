package org.optmerge.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ProxySelector;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.base.Progress;

/**
 * Servers and files that lie: no length stands for content where nothing is published, what came of
 * another content is not joined, and no loop trusts the other side to end.
 */
@Tag("faults")
@Timeout(120)
class HostileServerTest {
  private static final byte[] A = bytes(1, 60_000);
  private static final byte[] B = bytes(2, 60_000);

  @TempDir private Path data;
  private FaultyServer server;

  @BeforeEach
  void start() throws IOException {
    server = new FaultyServer();
  }

  @AfterEach
  void stop() throws IOException {
    server.close();
  }

  private static byte[] bytes(int seed, int count) {
    byte[] bytes = new byte[count];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private FetchOptions options(Duration stall) {
    return new FetchOptions(
        2,
        stall.toSeconds() < 1 ? 0 : 2,
        Duration.ofMillis(1),
        Duration.ofSeconds(1),
        stall,
        server.uri(""),
        null,
        ProxySelector.of(null));
  }

  private static Manifest manifest(Source source) {
    return new Manifest(
        "toy",
        Manifest.Kind.BENCHMARK,
        "Toy",
        "A toy.",
        List.of(),
        null,
        null,
        new Manifest.Licence("MIT", null, null),
        null,
        "toy",
        null,
        List.of(source),
        List.of(),
        List.of(),
        List.of());
  }

  private Source.WebFile file(String path, @Nullable Long size, @Nullable String unpackInto) {
    return new Source.WebFile(
        server.uri("/" + path), path, size, null, null, "not published", unpackInto);
  }

  private Fetcher.Report fetch(Source source, Duration stall) {
    try (Fetcher fetcher = new Fetcher(options(stall))) {
      FetchPlan plan = fetcher.plan(manifest(source), data.resolve("toy"), List.of());
      return fetcher.run(List.of(plan), Progress.NONE);
    }
  }

  private Fetcher.Report fetch(Source source) {
    return fetch(source, Duration.ofSeconds(20));
  }

  /** The rest of B for who has half of A. */
  private static FaultyServer.Answer other(String... headers) {
    return (request, response) -> {
      int from = request.from();
      if (from == 0) {
        response.begin(200, "ETag: \"b\"", "Content-Length: " + B.length);
        response.body(B, 0, B.length);
        return;
      }
      String[] all = Arrays.copyOf(headers, headers.length + 2);
      all[headers.length] = "Content-Range: bytes %d-%d/%d".formatted(from, B.length - 1, B.length);
      all[headers.length + 1] = "Content-Length: " + (B.length - from);
      response.begin(206, all);
      response.body(B, from, B.length);
    };
  }

  static Stream<Arguments> rests() {
    return Stream.of(
        Arguments.of("another ETag", other("ETag: \"b\"")),
        Arguments.of("a date instead", other("Last-Modified: Mon, 30 Nov 2026 08:00:00 GMT")),
        Arguments.of("a weak ETag", other("ETag: W/\"a\"")),
        Arguments.of("no mark at all", other()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rests")
  void the_rest_of_another_content_is_not_joined_to_what_has_come(
      String what, FaultyServer.Answer rest) throws IOException {
    server.onTurn(
        "/f.bin", turn -> turn == 0 ? FaultyServer.broken(A, "\"a\"", A.length / 2) : rest);

    fetch(file("f.bin", null, null));

    assertThat(data.resolve("toy/f.bin")).hasBinaryContent(B);
  }

  @Test
  void a_rest_of_another_total_length_is_not_joined() {
    byte[] longer = Arrays.copyOf(B, B.length + 10);
    server.onTurn(
        "/f.bin",
        turn ->
            turn == 0
                ? FaultyServer.broken(A, "\"a\"", A.length / 2)
                : FaultyServer.content(longer, "\"a\""));

    fetch(file("f.bin", null, null));

    assertThat(data.resolve("toy/f.bin")).hasBinaryContent(longer);
  }

  @Test
  void what_nobody_has_measured_is_told_as_unchecked() {
    server.onTurn(
        "/f.bin",
        turn ->
            (request, response) -> {
              response.begin(200, "ETag: \"a\"");
              response.body(A, 0, A.length / 2);
            });

    assertThat(fetch(file("f.bin", null, null)).unmeasured()).containsExactly("f.bin");
  }

  static Stream<Arguments> noFiles() {
    return Stream.of(
        Arguments.of(204, "", "HTTP 204"),
        Arguments.of(205, "", "HTTP 205"),
        Arguments.of(206, "", "HTTP 206"),
        Arguments.of(200, "<html>Sign in</html>", "a web page"),
        Arguments.of(200, "<!-- x --><!DOCTYPE HTML><title>Log in</title>", "Log in"),
        Arguments.of(200, "version https://git-lfs.github.com/spec/v1\n", "pointer"));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("noFiles")
  void what_is_no_file_is_refused_though_nobody_has_published_a_checksum(
      int status, String body, String said) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    server.onTurn(
        "/f.tsv",
        turn ->
            (request, response) -> {
              response.begin(
                  status,
                  status == 204 ? "X-None: 1" : "Content-Length: " + bytes.length,
                  "Content-Type: text/html");
              response.body(bytes, 0, bytes.length);
            });

    assertThatThrownBy(() -> fetch(file("f.tsv", null, null)))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining(said);
    assertThat(data.resolve("toy/f.tsv")).doesNotExist();
  }

  @Test
  void a_body_that_is_encoded_is_refused() throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
      gzip.write("a\tb\n".getBytes(StandardCharsets.UTF_8));
    }
    server.onTurn(
        "/f.tsv",
        turn ->
            (request, response) -> {
              response.begin(200, "Content-Encoding: gzip", "Content-Length: " + packed.size());
              response.body(packed.toByteArray(), 0, packed.size());
            });

    assertThatThrownBy(() -> fetch(file("f.tsv", null, null)))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("gzip");
  }

  @Test
  void a_connection_over_which_next_to_nothing_comes_is_given_up() {
    server.onTurn(
        "/f.bin",
        turn ->
            (request, response) -> {
              response.begin(200, "ETag: \"a\"", "Content-Length: 1000000000");
              for (int i = 0; i < 10_000; i++) {
                response.body(A, i % A.length, i % A.length + 1);
                pause(10);
              }
            });

    assertThatThrownBy(() -> fetch(file("f.bin", null, null), Duration.ofMillis(400)))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("next to nothing");
  }

  private static void pause(int milliseconds) throws IOException {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {301, 302, 303, 307, 308})
  void redirects_in_a_circle_end(int status) {
    server.on(
        "/f.bin",
        (request, response) ->
            response.begin(status, "Location: " + server.uri("/f.bin"), "Content-Length: 0"));

    assertThatThrownBy(() -> fetch(file("f.bin", 5L, null)))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("redirects more than");
  }

  private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  private Source.Hub hub() {
    return new Source.Hub(
        "owner/toy", Source.Hub.RepositoryType.MODEL, COMMIT, List.of(), List.of());
  }

  private FaultyServer.Answer listing(int[] count, String link) {
    return (request, response) -> {
      int number = count[0]++;
      String path = link.equals("%d") ? "f%d".formatted(number) : "f";
      byte[] page =
          "[{\"type\":\"file\",\"path\":\"%s\",\"size\":1,\"oid\":\"%s\"}]"
              .formatted(path, COMMIT)
              .getBytes(StandardCharsets.UTF_8);
      URI next =
          server.uri(request.path().replaceFirst("\\?.*", "?cursor=" + link.formatted(number)));
      response.begin(
          200, "Link: <%s>; rel=\"next\"".formatted(next), "Content-Length: " + page.length);
      response.body(page, 0, page.length);
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"same", "1%d"})
  void a_listing_that_goes_on_with_nothing_new_ends(String link) {
    int[] count = new int[1];
    server.on("/api/models/owner/toy/tree/" + COMMIT, listing(count, link));

    assertThatThrownBy(() -> fetch(hub()))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("nothing new");
    assertThat(count[0]).isEqualTo(2);
  }

  @Test
  void a_listing_that_trickles_is_given_up() {
    server.on(
        "/api/models/owner/toy/tree/" + COMMIT,
        (request, response) -> {
          response.begin(200, "Content-Type: application/json");
          for (int i = 0; i < 10_000; i++) {
            response.body(" ".getBytes(StandardCharsets.UTF_8), 0, 1);
            pause(10);
          }
        });

    assertThatThrownBy(() -> fetch(hub(), Duration.ofMillis(400)))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("the listing had not come");
  }

  // ---- archives

  private static byte[] zip(int method, byte[] content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      ZipEntry entry = new ZipEntry("a.txt");
      CRC32 crc = new CRC32();
      crc.update(content);
      entry.setMethod(method);
      entry.setSize(content.length);
      entry.setCompressedSize(method == ZipEntry.STORED ? content.length : -1);
      entry.setCrc(crc.getValue());
      zip.putNextEntry(entry);
      zip.write(content);
    }
    return bytes.toByteArray();
  }

  @Test
  void a_member_without_its_crc_is_refused_and_the_archive_is_fetched_again() throws IOException {
    byte[] sound = zip(ZipEntry.STORED, A);
    byte[] damaged = sound.clone();
    damaged[200] ^= 1;
    server.onTurn(
        "/a.zip", turn -> FaultyServer.content(turn == 0 ? damaged : sound, "\"" + turn + "\""));

    assertThatThrownBy(() -> fetch(file("a.zip", null, "a")))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("CRC-32");
    assertThat(data.resolve("toy/a")).doesNotExist();
    fetch(file("a.zip", null, "a"));
    assertThat(data.resolve("toy/a/a.txt")).hasBinaryContent(A);
  }

  @Test
  void an_archive_that_came_whole_is_not_fetched_again_when_unpacking_was_stopped()
      throws IOException {
    byte[] zip = zip(ZipEntry.DEFLATED, A);
    server.on("/a.zip", FaultyServer.content(zip, "\"1\""));
    Path folder = Files.createDirectories(data.resolve("toy"));
    Files.createDirectories(folder.resolve("a")); // what is there keeps it from being unpacked
    assertThatThrownBy(() -> fetch(file("a.zip", (long) zip.length, "a")))
        .isInstanceOf(FetchException.class);
    Files.delete(folder.resolve("a"));
    Files.write(folder.resolve("a.zip"), zip);
    Files.setLastModifiedTime(
        folder.resolve("a.zip"), java.nio.file.attribute.FileTime.fromMillis(1));
    int before = server.gets("/a.zip").size();

    fetch(file("a.zip", (long) zip.length, "a"));

    assertThat(server.gets("/a.zip")).hasSize(before);
    assertThat(folder.resolve("a/a.txt")).hasBinaryContent(A);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null",
        "[]",
        "",
        "{\"files\":[{\"path\":null}]}",
        "{\"files\":[null]}",
        "{\"commits\":null,\"files\":null}",
        "\u0000\u0000"
      })
  void damage_in_the_receipt_or_in_the_tags_of_a_part_is_passed_over(String content)
      throws IOException {
    server.on("/f.bin", FaultyServer.content(A, "\"a\""));
    Path folder = Files.createDirectories(data.resolve("toy"));
    Files.writeString(folder.resolve("optmerge-fetch.json"), content);
    Files.writeString(folder.resolve("f.bin.part"), "old");
    Files.writeString(folder.resolve("f.bin.part.json"), content.replace("files", "url"));

    fetch(file("f.bin", (long) A.length, null));

    assertThat(folder.resolve("f.bin")).hasBinaryContent(A);
  }

  @Test
  void a_fetched_file_that_was_changed_since_is_not_taken_for_what_came() throws IOException {
    server.on("/f.bin", FaultyServer.content(A, "\"a\""));
    fetch(file("f.bin", (long) A.length, null));
    Path file = data.resolve("toy/f.bin");
    Files.write(file, B);

    assertThat(fetch(file("f.bin", (long) A.length, null)).fetched()).isEqualTo(1);

    assertThat(file).hasBinaryContent(A);
  }

  @ParameterizedTest
  @ValueSource(strings = {"7zEuZfw=", "bnVsbA==", "W10=", "eyJuYW1lIjoge319", ""})
  void a_manifest_that_is_none_is_named_without_a_class_of_ours(String base64) throws IOException {
    Path file = data.resolve("odd.json");
    Files.write(file, java.util.Base64.getDecoder().decode(base64));

    assertThatThrownBy(() -> Manifests.read(file))
        .isInstanceOf(ManifestException.class)
        .hasMessageContaining("odd.json")
        .message()
        .doesNotContain("org.optmerge", "java.", "Input length");
  }
}
