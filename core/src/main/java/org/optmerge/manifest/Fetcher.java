package org.optmerge.manifest;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.FileErrors;
import org.optmerge.base.InterruptedWorkException;
import org.optmerge.base.Progress;
import org.optmerge.base.Sha256;
import org.optmerge.base.Workers;
import org.optmerge.manifest.FetchPlan.Commit;
import org.optmerge.manifest.FetchPlan.PlannedFile;
import org.optmerge.manifest.FetchPlan.State;

/**
 * Makes verified local copies of what manifests name.
 *
 * <p>A file appears under its name only when all of its bytes are there, are checked against the
 * published checksum where there is one, and are on the disk. Fetching again fetches what is
 * missing.
 */
public final class Fetcher implements AutoCloseable {
  private final FetchOptions options;
  private final Transport transport;
  private final Retries retries;
  private final HubListing hub;
  private final ScheduledExecutorService watch;

  public Fetcher(FetchOptions options) {
    this.options = options;
    transport = new Transport(options);
    retries = new Retries(options);
    hub = new HubListing(transport, retries, options);
    watch =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "fetch-watch");
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * The outcome of fetching.
   *
   * @param fetched files that came in this run
   * @param present files that were there before
   * @param bytes that came in this run
   * @param unverified files for which nobody has published a checksum
   * @param unmeasured those of them that came in this run and of which nobody said the length
   *     either: nothing about them is known to be right
   * @param unpacked files out of archives
   */
  public record Report(
      int fetched,
      int present,
      long bytes,
      List<String> unverified,
      List<String> unmeasured,
      long unpacked) {
    public Report {
      unverified = List.copyOf(unverified);
      unmeasured = List.copyOf(unmeasured);
    }
  }

  /**
   * Finds out what there is to fetch. Asks servers, writes nothing.
   *
   * @param manifest what is wanted
   * @param folder where its files are or will be
   * @param only patterns of paths; only files that match one are planned; empty: all
   * @throws FetchException if a listing cannot be had, or no file matches
   */
  public FetchPlan plan(Manifest manifest, Path folder, List<String> only) {
    Optional<Receipt> receipt = Receipt.of(folder);
    List<Pattern> patterns = only.stream().map(Globs::pattern).toList();
    List<Commit> commits = new ArrayList<>();
    List<PlannedFile> files = new ArrayList<>();
    List<Source.ByHand> byHand = new ArrayList<>();
    for (Source source : manifest.sources()) {
      if (source instanceof Source.WebFile file) {
        files.add(
            new PlannedFile(
                file.url(),
                SafePath.check(file.path()),
                file.bytes(),
                Checksum.strongest(file.sha256(), file.md5()),
                file.unpackInto()));
      } else if (source instanceof Source.Hub repository) {
        HubListing.Listing listing = hub.list(repository);
        commits.add(new Commit(repository.repository(), listing.commit()));
        files.addAll(listing.files());
      } else {
        byHand.add((Source.ByHand) source);
      }
    }
    files.removeIf(file -> !patterns.isEmpty() && !Globs.anyMatches(patterns, file.path()));
    files.replaceAll(file -> examined(folder, receipt, file));
    Set<String> paths = new LinkedHashSet<>();
    for (PlannedFile file : files) {
      if (!paths.add(file.path()) || file.path().equals(Receipt.NAME)) {
        throw new FetchException(
            "manifest %s: two files would be called '%s'".formatted(manifest.name(), file.path()));
      }
    }
    if (files.isEmpty() && !only.isEmpty() && manifest.isFetchable()) {
      throw new FetchException(
          "manifest %s: no file matches %s".formatted(manifest.name(), String.join(", ", only)));
    }
    return new FetchPlan(manifest, folder, commits, files, byHand, only.isEmpty());
  }

  /** The file with what is there of it. */
  private PlannedFile examined(Path folder, Optional<Receipt> receipt, PlannedFile file) {
    try {
      Path target = folder.resolve(file.path());
      Receipt.@Nullable Entry entry =
          receipt.flatMap(given -> given.find(file.path())).orElse(null);
      if (isPresent(folder, entry, file)) {
        long bytes = entry == null ? Files.size(target) : entry.bytes();
        return file.found(bytes, State.PRESENT, bytes);
      }
      Path part = Download.partOf(target);
      boolean begun = Files.isRegularFile(part);
      return file.found(
          file.bytes() == null ? length(file.url()) : file.bytes(),
          begun ? State.PARTIAL : State.ABSENT,
          begun ? Files.size(part) : 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * True if a file is what it should be: as the receipt has it if it was not touched since, else by
   * its checksum. A file of no known checksum that we did not fetch is taken for what it is called.
   */
  private static boolean isPresent(Path folder, Receipt.@Nullable Entry entry, PlannedFile file)
      throws IOException {
    if (file.unpackInto() != null) {
      return entry != null
          && file.unpackInto().equals(entry.unpackedInto())
          && Files.isDirectory(folder.resolve(file.unpackInto()));
    }
    Path target = folder.resolve(file.path());
    if (!Files.isRegularFile(target)) {
      return false;
    }
    long size = Files.size(target);
    if (file.bytes() != null && size != file.bytes()) {
      return false;
    }
    Checksum checksum = file.checksum();
    if (checksum == null) {
      return entry == null
          || (entry.bytes() == size
              && (entry.modified() == Files.getLastModifiedTime(target).toMillis()
                  || Sha256.of(target).equals(entry.sha256())));
    }
    boolean known =
        entry != null
            && entry.bytes() == size
            && entry.modified() == Files.getLastModifiedTime(target).toMillis()
            && (checksum.algorithm() == Checksum.Algorithm.SHA_256
                ? checksum.hexadecimal().equals(entry.sha256())
                : entry.verified() != null);
    if (known) {
      return true;
    }
    try (FileChannel channel = FileChannel.open(target)) {
      return checksum.matches(channel);
    }
  }

  /** The length that the server gives for a file; null if it gives none. */
  private @Nullable Long length(URI url) {
    try {
      HttpResponse<InputStream> response = transport.ask("HEAD", url, Map.of());
      response.body().close();
      if (response.statusCode() == 200) {
        long length = response.headers().firstValueAsLong("Content-Length").orElse(-1);
        return length < 0 ? null : length;
      }
      return null;
    } catch (IOException | FetchException e) {
      return null; // the download will tell
    } catch (InterruptedException e) {
      throw Retries.interrupted(Transport.shown(url));
    }
  }

  /**
   * Fetches what is planned and not there.
   *
   * @throws FetchException if something could not be fetched; the rest was, and the message lists
   *     all that failed
   */
  public Report run(List<FetchPlan> plans, Progress progress) {
    progress.phase("fetching");
    List<Job> jobs = new ArrayList<>();
    List<Ledger> ledgers = new ArrayList<>();
    int present = 0;
    long presentBytes = 0;
    for (FetchPlan plan : plans) {
      Ledger ledger = new Ledger(plan);
      ledgers.add(ledger);
      for (PlannedFile file : plan.files()) {
        jobs.add(new Job(ledger, file));
        if (file.state() == State.PRESENT) {
          present++;
          presentBytes += file.bytes() == null ? 0 : file.bytes();
        }
      }
    }
    progress.started("fetching", plans.stream().mapToLong(FetchPlan::bytes).sum(), Progress.BYTES);
    progress.parts(jobs.size(), "files");
    long begun =
        jobs.stream()
            .map(Job::file)
            .filter(file -> file.state() == State.PARTIAL)
            .mapToLong(PlannedFile::done)
            .sum();
    progress.resumed(presentBytes + begun, present);
    for (FetchPlan plan : plans) {
      checkSpace(plan.folder(), spaceFor(plan));
    }
    Outcome outcome = fetchAll(jobs, progress);
    if (!outcome.failures().isEmpty()) {
      throw new FetchException(String.join("\n", outcome.failures()), outcome.first());
    }
    ledgers.forEach(Ledger::complete);
    progress.finished();
    List<String> unverified =
        jobs.stream()
            .map(Job::file)
            .filter(file -> !file.isVerifiable())
            .map(PlannedFile::path)
            .toList();
    return new Report(
        jobs.size() - present,
        present,
        outcome.bytes(),
        unverified,
        outcome.unmeasured(),
        outcome.unpacked());
  }

  private record Job(Ledger ledger, PlannedFile file) {}

  private record Outcome(
      List<String> failures,
      @Nullable Throwable first,
      long bytes,
      List<String> unmeasured,
      long unpacked) {}

  /** What came of a file; its path if nobody said how long it is. */
  private record Done(
      long bytes, long unpacked, @Nullable String unmeasured, @Nullable Throwable failure) {}

  private Outcome fetchAll(List<Job> jobs, Progress progress) {
    List<String> failures = new ArrayList<>();
    Throwable first = null;
    long bytes = 0;
    long unpacked = 0;
    List<String> unmeasured = new ArrayList<>();
    List<Job> wanted = jobs.stream().filter(job -> job.file().state() != State.PRESENT).toList();
    try (Workers workers = Workers.interrupting(options.parallel(), "fetch", () -> {})) {
      for (Done done : workers.map(wanted, job -> attempt(job, progress))) {
        bytes += done.bytes();
        unpacked += done.unpacked();
        if (done.unmeasured() != null) {
          unmeasured.add(done.unmeasured());
        }
        if (done.failure() != null) {
          first = first == null ? done.failure() : first;
          failures.add(message(done.failure()));
        }
      }
    } catch (InterruptedWorkException e) {
      throw Retries.interrupted("fetching");
    }
    return new Outcome(failures, first, bytes, unmeasured, unpacked);
  }

  private static String message(Throwable cause) {
    return cause instanceof FetchException
        ? String.valueOf(cause.getMessage())
        : "fetching failed: "
            + (cause instanceof Exception failure ? FileErrors.reason(failure) : cause);
  }

  /** Fetches a file, and returns a failure: it does not keep the other files from being fetched. */
  private Done attempt(Job job, Progress progress) throws InterruptedException {
    try {
      return fetch(job, progress);
    } catch (IOException | RuntimeException e) {
      return new Done(0, 0, null, e);
    }
  }

  private Done fetch(Job job, Progress progress) throws IOException, InterruptedException {
    PlannedFile file = job.file();
    Path folder = job.ledger().plan.folder();
    Path target = folder.resolve(file.path());
    Receipt.Entry entry = file.unpackInto() == null ? null : job.ledger().archive(file);
    long came = 0;
    boolean measured = true;
    if (entry == null) {
      Download.Received received =
          new Download(
                  transport, retries, options, watch, file, target, Fetcher::checkSpace, progress)
              .run();
      came = received.bytes() - file.done();
      measured = received.measured();
      entry =
          new Receipt.Entry(
              file.path(),
              Transport.shown(file.url()),
              received.bytes(),
              received.sha256(),
              file.checksum() == null ? null : file.checksum().algorithm().toString(),
              Files.getLastModifiedTime(target).toMillis(),
              null);
      job.ledger().note(entry);
    }
    long unpacked = 0;
    if (file.unpackInto() != null) {
      progress.phase("unpacking " + target.getFileName());
      try {
        unpacked =
            Archives.unpack(target, folder.resolve(file.unpackInto()), Archives.Limits.DEFAULT);
      } catch (FetchException e) {
        if (file.checksum() == null) {
          Files.delete(target); // it may have been damaged on its way
        }
        throw e;
      }
      job.ledger().note(entry.unpacked(file.unpackInto()));
      Files.delete(target);
    }
    progress.finishedPart(file.path());
    return new Done(came, unpacked, measured ? null : file.path(), null);
  }

  /** The receipt of one folder, written after each file. */
  private static final class Ledger {
    private final FetchPlan plan;
    private @Nullable Receipt receipt; // guarded by this

    Ledger(FetchPlan plan) {
      this.plan = plan;
    }

    /**
     * An archive that has come, and that an earlier run could not unpack; null if there is none.
     */
    synchronized Receipt.@Nullable Entry archive(PlannedFile file) throws IOException {
      Receipt.Entry entry = current().find(file.path()).orElse(null);
      Path archive = plan.folder().resolve(file.path());
      boolean there =
          entry != null
              && entry.unpackedInto() == null
              && Files.isRegularFile(archive)
              && Files.size(archive) == entry.bytes()
              && Sha256.of(archive).equals(entry.sha256());
      if (there && file.checksum() != null) {
        try (FileChannel channel = FileChannel.open(archive)) {
          there = file.checksum().matches(channel);
        }
      }
      return there ? entry : null;
    }

    synchronized void note(Receipt.Entry entry) throws IOException {
      write(current().with(entry));
    }

    /** All files of the plan are there. */
    synchronized void complete() {
      Receipt now = current();
      if (plan.whole() && !now.files().isEmpty() && !now.complete()) {
        try {
          write(now.completed());
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }

    private void write(Receipt after) throws IOException {
      after.writeTo(plan.folder());
      receipt = after;
    }

    private Receipt current() {
      if (receipt != null) {
        return receipt;
      }
      Optional<Receipt> earlier = Receipt.of(plan.folder());
      Map<String, String> commits = new LinkedHashMap<>();
      earlier.ifPresent(old -> commits.putAll(old.commits()));
      plan.commits().forEach(commit -> commits.put(commit.repository(), commit.commit()));
      return new Receipt(
          plan.manifest().name(),
          commits,
          earlier.map(Receipt::complete).orElse(false),
          earlier.map(Receipt::files).orElse(List.of()));
    }
  }

  /** An archive and its content are there together for a while; images hardly shrink in one. */
  private static long spaceFor(FetchPlan plan) {
    return plan.files().stream()
        .filter(file -> file.state() != State.PRESENT && file.bytes() != null)
        .mapToLong(
            file ->
                file.remaining()
                    + (file.unpackInto() == null || file.bytes() == null ? 0 : file.bytes()))
        .sum();
  }

  /**
   * Checks that a disk has room.
   *
   * @throws FetchException if it has not
   */
  private static void checkSpace(Path folder, long bytes) {
    try {
      Path existing = folder.toAbsolutePath();
      while (!Files.exists(existing) && existing.getParent() != null) {
        existing = existing.getParent();
      }
      FileStore disk = Files.getFileStore(existing);
      long free = disk.getUsableSpace();
      if (bytes > free) {
        throw new FetchException(
            "the disk of '%s' has %d MB free, %d MB are needed; free some, or choose another folder with --out or OPTMERGE_DATA"
                .formatted(folder, free / 1_000_000, bytes / 1_000_000));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    watch.shutdownNow();
  }
}
