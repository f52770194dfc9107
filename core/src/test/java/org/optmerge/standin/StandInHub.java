package org.optmerge.standin;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.optmerge.base.Sha256;

/**
 * A hub on this machine: repositories of models and data sets as the Hugging Face hub lists and
 * serves them, and files by plain addresses. Folders below its root are {@code models/OWNER/NAME},
 * {@code datasets/OWNER/NAME} and {@code files}.
 */
public final class StandInHub implements AutoCloseable {
  private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  private final Path root;
  private final HttpServer server;

  public StandInHub(Path root) throws IOException {
    this.root = root;
    this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
    server.createContext("/", this::answer);
    server.start();
  }

  /** Its address. */
  public URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      if (path.startsWith("/api/")) {
        String[] parts = path.substring("/api/".length()).split("/");
        Path repository = root.resolve(parts[0]).resolve(parts[1]).resolve(parts[2]);
        if (!Files.isDirectory(repository)) {
          send(exchange, 404, "{}".getBytes(StandardCharsets.UTF_8));
        } else if (parts[3].equals("revision")) {
          send(
              exchange,
              200,
              "{\"sha\": \"%s\"}".formatted(COMMIT).getBytes(StandardCharsets.UTF_8));
        } else {
          send(exchange, 200, listing(repository).getBytes(StandardCharsets.UTF_8));
        }
        return;
      }
      String inside =
          path.startsWith("/files/")
              ? path.substring(1)
              : (path.startsWith("/datasets/") ? path.substring(1) : "models" + path)
                  .replace("/resolve/" + COMMIT + "/", "/");
      Path file = root.resolve(inside).normalize();
      if (file.startsWith(root) && Files.isRegularFile(file)) {
        send(exchange, 200, Files.readAllBytes(file));
      } else {
        send(exchange, 404, new byte[0]);
      }
    }
  }

  private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
    boolean head = exchange.getRequestMethod().equals("HEAD");
    if (head) {
      exchange.getResponseHeaders().set("Content-Length", Integer.toString(body.length));
    }
    exchange.sendResponseHeaders(status, head || body.length == 0 ? -1 : body.length);
    if (!head && body.length > 0) {
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(body);
      }
    }
  }

  private static String listing(Path repository) throws IOException {
    try (Stream<Path> files = Files.walk(repository)) {
      return files
          .filter(Files::isRegularFile)
          .sorted()
          .map(file -> entry(repository, file))
          .collect(Collectors.joining(",", "[", "]"));
    }
  }

  private static String entry(Path repository, Path file) {
    try {
      return "{\"type\": \"file\", \"path\": \"%s\", \"size\": %d, \"lfs\": {\"oid\": \"%s\", \"size\": %d}}"
          .formatted(
              repository.relativize(file).toString().replace('\\', '/'),
              Files.size(file),
              Sha256.of(file),
              Files.size(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
