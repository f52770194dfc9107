package org.optmerge.manifest;

import java.io.IOException;
import java.net.Authenticator;
import java.net.InetSocketAddress;
import java.net.PasswordAuthentication;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Chooses a proxy by the environment variables that command-line programs agree on: {@code
 * HTTPS_PROXY}, {@code HTTP_PROXY}, {@code ALL_PROXY} and the exceptions {@code NO_PROXY}. Where a
 * variable is set in capitals and not, the lower case counts.
 */
final class EnvironmentProxies extends ProxySelector {
  private record Server(
      InetSocketAddress address, @Nullable String user, @Nullable String password) {}

  private final Optional<Server> https;
  private final Optional<Server> http;
  private final List<String> exceptions;

  EnvironmentProxies(Map<String, String> environment) {
    Optional<Server> any = server(environment, "all_proxy");
    https = server(environment, "https_proxy").or(() -> any);
    http = server(environment, "http_proxy").or(() -> any);
    exceptions =
        Arrays.stream(value(environment, "no_proxy").split("[,\\s]+"))
            .filter(entry -> !entry.isEmpty())
            .map(entry -> entry.toLowerCase(Locale.ROOT))
            .toList();
  }

  @Override
  public List<Proxy> select(URI uri) {
    Optional<Server> server = "https".equalsIgnoreCase(uri.getScheme()) ? https : http;
    if (server.isEmpty() || isException(uri)) {
      return List.of(Proxy.NO_PROXY);
    }
    return List.of(new Proxy(Proxy.Type.HTTP, server.get().address()));
  }

  @Override
  public void connectFailed(URI uri, SocketAddress address, IOException failure) {
    // The failed request tells of it.
  }

  /** Answers proxies that want a name and password, if the variables have them. */
  Optional<Authenticator> authenticator() {
    if (https.or(() -> http).map(Server::user).isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new Authenticator() {
          @Override
          protected @Nullable PasswordAuthentication getPasswordAuthentication() {
            if (getRequestorType() != RequestorType.PROXY) {
              return null;
            }
            for (Optional<Server> server : List.of(https, http)) {
              if (server.isPresent()
                  && server.get().user() != null
                  && server.get().password() != null
                  && server.get().address().getHostString().equalsIgnoreCase(getRequestingHost())
                  && server.get().address().getPort() == getRequestingPort()) {
                return new PasswordAuthentication(
                    server.get().user(), server.get().password().toCharArray());
              }
            }
            return null;
          }
        });
  }

  private boolean isException(URI uri) {
    String host = String.valueOf(uri.getHost()).toLowerCase(Locale.ROOT);
    String port = ":" + uri.getPort();
    for (String entry : exceptions) {
      String name = entry;
      if (uri.getPort() >= 0 && name.endsWith(port)) {
        name = name.substring(0, name.length() - port.length());
      }
      String suffix = name.startsWith("*") ? name.substring(1) : name;
      suffix = suffix.startsWith(".") ? suffix.substring(1) : suffix;
      if (name.equals("*") || host.equals(suffix) || host.endsWith("." + suffix)) {
        return true;
      }
    }
    return false;
  }

  private static String value(Map<String, String> environment, String name) {
    String lower = environment.getOrDefault(name, "").strip();
    return lower.isEmpty()
        ? environment.getOrDefault(name.toUpperCase(Locale.ROOT), "").strip()
        : lower;
  }

  private static Optional<Server> server(Map<String, String> environment, String name) {
    String text = value(environment, name);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    try {
      URI uri = URI.create(text.contains("://") ? text : "http://" + text);
      String host = uri.getHost();
      if (host != null && "http".equals(uri.getScheme())) {
        String[] user = uri.getUserInfo() == null ? new String[0] : uri.getUserInfo().split(":", 2);
        return Optional.of(
            new Server(
                InetSocketAddress.createUnresolved(host, uri.getPort() < 0 ? 80 : uri.getPort()),
                user.length > 0 ? user[0] : null,
                user.length > 1 ? user[1] : user.length > 0 ? "" : null));
      }
    } catch (IllegalArgumentException e) {
      // said below, without the value: it may hold a password
    }
    throw new FetchException(
        "%s must be the address of an HTTP proxy, such as http://proxy.example:3128"
            .formatted(name.toUpperCase(Locale.ROOT)));
  }
}
