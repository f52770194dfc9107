package org.optmerge.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ProxySelector;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.base.Progress;
import org.optmerge.manifest.DataFolder.Presence;
import org.optmerge.manifest.Source.Hub;
import org.optmerge.manifest.Source.Hub.RepositoryType;

class HubListingTest {
  private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
  private static final byte[] WEIGHTS = "not really weights".getBytes(StandardCharsets.UTF_8);
  private static final byte[] CONFIG =
      "{\"model_type\": \"toy\"}\n".getBytes(StandardCharsets.UTF_8);

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
        2,
        Duration.ofMillis(1),
        Duration.ofSeconds(1),
        Duration.ofSeconds(20),
        server.uri(""),
        "hf_secret",
        ProxySelector.of(null));
  }

  private static Manifest manifest(Source... sources) {
    return new Manifest(
        "toy",
        Manifest.Kind.CHECKPOINT,
        "Toy",
        "A toy.",
        List.of(),
        null,
        null,
        new Manifest.Licence("MIT", null, null),
        null,
        "owner/toy",
        null,
        List.of(sources),
        List.of(),
        List.of(),
        List.of());
  }

  private static Hub hub(String... include) {
    return new Hub("owner/toy", RepositoryType.MODEL, "main", List.of(include), List.of("*.bin"));
  }

  private static String hash(String algorithm, byte[]... parts) {
    try {
      MessageDigest digest = MessageDigest.getInstance(algorithm);
      for (byte[] part : parts) {
        digest.update(part);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static String blob(byte[] content) {
    return hash(
        "SHA-1", ("blob " + content.length + "\0").getBytes(StandardCharsets.UTF_8), content);
  }

  private static FaultyServer.Answer json(String text, String... headers) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return (request, response) -> {
      String[] all = java.util.Arrays.copyOf(headers, headers.length + 1);
      all[headers.length] = "Content-Length: " + bytes.length;
      response.begin(200, all);
      response.body(bytes, 0, bytes.length);
    };
  }

  private static String file(String path, byte[] content, boolean large) {
    return large
        ? """
          {"type": "file", "oid": "%s", "size": %d, "path": "%s",
           "lfs": {"oid": "%s", "size": %d, "pointerSize": 130}}"""
            .formatted(
                "f".repeat(40), content.length, path, hash("SHA-256", content), content.length)
        : """
          {"type": "file", "oid": "%s", "size": %d, "path": "%s"}"""
            .formatted(blob(content), content.length, path);
  }

  /** Two pages: weights on the first, configuration and what is excluded on the second. */
  private void serve() {
    server.on(
        "/api/models/owner/toy/revision/main",
        json("{\"sha\": \"%s\", \"id\": \"owner/toy\"}".formatted(COMMIT)));
    String tree = "/api/models/owner/toy/tree/" + COMMIT;
    server.on(
        tree,
        (request, response) ->
            (request.path().contains("cursor")
                    ? json(
                        "[%s, %s]"
                            .formatted(
                                file("config.json", CONFIG, false), file("old.bin", CONFIG, false)))
                    : json(
                        "[{\"type\": \"directory\", \"oid\": \"%s\", \"size\": 0, \"path\": \"sub dir\"}, %s]"
                            .formatted(COMMIT, file("sub dir/model.safetensors", WEIGHTS, true)),
                        "Link: <%s>; rel=\"next\""
                            .formatted(server.uri(tree + "?recursive=1&cursor=abc"))))
                .to(request, response));
    String resolve = "/owner/toy/resolve/" + COMMIT;
    server.on(
        resolve + "/sub%20dir/model.safetensors",
        FaultyServer.status(302, "Location: " + server.otherOrigin("/storage?sig=x")));
    server.on("/storage", FaultyServer.content(WEIGHTS, "\"w\""));
    server.on(resolve + "/config.json", FaultyServer.content(CONFIG, "\"c\""));
  }

  @Test
  void a_repository_is_fetched_at_one_commit_and_all_of_it_verified() {
    serve();
    Manifest manifest = manifest(hub());

    try (Fetcher fetcher = new Fetcher(options())) {
      FetchPlan plan = fetcher.plan(manifest, data.resolve("owner/toy"), List.of());
      assertThat(plan.bytes()).isEqualTo(WEIGHTS.length + CONFIG.length);
      Fetcher.Report report = fetcher.run(List.of(plan), Progress.NONE);

      assertThat(report.fetched()).isEqualTo(2);
      assertThat(report.unverified()).isEmpty();
    }

    assertThat(data.resolve("owner/toy/sub dir/model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(data.resolve("owner/toy/config.json")).hasBinaryContent(CONFIG);
    assertThat(data.resolve("owner/toy/old.bin")).doesNotExist();
    Receipt receipt = Receipt.of(data.resolve("owner/toy")).orElseThrow();
    assertThat(receipt.commits()).containsEntry("owner/toy", COMMIT);
    assertThat(receipt.files())
        .extracting(Receipt.Entry::verified)
        .containsExactlyInAnyOrder("SHA-256", "git blob SHA-1");
    assertThat(new DataFolder(data).presence(manifest)).isEqualTo(Presence.PRESENT);
    assertThat(server.gets("/storage"))
        .isNotEmpty()
        .allMatch(request -> request.header("Authorization").isEmpty());
  }

  @Test
  void a_small_file_that_is_not_the_one_of_the_commit_is_refused() {
    serve();
    server.on(
        "/owner/toy/resolve/" + COMMIT + "/config.json",
        FaultyServer.content(
            "{\"model_type\": \"tox\"}\n".getBytes(StandardCharsets.UTF_8), "\"c\""));

    try (Fetcher fetcher = new Fetcher(options())) {
      FetchPlan plan =
          fetcher.plan(manifest(hub()), data.resolve("owner/toy"), List.of("config.json"));
      assertThatThrownBy(() -> fetcher.run(List.of(plan), Progress.NONE))
          .hasMessageContaining("expected git blob SHA-1 " + blob(CONFIG));
    }
    assertThat(data.resolve("owner/toy/config.json")).doesNotExist();
  }

  @Test
  void patterns_choose_files() {
    serve();
    try (Fetcher fetcher = new Fetcher(options())) {
      assertThat(fetcher.plan(manifest(hub("**.safetensors")), data, List.of()).files())
          .extracting(FetchPlan.PlannedFile::path)
          .containsExactly("sub dir/model.safetensors");
      assertThatThrownBy(() -> fetcher.plan(manifest(hub("*.gguf")), data, List.of()))
          .hasMessage("'owner/toy' has 3 files, none of which matches [*.gguf]");
    }
  }

  @Test
  void data_sets_have_addresses_of_their_own() {
    server.on(
        "/api/datasets/owner/toy/tree/" + COMMIT,
        json("[%s]".formatted(file("data/val-0.parquet", WEIGHTS, true))));
    Hub source = new Hub("owner/toy", RepositoryType.DATASET, COMMIT, List.of(), List.of());

    try (Fetcher fetcher = new Fetcher(options())) {
      assertThat(fetcher.plan(manifest(source), data, List.of()).files().get(0).url())
          .isEqualTo(server.uri("/datasets/owner/toy/resolve/" + COMMIT + "/data/val-0.parquet"));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 403, 404})
  void a_repository_that_is_not_shown_says_what_to_do(int status) {
    server.on("/api/models/owner/toy/revision/main", FaultyServer.status(status));

    try (Fetcher fetcher = new Fetcher(options())) {
      assertThatThrownBy(() -> fetcher.plan(manifest(hub()), data, List.of()))
          .isInstanceOf(FetchException.class)
          .hasMessageContaining("the hub does not show 'owner/toy' (HTTP %d)".formatted(status))
          .hasMessageContaining("HF_TOKEN")
          .hasMessageNotContaining("hf_secret");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"../evil", "/etc/passwd", "a/../../b", "a\\\\b", "c:evil"})
  void a_listing_that_leads_out_of_the_folder_is_refused(String path) {
    serve();
    server.on(
        "/api/models/owner/toy/tree/" + COMMIT,
        json(
            "[{\"type\": \"file\", \"oid\": \"x\", \"size\": 1, \"path\": \"%s\"}]"
                .formatted(path)));

    try (Fetcher fetcher = new Fetcher(options())) {
      assertThatThrownBy(() -> fetcher.plan(manifest(hub()), data, List.of()))
          .isInstanceOf(FetchException.class)
          .hasMessageContaining("has a file that cannot be fetched");
    }
  }

  @Test
  void a_listing_that_goes_on_at_another_server_is_refused() {
    serve();
    server.on(
        "/api/models/owner/toy/tree/" + COMMIT,
        json("[]", "Link: <%s>; rel=\"next\"".formatted(server.otherOrigin("/more"))));

    try (Fetcher fetcher = new Fetcher(options())) {
      assertThatThrownBy(() -> fetcher.plan(manifest(hub()), data, List.of()))
          .hasMessageContaining("goes on at another server");
    }
  }

  @Test
  void a_page_that_is_no_listing_is_said_to_be_none() {
    server.on("/api/models/owner/toy/revision/main", json("<html>Sign in to the network</html>"));

    try (Fetcher fetcher = new Fetcher(options())) {
      assertThatThrownBy(() -> fetcher.plan(manifest(hub()), data, List.of()))
          .hasMessageContaining("is no JSON; is HF_ENDPOINT the address of a hub?");
    }
  }

  @Test
  void a_listing_is_tried_again_too() {
    serve();
    java.util.concurrent.atomic.AtomicInteger turn =
        new java.util.concurrent.atomic.AtomicInteger();
    server.on(
        "/api/models/owner/toy/revision/main",
        (request, response) ->
            (turn.getAndIncrement() == 0
                    ? FaultyServer.status(429, "Retry-After: 0")
                    : json("{\"sha\": \"%s\"}".formatted(COMMIT)))
                .to(request, response));

    try (Fetcher fetcher = new Fetcher(options())) {
      assertThat(fetcher.plan(manifest(hub()), data, List.of()).files()).hasSize(2);
    }
  }
}
