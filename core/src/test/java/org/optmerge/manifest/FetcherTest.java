package org.optmerge.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ProxySelector;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.base.Progress;
import org.optmerge.manifest.DataFolder.Presence;
import org.optmerge.manifest.FetchPlan.State;

class FetcherTest {
  private static final String TAG = "\"first\"";

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

  private FetchOptions options() {
    return new FetchOptions(
        2,
        3,
        Duration.ofMillis(1),
        Duration.ofSeconds(3),
        Duration.ofSeconds(20),
        server.uri(""),
        "hf_secret",
        ProxySelector.of(null));
  }

  private static byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    new Random(count).nextBytes(bytes);
    return bytes;
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static Manifest manifest(Source... sources) {
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
        List.of(sources),
        List.of(),
        List.of(),
        List.of());
  }

  private Source.WebFile file(String path, @Nullable Long size, @Nullable String sha256) {
    return new Source.WebFile(
        server.uri("/" + path),
        path,
        size,
        sha256,
        null,
        sha256 == null ? "not published" : "the test",
        null);
  }

  private Path folder() {
    return data.resolve("toy");
  }

  private Fetcher.Report fetch(FetchOptions options, Manifest manifest) {
    try (Fetcher fetcher = new Fetcher(options)) {
      return fetcher.run(List.of(fetcher.plan(manifest, folder(), List.of())), Progress.NONE);
    }
  }

  private void assertNothingLooksFinished() throws IOException {
    if (Files.exists(folder())) {
      try (var files = Files.walk(folder())) {
        assertThat(files.filter(Files::isRegularFile).map(Path::toString))
            .allMatch(name -> name.endsWith(".part") || name.endsWith(".part.json"));
      }
    }
  }

  @Test
  void a_file_is_fetched_verified_and_listed_in_the_receipt() throws IOException {
    byte[] content = bytes(300_000);
    server.on("/a.bin", FaultyServer.content(content, TAG));
    Manifest manifest = manifest(file("a.bin", 300_000L, sha256(content)));

    Fetcher.Report report = fetch(options(), manifest);

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
    assertThat(report).isEqualTo(new Fetcher.Report(1, 0, 300_000, List.of(), List.of(), 0));
    assertThat(Receipt.of(folder()).orElseThrow().files())
        .singleElement()
        .satisfies(
            entry -> {
              assertThat(entry.sha256()).isEqualTo(sha256(content));
              assertThat(entry.verified()).isEqualTo("SHA-256");
            });
    assertThat(new DataFolder(data).presence(manifest)).isEqualTo(Presence.PRESENT);
    try (var files = Files.list(folder())) {
      assertThat(files).hasSize(2); // nothing but the file and the receipt
    }
  }

  @Test
  void what_is_there_is_not_fetched_again() {
    byte[] content = bytes(1000);
    server.on("/a.bin", FaultyServer.content(content, TAG));
    Manifest manifest = manifest(file("a.bin", null, sha256(content)));
    fetch(options(), manifest);
    int asked = server.requests().size();

    Fetcher.Report again = fetch(options(), manifest);

    assertThat(again.fetched()).isZero();
    assertThat(again.present()).isEqualTo(1);
    assertThat(server.requests()).hasSize(asked);
  }

  @Test
  void a_file_that_was_changed_since_is_fetched_again() throws IOException {
    byte[] content = bytes(1000);
    server.on("/a.bin", FaultyServer.content(content, TAG));
    Manifest manifest = manifest(file("a.bin", null, sha256(content)));
    fetch(options(), manifest);
    Files.write(folder().resolve("a.bin"), bytes(1001));

    fetch(options(), manifest);

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
  }

  @Test
  void a_dropped_connection_is_resumed_where_it_broke() {
    byte[] content = bytes(1_000_000);
    server.onTurn(
        "/a.bin",
        turn ->
            turn < 3
                ? FaultyServer.broken(content, TAG, 300_000)
                : FaultyServer.content(content, TAG));
    Manifest manifest = manifest(file("a.bin", null, sha256(content)));

    fetch(options(), manifest);

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
    List<FaultyServer.Request> gets = server.gets("/a.bin");
    assertThat(gets).hasSize(4);
    assertThat(gets).extracting(FaultyServer.Request::from).isSorted().doesNotHaveDuplicates();
    assertThat(gets.get(3).from()).isGreaterThan(0);
    assertThat(gets.get(3).header("If-Range")).isEqualTo(TAG);
  }

  @Test
  void progress_gained_makes_retries_count_anew() {
    byte[] content = bytes(400_000);
    server.onTurn("/a.bin", turn -> FaultyServer.broken(content, TAG, 40_000));

    fetch(options(), manifest(file("a.bin", null, sha256(content))));

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
    assertThat(server.gets("/a.bin").size()).isGreaterThan(4); // more than one try and 3 retries
  }

  @Test
  void a_later_run_goes_on_from_the_part_of_an_earlier_one() throws IOException {
    byte[] content = bytes(500_000);
    server.onTurn(
        "/a.bin",
        turn ->
            turn == 0
                ? FaultyServer.broken(content, TAG, 200_000)
                : turn < 5 ? FaultyServer.status(503) : FaultyServer.content(content, TAG));
    Manifest manifest = manifest(file("a.bin", null, sha256(content)));

    assertThatThrownBy(() -> fetch(options(), manifest))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("HTTP 503")
        .hasMessageContaining("tried 4 times")
        .hasMessageContaining("goes on from there");
    assertNothingLooksFinished();
    assertThat(new DataFolder(data).presence(manifest)).isEqualTo(Presence.PARTIAL);

    fetch(options(), manifest);

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
    List<FaultyServer.Request> gets = server.gets("/a.bin");
    assertThat(gets.get(gets.size() - 1).from()).isEqualTo(200_000);
  }

  @Test
  void a_content_that_changed_between_two_attempts_is_fetched_anew() {
    byte[] before = bytes(500_000);
    byte[] after = bytes(500_001);
    server.onTurn(
        "/a.bin",
        turn ->
            turn == 0
                ? FaultyServer.broken(before, TAG, 200_000)
                : FaultyServer.content(after, "\"second\""));

    fetch(options(), manifest(file("a.bin", null, null)));

    assertThat(folder().resolve("a.bin")).hasBinaryContent(after);
  }

  @Test
  void a_server_that_ignores_ranges_sends_it_all_again() {
    byte[] content = bytes(500_000);
    server.onTurn(
        "/a.bin",
        turn ->
            turn == 0
                ? FaultyServer.broken(content, TAG, 200_000)
                : (request, response) -> {
                  response.begin(200, "Content-Length: " + content.length);
                  response.body(content, 0, content.length);
                });

    fetch(options(), manifest(file("a.bin", null, sha256(content))));

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
  }

  @Test
  void a_server_that_sends_another_range_than_asked_for_is_not_believed() {
    byte[] content = bytes(500_000);
    server.onTurn(
        "/a.bin",
        turn ->
            switch (turn) {
              case 0 -> FaultyServer.broken(content, TAG, 200_000);
              case 1 ->
                  (request, response) -> {
                    response.begin(
                        206,
                        "ETag: " + TAG,
                        "Content-Range: bytes 100000-499999/500000",
                        "Content-Length: 400000");
                    response.body(content, 100_000, 500_000);
                  };
              default -> FaultyServer.content(content, TAG);
            });

    fetch(options(), manifest(file("a.bin", null, sha256(content))));

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
  }

  @Test
  void without_a_tag_or_a_checksum_a_broken_download_begins_anew() {
    byte[] content = bytes(100_000);
    server.onTurn(
        "/a.bin",
        turn ->
            (request, response) -> {
              response.begin(200, "Content-Length: " + content.length);
              response.body(content, 0, turn == 0 ? 50_000 : content.length);
            });

    fetch(options(), manifest(file("a.bin", null, null)));

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
    assertThat(server.gets("/a.bin")).allMatch(request -> request.header("Range").isEmpty());
  }

  @Test
  void a_part_that_was_complete_but_for_its_name_is_not_fetched_again() throws IOException {
    byte[] content = bytes(100_000);
    server.onTurn("/a.bin", turn -> FaultyServer.broken(content, TAG, 60_000));
    Manifest manifest = manifest(file("a.bin", 100_000L, sha256(content)));
    FetchOptions impatient =
        new FetchOptions(
            1,
            0,
            Duration.ZERO,
            Duration.ZERO,
            Duration.ofSeconds(20),
            server.uri(""),
            null,
            ProxySelector.of(null));
    assertThatThrownBy(() -> fetch(impatient, manifest)).isInstanceOf(FetchException.class);
    Files.write(folder().resolve("a.bin.part"), content);
    int asked = server.gets("/a.bin").size();

    fetch(impatient, manifest);

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
    assertThat(server.gets("/a.bin")).hasSize(asked);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "<!DOCTYPE html><title>Sign in</title> | a web page ('Sign in')",
        "version https://git-lfs.github.com/spec/v1 | a pointer of Git LFS"
      })
  void without_a_checksum_a_page_does_not_pass_for_the_file(String body, String message) {
    server.on("/a.bin", FaultyServer.content(body.getBytes(StandardCharsets.UTF_8), TAG));

    assertThatThrownBy(() -> fetch(options(), manifest(file("a.bin", null, null))))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("came in place of the file");
    assertThat(folder().resolve("a.bin")).doesNotExist();
  }

  @Test
  void encoded_bytes_are_refused() {
    server.on(
        "/a.bin",
        (request, response) -> {
          response.begin(200, "Content-Encoding: gzip", "Content-Length: 3");
          response.body(new byte[] {1, 2, 3}, 0, 3);
        });

    assertThatThrownBy(() -> fetch(options(), manifest(file("a.bin", null, null))))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("sends the file encoded as 'gzip'");
  }

  @Test
  void wrong_bytes_never_get_the_name_of_the_file() throws IOException {
    byte[] wrong = bytes(1000);
    server.on("/a.bin", FaultyServer.content(wrong, TAG));

    assertThatThrownBy(() -> fetch(options(), manifest(file("a.bin", null, sha256(bytes(1001))))))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("its content is not what was published")
        .hasMessageContaining("came " + sha256(wrong))
        .hasMessageContaining(sha256(bytes(1001)));

    assertNothingLooksFinished();
    assertThat(folder().resolve("a.bin.part")).doesNotExist();
    assertThat(server.gets("/a.bin")).hasSize(2); // a slip on the way is possible once
  }

  @Test
  void wrong_bytes_once_are_fetched_anew() {
    byte[] content = bytes(1000);
    byte[] flipped = content.clone();
    flipped[500] ^= 1;
    server.onTurn(
        "/a.bin", turn -> FaultyServer.content(turn == 0 ? flipped : content, TAG + turn));

    fetch(options(), manifest(file("a.bin", null, sha256(content))));

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
  }

  @Test
  void a_damaged_part_is_found_and_fetched_anew() throws IOException {
    byte[] content = bytes(200_000);
    server.onTurn(
        "/a.bin",
        turn ->
            turn == 0
                ? FaultyServer.broken(content, TAG, 100_000)
                : turn < 5 ? FaultyServer.status(503) : FaultyServer.content(content, TAG));
    Manifest manifest = manifest(file("a.bin", null, sha256(content)));
    assertThatThrownBy(() -> fetch(options(), manifest)).isInstanceOf(FetchException.class);
    byte[] part = Files.readAllBytes(folder().resolve("a.bin.part"));
    part[7] ^= 1;
    Files.write(folder().resolve("a.bin.part"), part);

    fetch(options(), manifest);

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
  }

  @Test
  void an_md5_is_checked_where_there_is_no_better() throws Exception {
    byte[] content = bytes(1000);
    server.on("/a.bin", FaultyServer.content(content, TAG));
    String md5 = HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(content));
    Source good =
        new Source.WebFile(server.uri("/a.bin"), "a.bin", null, null, md5, "the test", null);
    Source bad =
        new Source.WebFile(
            server.uri("/a.bin"), "b.bin", null, null, "0".repeat(32), "the test", null);

    fetch(options(), manifest(good));

    assertThat(Receipt.of(folder()).orElseThrow().files().get(0).verified()).isEqualTo("MD5");
    assertThatThrownBy(() -> fetch(options(), manifest(good, bad)))
        .hasMessageContaining("expected MD5 000000");
    assertThat(folder().resolve("b.bin")).doesNotExist();
  }

  @Test
  void a_file_without_a_published_checksum_is_reported_as_unverified() {
    server.on("/a.bin", FaultyServer.content(bytes(10), TAG));

    Fetcher.Report report = fetch(options(), manifest(file("a.bin", null, null)));

    assertThat(report.unverified()).containsExactly("a.bin");
  }

  @Test
  void a_length_other_than_published_is_refused_before_the_content() throws IOException {
    server.on("/a.bin", FaultyServer.content(bytes(1000), TAG));

    assertThatThrownBy(() -> fetch(options(), manifest(file("a.bin", 999L, null))))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("the server has 1000 bytes, expected are 999");
    assertNothingLooksFinished();
  }

  @Test
  void a_content_of_undeclared_length_must_have_the_published_one() throws IOException {
    byte[] content = bytes(1000);
    server.onTurn(
        "/a.bin",
        turn ->
            (request, response) -> {
              response.begin(200);
              response.body(content, 0, turn == 0 ? 900 : 1000);
            });

    fetch(options(), manifest(file("a.bin", 1000L, null)));

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
  }

  @Test
  void more_than_the_published_length_is_refused() throws IOException {
    byte[] content = bytes(1000);
    server.onTurn(
        "/a.bin",
        turn ->
            (request, response) -> {
              response.begin(200);
              response.body(content, 0, 1000);
            });

    assertThatThrownBy(() -> fetch(options(), manifest(file("a.bin", 900L, null))))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("more than the 900 bytes");
    assertNothingLooksFinished();
  }

  @Test
  void what_is_not_there_is_said_at_once() throws IOException {
    assertThatThrownBy(() -> fetch(options(), manifest(file("gone.bin", null, null))))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("/gone.bin: not there (HTTP 404)");
    assertThat(server.gets("/gone.bin")).hasSize(1);
    assertNothingLooksFinished();
    assertThat(folder().resolve("gone.bin.part")).doesNotExist();
  }

  @Test
  void all_failures_are_listed_and_the_rest_is_fetched() {
    server.on("/a.bin", FaultyServer.content(bytes(10), TAG));

    assertThatThrownBy(
            () ->
                fetch(
                    options(),
                    manifest(
                        file("gone.bin", null, null),
                        file("a.bin", null, null),
                        file("lost.bin", null, null))))
        .hasMessageContaining("gone.bin")
        .hasMessageContaining("lost.bin");
    assertThat(folder().resolve("a.bin")).exists();
  }

  @ParameterizedTest
  @ValueSource(ints = {408, 429, 500, 502, 503, 504})
  void passing_failures_are_tried_again(int status) {
    byte[] content = bytes(1000);
    server.onTurn(
        "/a.bin",
        turn -> turn < 2 ? FaultyServer.status(status) : FaultyServer.content(content, TAG));

    fetch(options(), manifest(file("a.bin", null, sha256(content))));

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
  }

  @Test
  void retry_after_is_waited_for() {
    byte[] content = bytes(10);
    AtomicLong refused = new AtomicLong();
    AtomicLong served = new AtomicLong();
    server.onTurn(
        "/a.bin",
        turn ->
            (request, response) -> {
              (turn == 0 ? refused : served).set(System.nanoTime());
              (turn == 0
                      ? FaultyServer.status(429, "Retry-After: 1")
                      : FaultyServer.content(content, TAG))
                  .to(request, response);
            });

    fetch(options(), manifest(file("a.bin", null, null)));

    // The wait is the server's second, not the millisecond of the options.
    assertThat(served.get() - refused.get()).isGreaterThanOrEqualTo(990_000_000L);
  }

  @Test
  void a_server_that_asks_to_come_back_much_later_is_not_waited_for() {
    server.onTurn("/a.bin", turn -> FaultyServer.status(503, "Retry-After: 3600"));

    assertThatThrownBy(() -> fetch(options(), manifest(file("a.bin", null, null))))
        .hasMessageContaining("asks to come back in 3600 s");
    assertThat(server.gets("/a.bin")).hasSize(1);
  }

  @Test
  void retry_after_may_be_a_date() {
    String date =
        DateTimeFormatter.RFC_1123_DATE_TIME.format(
            ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(100));

    assertThat(Retries.wait(date).orElseThrow())
        .isBetween(Duration.ofSeconds(90), Duration.ofSeconds(101));
    assertThat(Retries.wait("Fri, 01 Jan 2010 00:00:00 GMT")).contains(Duration.ZERO);
    assertThat(Retries.wait("soon")).isEmpty();
  }

  @Test
  void a_stream_that_stalls_is_given_up_and_resumed() {
    byte[] content = bytes(300_000);
    FetchOptions options =
        new FetchOptions(
            1,
            3,
            Duration.ofMillis(1),
            Duration.ofSeconds(3),
            Duration.ofMillis(400),
            server.uri(""),
            null,
            ProxySelector.of(null));
    server.onTurn(
        "/a.bin",
        turn ->
            turn > 0
                ? FaultyServer.content(content, TAG)
                : (request, response) -> {
                  response.begin(200, "ETag: " + TAG, "Content-Length: " + content.length);
                  response.body(content, 0, 100_000);
                  sleep(20_000);
                });

    fetch(options, manifest(file("a.bin", null, sha256(content))));

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
    assertThat(server.gets("/a.bin").get(1).from()).isEqualTo(100_000);
  }

  @Test
  void a_slow_stream_is_not_a_stalled_one() {
    byte[] content = bytes(10_000);
    FetchOptions options =
        new FetchOptions(
            1,
            0,
            Duration.ofMillis(1),
            Duration.ofSeconds(3),
            Duration.ofSeconds(3),
            server.uri(""),
            null,
            ProxySelector.of(null));
    server.onTurn(
        "/a.bin",
        turn ->
            (request, response) -> {
              response.begin(200, "Content-Length: " + content.length);
              for (int from = 0; from < content.length; from += 1000) {
                response.body(content, from, from + 1000);
                sleep(20);
              }
            });

    fetch(options, manifest(file("a.bin", null, null)));

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
  }

  private static void sleep(int milliseconds) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void redirects_are_followed_but_the_token_stays_with_the_hub() {
    byte[] content = bytes(1000);
    URI elsewhere = server.otherOrigin("/signed?signature=s3cret");
    server.on("/a.bin", FaultyServer.status(302, "Location: " + elsewhere));
    server.on("/signed", FaultyServer.content(content, TAG));

    fetch(options(), manifest(file("a.bin", null, sha256(content))));

    assertThat(folder().resolve("a.bin")).hasBinaryContent(content);
    assertThat(server.gets("/a.bin"))
        .allMatch(request -> request.header("Authorization").equals("Bearer hf_secret"));
    assertThat(server.gets("/signed"))
        .isNotEmpty()
        .allMatch(request -> request.header("Authorization").isEmpty());
  }

  @Test
  void a_relative_redirect_stays_at_the_hub() {
    byte[] content = bytes(1000);
    server.on("/a.bin", FaultyServer.status(307, "Location: /api/cache/a.bin"));
    server.on("/api/cache/a.bin", FaultyServer.content(content, TAG));

    fetch(options(), manifest(file("a.bin", null, sha256(content))));

    assertThat(server.gets("/api/cache/a.bin"))
        .allMatch(request -> request.header("Authorization").equals("Bearer hf_secret"));
  }

  @Test
  void the_token_is_for_the_hub_alone() {
    server.on("/a.bin", FaultyServer.content(bytes(10), TAG));
    Source elsewhere =
        new Source.WebFile(
            server.otherOrigin("/a.bin"), "a.bin", null, null, null, "not published", null);

    fetch(options(), manifest(elsewhere));

    assertThat(server.requests())
        .isNotEmpty()
        .allMatch(request -> request.header("Authorization").isEmpty());
  }

  @Test
  void a_circle_of_redirects_ends() {
    server.on("/a.bin", FaultyServer.status(302, "Location: /a.bin"));

    assertThatThrownBy(() -> fetch(options(), manifest(file("a.bin", null, null))))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("redirects more than 10 times");
  }

  @ParameterizedTest
  @ValueSource(strings = {"file:///etc/passwd", "ftp://localhost/x", "", "http://[bad"})
  void a_redirect_to_what_is_no_web_address_is_refused(String location) {
    server.on("/a.bin", FaultyServer.status(302, "Location: " + location));

    assertThatThrownBy(() -> fetch(options(), manifest(file("a.bin", null, null))))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("redirects to what is no address");
  }

  @Test
  void errors_and_settings_show_neither_token_nor_signature() {
    server.on(
        "/a.bin",
        FaultyServer.status(302, "Location: " + server.otherOrigin("/x?signature=s3cret")));

    assertThatThrownBy(() -> fetch(options(), manifest(file("a.bin", null, null))))
        .satisfies(
            thrown -> {
              for (Throwable e = thrown; e != null; e = e.getCause()) {
                assertThat(String.valueOf(e.getMessage())).doesNotContain("s3cret", "hf_secret");
              }
            });
    assertThat(options().toString()).doesNotContain("hf_secret").contains("token=given");
  }

  @Test
  void a_dry_run_writes_nothing_and_knows_sizes() {
    server.on("/a.bin", FaultyServer.content(bytes(1234), TAG));

    try (Fetcher fetcher = new Fetcher(options())) {
      FetchPlan plan = fetcher.plan(manifest(file("a.bin", null, null)), folder(), List.of());

      assertThat(plan.remaining()).isEqualTo(1234);
      assertThat(plan.files().get(0).state()).isEqualTo(State.ABSENT);
    }
    assertThat(folder()).doesNotExist();
    assertThat(server.requests()).allMatch(request -> request.method().equals("HEAD"));
  }

  @Test
  void a_disk_without_room_is_found_before_the_first_byte() {
    server.onTurn("/a.bin", turn -> FaultyServer.content(bytes(10), TAG));

    assertThatThrownBy(() -> fetch(options(), manifest(file("a.bin", 1L << 60, null))))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("MB are needed");
    assertThat(server.gets("/a.bin")).isEmpty();
  }

  @Test
  void only_one_process_fetches_a_file_at_a_time() throws Exception {
    Files.createDirectories(folder());
    server.on("/a.bin", FaultyServer.content(bytes(10), TAG));
    try (var channel =
            java.nio.channels.FileChannel.open(
                folder().resolve("a.bin.part"),
                java.nio.file.StandardOpenOption.CREATE,
                java.nio.file.StandardOpenOption.WRITE);
        var lock = channel.lock()) {
      assertThat(lock.isValid()).isTrue();
      assertThatThrownBy(() -> fetch(options(), manifest(file("a.bin", null, null))))
          .hasMessageContaining("is being fetched already");
    }
  }

  @Test
  void a_part_of_a_manifest_can_be_fetched_and_is_not_taken_for_the_whole() {
    server.on("/a.bin", FaultyServer.content(bytes(10), TAG));
    server.on("/b.bin", FaultyServer.content(bytes(11), TAG));
    Manifest manifest = manifest(file("a.bin", null, null), file("b.bin", null, null));
    try (Fetcher fetcher = new Fetcher(options())) {
      fetcher.run(List.of(fetcher.plan(manifest, folder(), List.of("a.*"))), Progress.NONE);
      assertThat(folder().resolve("a.bin")).exists();
      assertThat(folder().resolve("b.bin")).doesNotExist();
      assertThat(new DataFolder(data).presence(manifest)).isEqualTo(Presence.PARTIAL);
      assertThatThrownBy(() -> fetcher.plan(manifest, folder(), List.of("c.*")))
          .hasMessage("manifest toy: no file matches c.*");
    }
  }

  @Test
  void progress_adds_up_to_the_size_whatever_happened_on_the_way() {
    byte[] content = bytes(200_000);
    server.on(
        "/a.bin",
        new FaultyServer.Answer() {
          private int gets;

          @Override
          public synchronized void to(FaultyServer.Request request, FaultyServer.Response response)
              throws IOException {
            boolean get = request.method().equals("GET");
            int turn = get ? gets++ : 9;
            (turn == 0
                    ? FaultyServer.broken(content, TAG, 70_000)
                    : FaultyServer.content(content, turn == 1 ? "\"other\"" : TAG))
                .to(request, response);
          }
        });
    AtomicLong sum = new AtomicLong();
    AtomicLong total = new AtomicLong();
    Progress progress =
        new Progress() {
          @Override
          public void started(String what, long amount, String unit) {
            total.set(amount);
          }

          @Override
          public void advanced(long bytes) {
            sum.addAndGet(bytes);
          }
        };

    try (Fetcher fetcher = new Fetcher(options())) {
      fetcher.run(
          List.of(
              fetcher.plan(manifest(file("a.bin", null, sha256(content))), folder(), List.of())),
          progress);
    }

    assertThat(total.get()).isEqualTo(200_000);
    assertThat(sum.get()).isEqualTo(200_000);
  }

  @Test
  void any_sequence_of_faults_ends_in_the_right_bytes_or_an_error() throws IOException {
    Random random = new Random(7);
    for (int round = 0; round < 40; round++) {
      byte[] content = bytes(20_000 + round);
      String path = "f" + round + ".bin";
      server.onTurn("/" + path, turn -> fault(random, content));
      FetchOptions patient =
          new FetchOptions(
              1,
              8,
              Duration.ZERO,
              Duration.ofSeconds(1),
              Duration.ofSeconds(20),
              server.uri(""),
              null,
              ProxySelector.of(null));
      try {
        fetch(patient, manifest(file(path, null, sha256(content))));
        assertThat(folder().resolve(path)).hasBinaryContent(content);
      } catch (FetchException e) {
        assertThat(folder().resolve(path)).doesNotExist();
      }
    }
    try (var files = Files.list(folder())) {
      assertThat(files.filter(file -> file.toString().endsWith(".bin"))).hasSizeGreaterThan(20);
    }
  }

  private static FaultyServer.Answer fault(Random random, byte[] content) {
    int kind;
    int cut;
    synchronized (random) {
      kind = random.nextInt(8);
      cut = random.nextInt(content.length);
    }
    return switch (kind) {
      case 0, 1 -> FaultyServer.broken(content, TAG, cut);
      case 2 -> FaultyServer.status(503);
      case 3 -> (request, response) -> {}; // closes without a word
      case 4 -> {
        byte[] wrong = content.clone();
        wrong[cut] ^= 1;
        yield FaultyServer.content(wrong, TAG);
      }
      case 5 -> FaultyServer.content(Arrays.copyOf(content, cut), TAG);
      default -> FaultyServer.content(content, TAG);
    };
  }

  @Test
  void settings_come_from_the_environment() {
    FetchOptions options =
        FetchOptions.ofEnvironment(
            Map.of("HF_ENDPOINT", "https://mirror.example/", "HF_TOKEN", " hf_x\n"));

    assertThat(options.hub()).isEqualTo(URI.create("https://mirror.example"));
    assertThat(options.token()).isEqualTo("hf_x");
    assertThat(FetchOptions.ofEnvironment(Map.of()).hub())
        .isEqualTo(URI.create("https://huggingface.co"));
    assertThat(FetchOptions.ofEnvironment(Map.of()).token()).isNull();
    assertThatThrownBy(() -> FetchOptions.ofEnvironment(Map.of("HF_ENDPOINT", "mirror")))
        .isInstanceOf(FetchException.class)
        .hasMessageContaining("HF_ENDPOINT must be an address");
  }
}
