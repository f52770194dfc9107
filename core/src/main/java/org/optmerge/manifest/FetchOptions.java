package org.optmerge.manifest;

import java.net.ProxySelector;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The settings of fetching.
 *
 * @param parallel files at a time
 * @param retries how often a file is tried again after a failure that may pass, without a byte
 *     gained
 * @param firstDelay before the first retry; doubled for each further one
 * @param longestDelay no wait is longer, whatever a server asks for
 * @param stall a connection over which nothing comes for so long is given up, and retried
 * @param hub address of the Hugging Face hub or a mirror of it
 * @param token sent to the hub, and to no other server; null: none
 * @param proxy which proxy an address is reached by
 */
public record FetchOptions(
    int parallel,
    int retries,
    Duration firstDelay,
    Duration longestDelay,
    Duration stall,
    URI hub,
    @Nullable String token,
    ProxySelector proxy) {
  private static final URI PUBLIC_HUB = URI.create("https://huggingface.co");

  public FetchOptions {
    if (parallel < 1 || retries < 0) {
      throw new IllegalArgumentException(
          "FetchOptions: at least one file at a time and no negative number of retries, are %d and %d"
              .formatted(parallel, retries));
    }
    Objects.requireNonNull(hub, "hub");
    Objects.requireNonNull(proxy, "proxy");
  }

  /**
   * The settings of an environment: {@code HF_ENDPOINT} (a mirror of the hub), {@code HF_TOKEN},
   * and {@code HTTPS_PROXY}, {@code HTTP_PROXY}, {@code ALL_PROXY}, {@code NO_PROXY} in capitals or
   * not.
   *
   * @throws FetchException if one of them cannot be understood
   */
  public static FetchOptions ofEnvironment(Map<String, String> environment) {
    String endpoint = environment.getOrDefault("HF_ENDPOINT", "").strip();
    String token = environment.getOrDefault("HF_TOKEN", "").strip();
    return new FetchOptions(
        4,
        6,
        Duration.ofSeconds(1),
        Duration.ofMinutes(2),
        Duration.ofSeconds(60),
        endpoint.isEmpty() ? PUBLIC_HUB : endpoint(endpoint),
        token.isEmpty() ? null : token,
        new EnvironmentProxies(environment));
  }

  /** The same, with so many files at a time. */
  public FetchOptions withParallel(int files) {
    return new FetchOptions(files, retries, firstDelay, longestDelay, stall, hub, token, proxy);
  }

  private static URI endpoint(String text) {
    try {
      URI uri = URI.create(text.replaceFirst("/+$", ""));
      if (uri.getHost() != null
          && ("https".equals(uri.getScheme()) || "http".equals(uri.getScheme()))) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      // said below
    }
    throw new FetchException(
        "HF_ENDPOINT must be an address such as https://huggingface.co, is '%s'".formatted(text));
  }

  /** Does not show the token. */
  @Override
  public String toString() {
    return "FetchOptions[parallel=%d, retries=%d, hub=%s, token=%s]"
        .formatted(parallel, retries, hub, token == null ? "none" : "given");
  }
}
