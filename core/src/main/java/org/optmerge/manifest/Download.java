package org.optmerge.manifest;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Json;
import org.optmerge.base.Progress;
import org.optmerge.base.Sha256;

/**
 * One file over HTTP: into {@code NAME.part}, which is renamed to its name when every byte is there
 * and checked. What a failed attempt has got stays in the part; the next attempt asks for the rest.
 * Whether it is the rest of the same content is left to the server, by the tag it gave for the
 * beginning; without a tag or a checksum a download begins anew.
 */
final class Download {
  private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d+)-(\\d+)/(\\d+|\\*)");
  private static final int BLOCK = 1 << 18;

  /** A connection over which less comes in ten times the patience is given up, as if none came. */
  private static final long LEAST_BYTES = 1 << 16;

  /** Wrong bytes from the beginning to the end are not fetched more often than this. */
  private static final int WRONG_CONTENTS = 2;

  private final Transport transport;
  private final Retries retries;
  private final FetchOptions options;
  private final ScheduledExecutorService watch;
  private final FetchPlan.PlannedFile file;
  private final Path target;
  private final Path part;
  private final Path tags;
  private final Progress progress;
  private final Reserve reserve;
  private boolean measured;

  /** A check that a folder has room, before so many bytes are written to it. */
  interface Reserve {
    void check(Path folder, long bytes);
  }

  /**
   * The bytes that have come, and their own digest, whatever was published.
   *
   * @param measured whether anybody has said how many there should be
   */
  record Received(long bytes, String sha256, boolean measured) {}

  /** The content that the part is the beginning of. */
  private record Tags(String url, @Nullable String validator, @Nullable Long bytes) {}

  Download(
      Transport transport,
      Retries retries,
      FetchOptions options,
      ScheduledExecutorService watch,
      FetchPlan.PlannedFile file,
      Path target,
      Reserve reserve,
      Progress progress) {
    this.transport = transport;
    this.retries = retries;
    this.options = options;
    this.watch = watch;
    this.file = file;
    this.target = target;
    this.part = partOf(target);
    this.tags = target.resolveSibling(target.getFileName() + ".part.json");
    this.reserve = reserve;
    this.progress = progress;
  }

  /** The path of an unfinished file. */
  static Path partOf(Path target) {
    return target.resolveSibling(target.getFileName() + ".part");
  }

  /**
   * Fetches the file.
   *
   * @throws FetchException if it cannot be had; the part, if any, is kept for the next run
   */
  Received run() throws IOException, InterruptedException {
    Files.createDirectories(Objects.requireNonNull(target.toAbsolutePath().getParent()));
    Received received;
    try (FileChannel channel =
            FileChannel.open(
                part,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        FileLock lock = lock(channel)) {
      Objects.requireNonNull(lock);
      try {
        received = fill(channel);
      } catch (FetchException | IOException e) {
        if (channel.size() == 0) {
          Files.deleteIfExists(part);
          Files.deleteIfExists(tags);
        }
        throw e;
      }
      channel.force(true);
      AtomicFiles.move(part, target);
    }
    Files.deleteIfExists(tags);
    return received;
  }

  private FileLock lock(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return lock;
      }
    } catch (OverlappingFileLockException e) {
      // said below
    }
    throw new FetchException("'%s' is being fetched already, by another process".formatted(target));
  }

  private Received fill(FileChannel channel) throws IOException, InterruptedException {
    Retries.Patience patience = retries.patience();
    String what = Transport.shown(file.url());
    long furthest = channel.size();
    int wrong = 0;
    while (true) {
      try {
        boolean resumed = attempt(channel);
        Checksum checksum = file.checksum();
        if (checksum == null) {
          requireContent(channel, what);
        }
        if (checksum == null || checksum.matches(channel)) {
          return new Received(
              channel.size(), Sha256.of(channel, Sha256.begin()), checksum != null || measured);
        }
        String came = checksum.digest(channel);
        Optional<String> instead = Disguise.of(channel, target.getFileName().toString());
        forget(channel);
        wrong += resumed ? 0 : 1;
        if (wrong >= WRONG_CONTENTS) {
          throw new FetchException(
              "%s: its content is not what was published: expected %s %s, came %s%s; nothing of it is"
                      .formatted(
                          what,
                          checksum.algorithm(),
                          checksum.hexadecimal(),
                          came,
                          instead.map(" (%s)"::formatted).orElse(""))
                  + " kept. If its publisher has changed the file, put what came into the manifest;"
                  + " else try again later, or elsewhere");
        }
        // A part of an older content, or a slip on the way: once more, from the beginning.
      } catch (IOException e) {
        if (channel.size() > furthest) {
          furthest = channel.size();
          patience.reset();
        }
        patience.afterFailure(what, e);
      }
    }
  }

  /** Without a checksum, what is plainly not the file must not pass for it. */
  private void requireContent(FileChannel channel, String what) throws IOException {
    Optional<String> instead = Disguise.of(channel, target.getFileName().toString());
    if (instead.isPresent()) {
      forget(channel);
      throw new FetchException(
          "%s: %s came in place of the file; nothing of it is kept".formatted(what, instead.get()));
    }
  }

  /** Throws away what has come. */
  private void forget(FileChannel channel) throws IOException {
    progress.advanced(-channel.size());
    channel.truncate(0);
    Files.deleteIfExists(tags);
  }

  /**
   * Gets the rest of the file, or all of it.
   *
   * @return true if something of an earlier attempt was used
   */
  private boolean attempt(FileChannel channel) throws IOException, InterruptedException {
    Tags known = readTags();
    long have = channel.size();
    boolean resumable =
        known != null
            && Transport.shown(file.url()).equals(known.url())
            && (known.validator() != null || file.checksum() != null);
    if (have > 0 && (!resumable || (file.bytes() != null && have > file.bytes()))) {
      forget(channel);
      have = 0;
    }
    if (have > 0 && Long.valueOf(have).equals(file.bytes())) {
      return true;
    }
    Map<String, String> headers = new LinkedHashMap<>();
    if (have > 0 && known != null) {
      headers.put("Range", "bytes=%d-".formatted(have));
      if (known.validator() != null) {
        headers.put("If-Range", known.validator());
      }
    }
    HttpResponse<InputStream> response = transport.ask("GET", file.url(), headers);
    try (InputStream body = response.body()) {
      int status = response.statusCode();
      if (status == 416 && have > 0) {
        // The content is shorter than what we have, or exactly as long.
        if (known != null && Long.valueOf(have).equals(known.bytes())) {
          return true;
        }
        forget(channel);
        throw new Retries.Passing("the server has less than what had come before", null);
      }
      Retries.check(response, Transport.shown(file.url()));
      if (status != 200 && (status != 206 || have == 0)) {
        throw new FetchException(
            "%s: the server answers HTTP %d, which brings no file"
                .formatted(Transport.shown(file.url()), status));
      }
      requirePlain(response);
      OptionalLong length = response.headers().firstValueAsLong("Content-Length");
      long total;
      if (status == 206) {
        total = rangeTotal(response, have);
        if (known != null) {
          requireSameContent(channel, response, known, total);
        }
      } else {
        if (have > 0) {
          forget(channel);
          have = 0;
        }
        total = length.orElse(-1);
      }
      expectLength(total);
      measured = total >= 0 || file.bytes() != null;
      if (total >= 0) {
        reserve.check(part, total - have);
      }
      Files.writeString(
          tags,
          Json.line(
              new Tags(
                  Transport.shown(file.url()), validator(response), total < 0 ? null : total)));
      copy(body, channel, have, total >= 0 ? Long.valueOf(total) : file.bytes());
      Long published = file.bytes();
      long end = total >= 0 ? total : published == null ? channel.size() : published;
      if (channel.size() != end) {
        throw new Retries.Passing(
            "the connection ended after %d of %d bytes".formatted(channel.size(), end), null);
      }
      return status == 206;
    }
  }

  /**
   * A server or a proxy may send the rest of another content, though it was asked for the rest of
   * the same.
   */
  private void requireSameContent(
      FileChannel channel, HttpResponse<?> response, Tags known, long total) throws IOException {
    String validator = validator(response);
    boolean same =
        validator == null
            ? file.checksum() != null
            : known.validator() == null
                ? file.checksum() != null
                : validator.equals(known.validator());
    boolean asLong = total < 0 || known.bytes() == null || known.bytes() == total;
    if (!same || !asLong) {
      forget(channel);
      throw new Retries.Passing("the server sends the rest of another content", null);
    }
  }

  /** Encoded bytes, which nobody has asked for, are not those of the file. */
  private void requirePlain(HttpResponse<?> response) {
    String encoding = response.headers().firstValue("Content-Encoding").orElse("identity");
    String name = target.getFileName().toString();
    boolean stored = encoding.endsWith("gzip") && (name.endsWith(".gz") || name.endsWith(".tgz"));
    if (!encoding.isBlank() && !encoding.equals("identity") && !stored) {
      throw new FetchException(
          "%s: the server sends the file encoded as '%s', though it was asked for it as it is; fetch"
                  .formatted(Transport.shown(file.url()), encoding)
              + " it by other means, or from another address");
    }
  }

  private void expectLength(long total) {
    Long published = file.bytes();
    if (total >= 0 && published != null && total != published) {
      throw new FetchException(
          "%s: the server has %d bytes, expected are %d; the file was changed, or a page about an error came in its place"
              .formatted(Transport.shown(file.url()), total, published));
    }
  }

  private long rangeTotal(HttpResponse<?> response, long have) throws IOException {
    String range = response.headers().firstValue("Content-Range").orElse("");
    Matcher matcher = CONTENT_RANGE.matcher(range);
    if (!matcher.matches() || Long.parseLong(matcher.group(1)) != have) {
      throw new Retries.Passing(
          "asked for the bytes from %d on, the server sends '%s'".formatted(have, range), null);
    }
    return matcher.group(3).equals("*") ? -1 : Long.parseLong(matcher.group(3));
  }

  private void copy(InputStream body, FileChannel channel, long start, @Nullable Long end)
      throws IOException {
    byte[] block = new byte[BLOCK];
    AtomicLong lastRead = new AtomicLong(System.nanoTime());
    AtomicLong come = new AtomicLong();
    AtomicLong periodEnd = new AtomicLong(System.nanoTime() + 10 * options.stall().toNanos());
    AtomicBoolean stalled = new AtomicBoolean();
    long patience = options.stall().toNanos();
    long interval = Math.max(1, patience / 4);
    ScheduledFuture<?> guard =
        watch.scheduleWithFixedDelay(
            () -> {
              long now = System.nanoTime();
              boolean trickles = false;
              if (now > periodEnd.get()) {
                trickles = come.getAndSet(0) < LEAST_BYTES;
                periodEnd.set(now + 10 * patience);
              }
              if ((trickles || now - lastRead.get() > patience)
                  && stalled.compareAndSet(false, true)) {
                closeQuietly(body);
              }
            },
            interval,
            interval,
            TimeUnit.NANOSECONDS);
    long position = start;
    try {
      while (true) {
        int read = body.read(block);
        lastRead.set(System.nanoTime());
        if (read < 0) {
          break;
        }
        if (end != null && position + read > end) {
          channel.truncate(start);
          throw new FetchException(
              "%s: the server sends more than the %d bytes that it should have"
                  .formatted(Transport.shown(file.url()), end));
        }
        ByteBuffer bytes = ByteBuffer.wrap(block, 0, read);
        while (bytes.hasRemaining()) {
          position += channel.write(bytes, position);
        }
        come.addAndGet(read);
        progress.advanced(read);
      }
    } catch (IOException e) {
      throw stalled.get() ? stall() : e;
    } finally {
      guard.cancel(false);
    }
    if (stalled.get()) {
      throw stall();
    }
  }

  private Retries.Passing stall() {
    return new Retries.Passing(
        "nothing, or next to nothing, came for %d s"
            .formatted(Math.max(1, options.stall().toSeconds())),
        null);
  }

  private static void closeQuietly(InputStream stream) {
    try {
      stream.close();
    } catch (IOException e) {
      // The reading thread tells of it.
    }
  }

  /** The value of If-Range: an entity tag that stands for the very bytes, else the date. */
  private static @Nullable String validator(HttpResponse<?> response) {
    return response
        .headers()
        .firstValue("ETag")
        .filter(tag -> tag.startsWith("\""))
        .or(() -> response.headers().firstValue("Last-Modified"))
        .orElse(null);
  }

  private @Nullable Tags readTags() throws IOException {
    if (!Files.isRegularFile(tags)) {
      return null;
    }
    try {
      return Json.plain().readValue(Files.readAllBytes(tags), Tags.class);
    } catch (JsonProcessingException e) {
      return null;
    }
  }
}
