package org.optmerge.merge;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.FileErrors;
import org.optmerge.base.FileIdentity;
import org.optmerge.base.Json;
import org.optmerge.base.Trees;

/**
 * The hidden folder beside the output in which a merge works, and the one step that makes the
 * output appear.
 *
 * <p>For an output {@code out} it is {@code .out.optmerge}, with the journal and the growing
 * checkpoint. It lies in the same file system, so the last step is a rename: the output is complete
 * or not there.
 *
 * <p>While it is open its journal is locked, so a second merge into the same output is refused and
 * touches nothing.
 */
final class Workspace implements AutoCloseable {
  private static final String JOURNAL = "journal.jsonl";
  private static final String STAGING = "checkpoint";

  /** The number of times that a folder may vanish while it is being locked, as merges in it end. */
  private static final int ATTEMPTS = 100;

  /** As many links as an operating system follows. */
  private static final int MOST_LINKS = 40;

  private final Path out;
  private final Path folder;
  private final Path ground;
  private final boolean force;
  private final FileChannel journal;

  /**
   * @param ground the folder above the output that was there before
   */
  private Workspace(Path out, Path folder, Path ground, boolean force, FileChannel journal) {
    this.out = out;
    this.folder = folder;
    this.ground = ground;
    this.force = force;
    this.journal = journal;
  }

  /**
   * Checks the output against the inputs and what is there, before anything is written.
   *
   * @throws MergeException if the output cannot or must not be written, or another merge writes it
   */
  static Workspace open(Path out, Collection<Path> inputs, MergeOptions options) {
    try {
      Path absolute = target(out);
      Path parent = absolute.getParent();
      if (parent == null) {
        throw new MergeException(
            "%s: the root of a file system cannot be an output folder".formatted(out));
      }
      Path nearest = nearestExisting(parent);
      if (!Files.isDirectory(nearest)) {
        throw new MergeException(
            "cannot make output folder %s: %s is a file".formatted(out, nearest));
      }
      refuseMountPoint(out, absolute);
      for (Path input : inputs) {
        refuseOverlap(out, absolute, input);
      }
      Path folder = parent.resolve("." + absolute.getFileName() + ".optmerge");
      if (!Files.exists(folder)) {
        refuseOccupied(out, absolute, options.has(MergeOptions.Flag.FORCE));
      }
      Workspace workspace =
          new Workspace(
              absolute, folder, nearest, options.has(MergeOptions.Flag.FORCE), lock(folder));
      try {
        workspace.prepare(out, options.has(MergeOptions.Flag.RESUME));
        return workspace;
      } catch (IOException | RuntimeException e) {
        workspace.close();
        throw e;
      }
    } catch (AccessDeniedException e) {
      throw new MergeException(
          "cannot write %s: no permission for %s; choose another output folder"
              .formatted(out, e.getFile()),
          e);
    } catch (NoSuchFileException e) {
      throw new MergeException(
          "cannot write %s: %s cannot be made there; choose another output folder"
              .formatted(out, e.getFile()),
          e);
    } catch (IOException e) {
      throw new MergeException("cannot write %s: %s".formatted(out, FileErrors.reason(e)), e);
    }
  }

  /**
   * The place of an output, with every link on the way to it followed: beside that place the merge
   * works, and that place is what the last rename gives a new content.
   *
   * @throws MergeException if links lead nowhere or in a circle
   */
  static Path target(Path out) throws IOException {
    Path path = out.toAbsolutePath();
    for (int step = 0; step < MOST_LINKS; step++) {
      Path ground = nearestExisting(path);
      int known = ground.getNameCount();
      int all = path.getNameCount();
      Path real = ground.toRealPath();
      if (known == all) {
        return real;
      }
      Path next = ground.resolve(path.getName(known));
      if (!Files.isSymbolicLink(next)) {
        return real.resolve(path.subpath(known, all)).normalize();
      }
      // A link to what is not there yet.
      Path leads = real.resolve(Files.readSymbolicLink(next));
      path = known + 1 == all ? leads : leads.resolve(path.subpath(known + 1, all));
    }
    throw new MergeException(
        "output folder %s is a link that leads back to itself; choose another".formatted(out));
  }

  /**
   * Removes what a merge left beside its output that was killed when all was done but the tidying.
   *
   * @throws MergeException if another merge works there
   */
  static void tidy(Path out) throws IOException {
    Path absolute = target(out);
    Path parent = Objects.requireNonNull(absolute.getParent());
    Path folder = parent.resolve("." + absolute.getFileName() + ".optmerge");
    if (!Files.exists(folder) || Files.exists(folder.resolve(STAGING))) {
      return;
    }
    try (Workspace workspace = new Workspace(absolute, folder, parent, false, lock(folder))) {
      workspace.restorePrevious();
      workspace.deleteFolder();
    }
  }

  /** Makes the folder if need be, and takes it for this merge alone. */
  private static FileChannel lock(Path folder) throws IOException {
    Path file = folder.resolve(JOURNAL);
    for (int attempt = 1; ; attempt++) {
      try {
        Files.createDirectories(folder);
        if (!Files.exists(file)) {
          Files.createFile(file);
        }
        Optional<FileChannel> channel = lockIfThere(file);
        if (channel.isPresent()) {
          return channel.get();
        }
      } catch (NoSuchFileException | FileAlreadyExistsException e) {
        if (attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  /** Empty if a merge that ended meanwhile took the file with it. */
  @SuppressWarnings("MustBeClosedChecker") // handed on, and closed with the workspace
  private static Optional<FileChannel> lockIfThere(Path file) throws IOException {
    Object before = identity(file);
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
    boolean taken = false;
    try {
      if (!tryLock(channel)) {
        throw new MergeException(
            "another merge into the same folder is running (it holds %s); wait for it or choose another output folder"
                .formatted(file));
      }
      taken = before.equals(identity(file));
      return taken ? Optional.of(channel) : Optional.empty();
    } finally {
      if (!taken) {
        channel.close();
      }
    }
  }

  private static boolean tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException e) { // by this process
      return false;
    }
  }

  /** A key that tells a file from another that took its name. */
  private static Object identity(Path file) throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
    Object key = attributes.fileKey();
    return key == null ? attributes.creationTime() : key;
  }

  /** With the folder locked: what an earlier merge left is put right, kept or refused. */
  private void prepare(Path named, boolean resume) throws IOException {
    boolean unfinished = journal.size() > 0;
    try {
      restorePrevious();
      refuseOccupied(named, out, force);
    } catch (IOException | RuntimeException e) {
      if (!unfinished) {
        discard();
      }
      throw e;
    }
    if (unfinished && !resume && !force) {
      throw new MergeException(
          "an unfinished merge into %s is in %s; --resume continues it, --force discards it"
              .formatted(named, folder));
    }
    if (!resume && Files.exists(staging())) {
      Trees.delete(staging());
    }
    Files.createDirectories(staging());
  }

  /** An earlier result that a merge was killed over while it took its place. */
  private void restorePrevious() throws IOException {
    Path previous = previous();
    if (!Files.exists(previous)) {
      return;
    }
    if (Files.exists(out)) {
      keepForeignFiles(previous);
      Trees.delete(previous);
    } else {
      AtomicFiles.move(previous, out);
    }
  }

  /** The folder in which the checkpoint grows. */
  Path staging() {
    return folder.resolve(STAGING);
  }

  /** The journal, open and locked. */
  FileChannel journal() {
    return journal;
  }

  /** The journal's place. */
  Path journalFile() {
    return folder.resolve(JOURNAL);
  }

  /** The hidden folder itself. */
  Path folder() {
    return folder;
  }

  private Path previous() {
    return folder.resolve("previous");
  }

  /** Forces everything to disk, then makes the output appear under its name. */
  void publish() throws IOException {
    Trees.force(staging());
    Path previous = previous();
    boolean replaces = force && Files.isDirectory(out) && !isEmpty(out);
    if (replaces) {
      AtomicFiles.move(out, previous);
    }
    AtomicFiles.move(staging(), out);
    Trees.forceOne(Objects.requireNonNull(folder.getParent()));
    if (replaces) {
      keepForeignFiles(previous);
    }
    deleteFolder();
  }

  /** Removes an unfinished merge and the folders made for it, as far as that is possible. */
  void discard() {
    try {
      deleteFolder();
      Path parent = folder.getParent();
      while (parent != null && !parent.equals(ground)) {
        Files.delete(parent);
        parent = parent.getParent();
      }
    } catch (IOException e) {
      // The reason of the failure matters to the user, not that a hidden or empty folder could not
      // be removed after it.
    }
  }

  /** The journal goes last: while it is there and locked, no other merge moves in. */
  private void deleteFolder() throws IOException {
    for (Path part : List.of(staging(), previous())) {
      if (Files.exists(part)) {
        Trees.delete(part);
      }
    }
    Files.deleteIfExists(folder.resolve(JOURNAL));
    try {
      Files.delete(folder);
    } catch (DirectoryNotEmptyException e) {
      // The next merge into the same output has moved in; the folder is its own now.
    }
  }

  /** Lets other merges have the folder. */
  @Override
  public void close() {
    try {
      journal.close();
    } catch (IOException e) {
      // Nothing of it is needed any more, or it was complete before.
    }
  }

  /** Keeps what a user put beside an earlier result; what that merge made goes. */
  private void keepForeignFiles(Path previous) throws IOException {
    List<Path> owned = ownedFiles(previous);
    try (Stream<Path> files = Files.walk(previous)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        Path relative = previous.relativize(file);
        Path target = out.resolve(relative);
        if (!owned.contains(relative) && !Files.exists(target)) {
          Path targetFolder = target.getParent();
          if (targetFolder != null) {
            Files.createDirectories(targetFolder);
          }
          Files.move(file, target);
        }
      }
    }
  }

  /** Nothing can be renamed to the root of a file system, and beside it lies another one. */
  private static void refuseMountPoint(Path out, Path absolute) throws IOException {
    Path parent = Objects.requireNonNull(absolute.getParent());
    if (Files.isDirectory(absolute)
        && !FileIdentity.near(absolute).device().equals(FileIdentity.near(parent).device())) {
      throw new MergeException(
          "output folder %s is where a disk is mounted, and a result appears there by a rename, which needs a name on that disk; choose a folder inside it, such as %s"
              .formatted(out, out.resolve("merged")));
    }
  }

  private static void refuseOverlap(Path out, Path real, Path input) throws IOException {
    if (!Files.exists(input)) {
      return;
    }
    Path realInput = input.toRealPath();
    if (real.equals(realInput)) {
      throw new MergeException(
          "output folder %s is the input model %s; it would overwrite what it reads. Choose another output folder"
              .formatted(out, input));
    }
    if (real.startsWith(realInput) || realInput.startsWith(real)) {
      throw new MergeException(
          "output folder %s and input model %s lie one inside the other; choose another output folder"
              .formatted(out, input));
    }
  }

  private static void refuseOccupied(Path out, Path absolute, boolean force) throws IOException {
    if (!Files.exists(absolute)) {
      return;
    }
    if (!Files.isDirectory(absolute)) {
      throw new MergeException("output %s exists and is not a folder".formatted(out));
    }
    if (isEmpty(absolute)) {
      return;
    }
    if (!force) {
      throw new MergeException(
          "output folder %s is not empty; choose another, or --force to replace what an earlier merge left there"
              .formatted(out));
    }
    if (!Files.exists(absolute.resolve(Provenance.FILE))) {
      throw new MergeException(
          "output folder %s is not empty and was not made by a merge (it has no %s), so --force leaves it alone; empty it yourself or choose another"
              .formatted(out, Provenance.FILE));
    }
    ownedFiles(absolute);
    if (!Files.isWritable(absolute)) {
      throw new AccessDeniedException(absolute.toString());
    }
  }

  private static Path nearestExisting(Path path) {
    Path at = path;
    while (!Files.exists(at)) {
      at = Objects.requireNonNull(at.getParent(), "the root of a file system exists");
    }
    return at;
  }

  /** True as long as what was finished is where a later run looks for it. */
  boolean isThere() {
    return Files.exists(journalFile()) && Files.isDirectory(staging());
  }

  /** Refuses a merge that the disk cannot hold, before it begins. */
  void requireSpace(long bytes) throws IOException {
    long usable = Files.getFileStore(folder).getUsableSpace();
    if (usable < bytes) {
      throw new MergeException(
          String.format(
              Locale.ROOT,
              "output folder %s needs %,d bytes more, its file system has %,d free; make room or choose another output folder",
              out,
              bytes,
              usable));
    }
  }

  private static List<Path> ownedFiles(Path folder) throws IOException {
    List<Path> owned = new ArrayList<>();
    owned.add(Path.of(Provenance.FILE));
    try {
      JsonNode provenance = Json.plain().readTree(folder.resolve(Provenance.FILE).toFile());
      for (JsonNode output : provenance.path("outputs")) {
        owned.add(Path.of(output.path("file").asText()));
      }
    } catch (JsonProcessingException | InvalidPathException e) {
      throw new MergeException(
          "%s is damaged, so it cannot be told which files --force may replace; empty the folder yourself or choose another"
              .formatted(folder.resolve(Provenance.FILE)),
          e);
    }
    return owned;
  }

  private static boolean isEmpty(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.findAny().isEmpty();
    }
  }
}
