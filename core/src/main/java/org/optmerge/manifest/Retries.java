package org.optmerge.manifest;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** Repeats what may succeed later: with longer and longer waits, or as the server asks. */
final class Retries {
  private static final Set<Integer> PASSING = Set.of(408, 425, 429, 500, 502, 503, 504);

  private final FetchOptions options;

  Retries(FetchOptions options) {
    this.options = options;
  }

  /** A failure that may pass. */
  static final class Passing extends IOException {
    private final transient @Nullable Duration wait;

    Passing(String message, @Nullable Duration wait) {
      super(message);
      this.wait = wait;
    }
  }

  /** Work that may fail. */
  interface Attempt<T> {
    T run() throws IOException, InterruptedException;
  }

  /** Counts failures, and waits between them. */
  final class Patience {
    private int failures;

    /** Begins to count anew: something was gained. */
    void reset() {
      failures = 0;
    }

    /**
     * Waits before the next attempt.
     *
     * @throws FetchException if there were enough attempts, or the server asks to wait for too long
     */
    void afterFailure(String what, IOException failure) throws InterruptedException {
      failures++;
      if (failures > options.retries()) {
        throw new FetchException(
            "%s: %s (tried %d times); what has come is kept, the same command goes on from there"
                .formatted(what, reason(failure), failures),
            failure);
      }
      Duration asked = failure instanceof Passing passing ? passing.wait : null;
      if (asked != null && asked.compareTo(options.longestDelay()) > 0) {
        throw new FetchException(
            "%s: %s, and asks to come back in %d s; what has come is kept, the same command goes on from there"
                .formatted(what, reason(failure), asked.toSeconds()),
            failure);
      }
      Thread.sleep((asked != null ? asked : backOff()).toMillis());
    }

    /** Doubled each time, and not the same for all who failed at once. */
    private Duration backOff() {
      double doubled = options.firstDelay().toMillis() * Math.pow(2, failures - 1);
      double most = Math.min(doubled, options.longestDelay().toMillis());
      return Duration.ofMillis((long) (most * ThreadLocalRandom.current().nextDouble(0.5, 1)));
    }
  }

  Patience patience() {
    return new Patience();
  }

  /** Tries until it succeeds or fails for good. */
  <T> T run(String what, Attempt<T> attempt) {
    Patience patience = patience();
    try {
      while (true) {
        try {
          return attempt.run();
        } catch (IOException e) {
          patience.afterFailure(what, e);
        }
      }
    } catch (InterruptedException e) {
      throw interrupted(what);
    }
  }

  static FetchException interrupted(String what) {
    Thread.currentThread().interrupt();
    return new FetchException("%s: interrupted; what has come is kept".formatted(what));
  }

  /**
   * Throws unless a response is a success.
   *
   * @throws Passing if it may be one later
   * @throws FetchException if not
   */
  static void check(HttpResponse<?> response, String what) throws Passing {
    int status = response.statusCode();
    if (status >= 200 && status < 300) {
      return;
    }
    if (PASSING.contains(status)) {
      throw new Passing(
          "the server answers HTTP %d".formatted(status),
          response.headers().firstValue("Retry-After").flatMap(Retries::wait).orElse(null));
    }
    throw new FetchException(
        switch (status) {
          case 401, 403 ->
              "%s: no permission (HTTP %d); it may want an account, accepted terms, or a token in HF_TOKEN"
                  .formatted(what, status);
          case 404, 410 ->
              "%s: not there (HTTP %d); the address may have changed, see the manifest's homepage"
                  .formatted(what, status);
          case 407 -> "%s: the proxy wants a name and password (HTTP 407)".formatted(what);
          default -> "%s: the server answers HTTP %d".formatted(what, status);
        });
  }

  /** Seconds, or a date. */
  static Optional<Duration> wait(String retryAfter) {
    String text = retryAfter.strip();
    if (text.matches("\\d{1,9}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
    }
    try {
      Instant when = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      Duration wait = Duration.between(Instant.now(), when);
      return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }

  private static String reason(IOException failure) {
    if (failure instanceof Passing) {
      return String.valueOf(failure.getMessage());
    }
    String message = failure.getMessage();
    String kind =
        failure instanceof java.net.ConnectException
            ? "no connection"
            : failure instanceof java.net.http.HttpTimeoutException
                ? "no answer in time"
                : "the connection failed";
    return message == null ? kind : kind + " (" + message + ")";
  }
}
