package org.optmerge.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.optmerge.base.Json;
import org.optmerge.manifest.FetchPlan.PlannedFile;
import org.optmerge.manifest.Source.Hub;
import org.optmerge.manifest.Source.Hub.RepositoryType;

/**
 * Asks the Hugging Face hub which files a repository has.
 *
 * @see <a href="https://huggingface.co/docs/hub/api">Hub API endpoints</a>
 */
final class HubListing {
  private static final Pattern NEXT = Pattern.compile("<([^>]+)>\\s*;[^,]*\\brel=\"?next\"?");
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  /** A listing is text; one that is longer than this is not one. */
  private static final int LONGEST_PAGE = 64 << 20;

  /** The largest repositories have fewer files. */
  private static final int MOST_FILES = 5_000_000;

  /**
   * The files of a repository.
   *
   * @param commit that all of them are of
   */
  record Listing(String commit, List<PlannedFile> files) {}

  private final Transport transport;
  private final Retries retries;
  private final FetchOptions options;
  private final URI hub;

  HubListing(Transport transport, Retries retries, FetchOptions options) {
    this.transport = transport;
    this.retries = retries;
    this.options = options;
    this.hub = options.hub();
  }

  /**
   * The files of a source that its patterns let through.
   *
   * @throws FetchException if the hub does not know the repository or does not show it to us
   */
  Listing list(Hub source) {
    String type = source.repositoryType() == RepositoryType.MODEL ? "models" : "datasets";
    String api = "%s/api/%s/%s".formatted(hub, type, source.repository());
    String commit = source.revision();
    if (!COMMIT.matcher(commit).matches()) {
      // All files are of one commit, though a branch may move on between two requests.
      Page page = page(URI.create(api + "/revision/" + encoded(source.revision())), source);
      commit = page.body().path("sha").asText();
      if (!COMMIT.matcher(commit).matches()) {
        throw new FetchException(
            "the hub's answer for '%s' names no commit".formatted(source.repository()));
      }
    }
    List<PlannedFile> files = new ArrayList<>();
    List<Pattern> include = source.include().stream().map(Globs::pattern).toList();
    List<Pattern> exclude = source.exclude().stream().map(Globs::pattern).toList();
    Optional<URI> next = Optional.of(URI.create("%s/tree/%s?recursive=1".formatted(api, commit)));
    int listed = 0;
    Set<String> paths = new HashSet<>();
    while (next.isPresent()) {
      Page page = page(next.get(), source);
      int before = paths.size();
      page.body().forEach(node -> paths.add(node.path("path").asText()));
      if (page.next().isPresent() && paths.size() == before) {
        throw new FetchException(
            "the hub's listing of '%s' goes on with pages that have nothing new; is HF_ENDPOINT the address of a hub?"
                .formatted(source.repository()));
      }
      if (paths.size() > MOST_FILES) {
        throw new FetchException(
            "the hub's listing of '%s' does not end after %d files"
                .formatted(source.repository(), paths.size()));
      }
      for (JsonNode node : page.body()) {
        if (node.path("type").asText().equals("file")) {
          listed++;
          String path = node.path("path").asText();
          if ((include.isEmpty() || Globs.anyMatches(include, path))
              && !Globs.anyMatches(exclude, path)) {
            files.add(file(source, commit, path, node));
          }
        }
      }
      next = page.next();
    }
    if (files.isEmpty()) {
      throw new FetchException(
          "'%s' has %d files, none of which matches %s"
              .formatted(source.repository(), listed, source.include()));
    }
    return new Listing(commit, files);
  }

  private PlannedFile file(Hub source, String commit, String path, JsonNode node) {
    String safe;
    try {
      safe = SafePath.check(path);
    } catch (IllegalArgumentException e) {
      throw new FetchException(
          "'%s' has a file that cannot be fetched: %s"
              .formatted(source.repository(), e.getMessage()),
          e);
    }
    String prefix = source.repositoryType() == RepositoryType.MODEL ? "" : "datasets/";
    URI url =
        URI.create(
            "%s/%s%s/resolve/%s/%s"
                .formatted(hub, prefix, source.repository(), commit, encodedPath(path)));
    JsonNode large = node.path("lfs");
    String sha256 = large.path("oid").asText("").replaceFirst("^sha256:", "");
    String blob = node.path("oid").asText("");
    Checksum checksum = null;
    if (sha256.matches("[0-9a-f]{64}")) {
      checksum = new Checksum(Checksum.Algorithm.SHA_256, sha256);
    } else if (large.isMissingNode() && COMMIT.matcher(blob).matches()) {
      checksum = new Checksum(Checksum.Algorithm.GIT_BLOB, blob);
    }
    long bytes = large.path("size").asLong(node.path("size").asLong(-1));
    if (bytes < 0) {
      throw new FetchException(
          "the hub does not say how long '%s' of '%s' is".formatted(path, source.repository()));
    }
    return new PlannedFile(url, safe, bytes, checksum, null);
  }

  private record Page(JsonNode body, Optional<URI> next) {}

  private Page page(URI uri, Hub source) {
    return retries.run(
        Transport.shown(uri),
        () -> {
          HttpResponse<InputStream> response =
              transport.ask("GET", uri, Map.of("Accept", "application/json"));
          try (InputStream body = response.body()) {
            int status = response.statusCode();
            if (status == 401 || status == 403 || status == 404) {
              throw new FetchException(notOpen(source, status));
            }
            Retries.check(response, Transport.shown(uri));
            byte[] bytes = read(body, uri);
            Optional<URI> next =
                response.headers().allValues("Link").stream()
                    .map(NEXT::matcher)
                    .filter(Matcher::find)
                    .map(found -> uri.resolve(found.group(1)))
                    .findFirst();
            if (next.isPresent() && !Transport.sameOrigin(next.get(), hub)) {
              throw new FetchException(
                  "the hub's listing of '%s' goes on at another server, %s; refused"
                      .formatted(source.repository(), Transport.shown(next.get())));
            }
            try {
              return new Page(Json.plain().readTree(bytes), next);
            } catch (IOException e) {
              throw new FetchException(
                  "the hub's answer for '%s' is no JSON; is HF_ENDPOINT the address of a hub?"
                      .formatted(source.repository()),
                  e);
            }
          }
        });
  }

  /** The bytes of a page, which must come to an end in its time. */
  private byte[] read(InputStream body, URI uri) throws IOException, InterruptedException {
    FutureTask<byte[]> reading = new FutureTask<>(() -> body.readNBytes(LONGEST_PAGE + 1));
    Thread thread = new Thread(reading, "hub-page");
    thread.setDaemon(true);
    thread.start();
    long patience = Math.max(1, 10 * options.stall().toMillis());
    try {
      byte[] bytes = reading.get(patience, TimeUnit.MILLISECONDS);
      if (bytes.length > LONGEST_PAGE) {
        throw new FetchException(
            "%s: an answer of more than %d bytes is no listing"
                .formatted(Transport.shown(uri), LONGEST_PAGE));
      }
      return bytes;
    } catch (TimeoutException e) {
      body.close();
      throw new Retries.Passing("the listing had not come after %d ms".formatted(patience), null);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException failure
          ? failure
          : new IOException(String.valueOf(e.getCause()), e);
    }
  }

  private String notOpen(Hub source, int status) {
    String kind = source.repositoryType() == RepositoryType.MODEL ? "" : "datasets/";
    return "the hub does not show '%s' (HTTP %d): it is private, wants its terms accepted, or is not there; see %s/%s%s, and set HF_TOKEN to a token that may read it"
        .formatted(source.repository(), status, hub, kind, source.repository());
  }

  private static String encodedPath(String path) {
    return Arrays.stream(path.split("/")).map(HubListing::encoded).collect(Collectors.joining("/"));
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
