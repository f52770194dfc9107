package org.optmerge.manifest;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;

/** An HTTP server on this machine that does what a test tells it to, down to the bytes. */
public final class FaultyServer implements AutoCloseable {
  /** What was asked. */
  public record Request(String method, String path, Map<String, String> headers) {
    String header(String name) {
      return headers.getOrDefault(name.toLowerCase(Locale.ROOT), "");
    }

    /** Where a Range request wants to begin; 0 without one. */
    int from() {
      String range = header("Range");
      return range.isEmpty()
          ? 0
          : Integer.parseInt(range.replaceFirst("bytes=", "").replaceFirst("-.*", ""));
    }
  }

  /** Answers one request; the connection is closed afterwards. */
  public interface Answer {
    void to(Request request, Response response) throws IOException;
  }

  /** What is written back. */
  public static final class Response {
    private final OutputStream out;
    private final boolean head;

    private Response(OutputStream out, boolean head) {
      this.out = out;
      this.head = head;
    }

    Response begin(int status, String... headers) throws IOException {
      StringBuilder text = new StringBuilder("HTTP/1.1 " + status + " Told\r\n");
      for (String header : headers) {
        text.append(header).append("\r\n");
      }
      out.write(
          text.append("Connection: close\r\n\r\n").toString().getBytes(StandardCharsets.US_ASCII));
      out.flush();
      return this;
    }

    void body(byte[] bytes, int from, int to) throws IOException {
      if (!head) {
        out.write(bytes, from, to - from);
        out.flush();
      }
    }
  }

  private final ServerSocket socket;
  private final Map<String, Answer> answers = new ConcurrentHashMap<>();
  private final List<Request> requests = new CopyOnWriteArrayList<>();

  public FaultyServer() throws IOException {
    socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread accepting = new Thread(this::accept, "faulty-server");
    accepting.setDaemon(true);
    accepting.start();
  }

  private void accept() {
    while (!socket.isClosed()) {
      try {
        Socket connection = socket.accept();
        Thread thread = new Thread(() -> serve(connection), "faulty-connection");
        thread.setDaemon(true);
        thread.start();
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void serve(Socket connection) {
    try (connection) {
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(connection.getInputStream(), StandardCharsets.US_ASCII));
      String[] line = String.valueOf(in.readLine()).split(" ");
      if (line.length < 2) {
        return;
      }
      Map<String, String> headers = new TreeMap<>();
      for (String header = in.readLine();
          header != null && !header.isEmpty();
          header = in.readLine()) {
        String[] parts = header.split(":", 2);
        headers.put(parts[0].toLowerCase(Locale.ROOT), parts[1].strip());
      }
      Request request = new Request(line[0], line[1], headers);
      requests.add(request);
      Response response =
          new Response(connection.getOutputStream(), request.method().equals("HEAD"));
      Answer answer = answers.get(request.path().replaceFirst("\\?.*", ""));
      if (answer == null) {
        response.begin(404, "Content-Length: 0");
      } else {
        answer.to(request, response);
      }
    } catch (SocketException e) {
      // The client went away, as it may.
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Answers requests for a path so. */
  public FaultyServer on(String path, Answer answer) {
    answers.put(path, answer);
    return this;
  }

  /** Answers the n-th GET for a path (counted from 0) by what a function gives; HEAD by 405. */
  FaultyServer onTurn(String path, IntFunction<Answer> turns) {
    AtomicInteger turn = new AtomicInteger();
    return on(
        path,
        (request, response) -> {
          if (request.method().equals("HEAD")) {
            response.begin(405, "Content-Length: 0");
          } else {
            turns.apply(turn.getAndIncrement()).to(request, response);
          }
        });
  }

  public URI uri(String path) {
    return URI.create("http://localhost:" + socket.getLocalPort() + path);
  }

  /** The same server by another name, and so another origin. */
  URI otherOrigin(String path) {
    return URI.create("http://127.0.0.1:" + socket.getLocalPort() + path);
  }

  /** GET requests so far, for a path. */
  List<Request> gets(String path) {
    return requests.stream()
        .filter(request -> request.method().equals("GET"))
        .filter(request -> request.path().replaceFirst("\\?.*", "").equals(path))
        .toList();
  }

  public List<Request> requests() {
    return requests;
  }

  /**
   * Sends a content as a good server does: whole, or from where it was asked for if the tag fits.
   */
  public static Answer content(byte[] bytes, String tag) {
    return (request, response) -> {
      String condition = request.header("If-Range");
      boolean ranged =
          !request.header("Range").isEmpty() && (condition.isEmpty() || condition.equals(tag));
      int from = ranged ? request.from() : 0;
      if (ranged && from >= bytes.length) {
        response.begin(416, "Content-Range: bytes */" + bytes.length, "Content-Length: 0");
        return;
      }
      response.begin(
          ranged ? 206 : 200,
          "ETag: " + tag,
          ranged
              ? "Content-Range: bytes %d-%d/%d".formatted(from, bytes.length - 1, bytes.length)
              : "Accept-Ranges: bytes",
          "Content-Length: " + (bytes.length - from));
      response.body(bytes, from, bytes.length);
    };
  }

  /** As {@link #content}, but the connection breaks after so many bytes. */
  static Answer broken(byte[] bytes, String tag, int after) {
    return (request, response) -> {
      boolean ranged = !request.header("Range").isEmpty();
      int from = ranged ? request.from() : 0;
      response.begin(
          ranged ? 206 : 200,
          "ETag: " + tag,
          "Content-Range: bytes %d-%d/%d".formatted(from, bytes.length - 1, bytes.length),
          "Content-Length: " + (bytes.length - from));
      response.body(bytes, from, Math.min(bytes.length, from + after));
    };
  }

  static Answer status(int status, String... headers) {
    String[] all = java.util.Arrays.copyOf(headers, headers.length + 1);
    all[headers.length] = "Content-Length: 0";
    return (request, response) -> response.begin(status, all);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
