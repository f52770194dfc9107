package org.optmerge.manifest;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Asks servers. Redirects are followed here and not by the client, because the token is for the hub
 * alone: the client would send it to any server that the hub redirects to.
 */
final class Transport {
  private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
  private static final int MOST_REDIRECTS = 10;

  private final HttpClient client;
  private final FetchOptions options;

  Transport(FetchOptions options) {
    this.options = options;
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            // A connection for each file: one connection's flow control would be shared by all.
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(smaller(options.stall(), Duration.ofSeconds(30)))
            .proxy(options.proxy());
    if (options.proxy() instanceof EnvironmentProxies proxies) {
      proxies.authenticator().ifPresent(builder::authenticator);
    }
    client = builder.build();
  }

  /**
   * Asks for an address, through redirects. The body of the response is to be closed.
   *
   * @param method GET or HEAD
   * @throws FetchException if it redirects in a circle, to nowhere, or from https to http
   * @throws IOException if the server cannot be reached or does not answer
   */
  HttpResponse<InputStream> ask(String method, URI address, Map<String, String> headers)
      throws IOException, InterruptedException {
    URI uri = address;
    for (int step = 0; step <= MOST_REDIRECTS; step++) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(uri)
              .method(method, HttpRequest.BodyPublishers.noBody())
              .timeout(options.stall())
              .header("User-Agent", "optmerge")
              .header("Accept-Encoding", "identity");
      headers.forEach(request::header);
      String token = options.token();
      if (token != null && sameOrigin(uri, options.hub())) {
        request.header("Authorization", "Bearer " + token);
      }
      HttpResponse<InputStream> response =
          client.send(request.build(), BodyHandlers.ofInputStream());
      if (!REDIRECTS.contains(response.statusCode())) {
        return response;
      }
      response.body().close();
      uri = redirected(uri, response);
    }
    throw new FetchException(
        "%s redirects more than %d times".formatted(shown(address), MOST_REDIRECTS));
  }

  private static URI redirected(URI from, HttpResponse<?> response) {
    String location = response.headers().firstValue("Location").orElse("");
    URI to;
    try {
      to = from.resolve(location);
    } catch (IllegalArgumentException e) {
      throw new FetchException("%s redirects to what is no address".formatted(shown(from)), e);
    }
    String scheme = String.valueOf(to.getScheme()).toLowerCase(Locale.ROOT);
    if (location.isEmpty() || to.getHost() == null || !Set.of("http", "https").contains(scheme)) {
      throw new FetchException("%s redirects to what is no address".formatted(shown(from)));
    }
    if ("https".equalsIgnoreCase(from.getScheme()) && scheme.equals("http")) {
      throw new FetchException(
          "%s redirects to %s, which is not encrypted; refused".formatted(shown(from), shown(to)));
    }
    return to;
  }

  static boolean sameOrigin(URI a, URI b) {
    return String.valueOf(a.getScheme()).equalsIgnoreCase(String.valueOf(b.getScheme()))
        && String.valueOf(a.getHost()).equalsIgnoreCase(String.valueOf(b.getHost()))
        && port(a) == port(b);
  }

  private static int port(URI uri) {
    return uri.getPort() >= 0
        ? uri.getPort()
        : "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
  }

  /** An address without what may be secret: user, password, and a query, which may be signed. */
  static String shown(URI uri) {
    String port = uri.getPort() < 0 ? "" : ":" + uri.getPort();
    return uri.getScheme() + "://" + uri.getHost() + port + uri.getRawPath();
  }

  private static Duration smaller(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }
}
