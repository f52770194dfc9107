package org.optmerge.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.base.Progress;

class EnvironmentProxiesTest {
  private static final URI SECURE = URI.create("https://huggingface.co/x");
  private static final URI PLAIN = URI.create("http://images.cocodataset.org/x");

  private static String proxy(Map<String, String> environment, URI uri) {
    Proxy proxy = new EnvironmentProxies(environment).select(uri).get(0);
    if (proxy.type() == Proxy.Type.DIRECT) {
      return "direct";
    }
    InetSocketAddress address = (InetSocketAddress) proxy.address();
    return address.getHostString() + ":" + address.getPort();
  }

  @Test
  void each_scheme_has_its_proxy() {
    Map<String, String> environment =
        Map.of("HTTPS_PROXY", "http://secure:3128", "http_proxy", "plain:8080/");

    assertThat(proxy(environment, SECURE)).isEqualTo("secure:3128");
    assertThat(proxy(environment, PLAIN)).isEqualTo("plain:8080");
    assertThat(proxy(Map.of("ALL_PROXY", "http://any"), SECURE)).isEqualTo("any:80");
    assertThat(proxy(Map.of(), SECURE)).isEqualTo("direct");
  }

  @ParameterizedTest
  @CsvSource({
    "huggingface.co, direct",
    ".co, direct",
    "*.huggingface.co, direct",
    "'localhost, HUGGINGFACE.CO', direct",
    "*, direct",
    "face.co, p:1",
    "example.org, p:1",
    "huggingface.co:8443, p:1"
  })
  void no_proxy_names_exceptions(String exceptions, String expected) {
    assertThat(proxy(Map.of("https_proxy", "http://p:1", "NO_PROXY", exceptions), SECURE))
        .isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"socks5://p:1", "https://p:1", "http://user:pass word@p"})
  void a_proxy_that_cannot_be_used_is_said_without_its_password(String value) {
    assertThatThrownBy(() -> new EnvironmentProxies(Map.of("HTTPS_PROXY", value)))
        .isInstanceOf(FetchException.class)
        .hasMessageStartingWith("HTTPS_PROXY must be the address of an HTTP proxy")
        .hasMessageNotContaining("pass");
  }

  @Test
  void requests_go_through_the_proxy_with_its_name_and_password(@TempDir Path folder)
      throws IOException {
    try (FaultyServer proxy = new FaultyServer()) {
      byte[] content = {1, 2, 3};
      proxy.on(
          "http://far.example/a.bin",
          (request, response) -> {
            if (request.header("Proxy-Authorization").isEmpty()) {
              FaultyServer.status(407, "Proxy-Authenticate: Basic realm=\"p\"")
                  .to(request, response);
            } else {
              FaultyServer.content(content, "\"t\"").to(request, response);
            }
          });
      FetchOptions options =
          FetchOptions.ofEnvironment(
              Map.of("HTTP_PROXY", "http://me:open@localhost:" + proxy.uri("").getPort()));
      Manifest manifest =
          new Manifest(
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
              List.of(
                  new Source.WebFile(
                      URI.create("http://far.example/a.bin"),
                      "a.bin",
                      3L,
                      null,
                      null,
                      "not published",
                      null)),
              List.of(),
              List.of(),
              List.of());

      try (Fetcher fetcher = new Fetcher(options)) {
        fetcher.run(List.of(fetcher.plan(manifest, folder, List.of())), Progress.NONE);
      }

      assertThat(folder.resolve("a.bin")).hasBinaryContent(content);
      assertThat(proxy.requests())
          .anyMatch(request -> request.header("Proxy-Authorization").equals("Basic bWU6b3Blbg=="));
    }
  }
}
