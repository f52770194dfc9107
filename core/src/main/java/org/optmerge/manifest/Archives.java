package org.optmerge.manifest;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.HashSet;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.ArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Trees;

/**
 * Unpacks archives that anyone may have made: nothing is written outside the folder, no link is
 * followed or made, and an archive that swells beyond all measure is given up. The folder appears
 * with all of the content or not at all.
 */
final class Archives {
  private Archives() {}

  /** The kinds of archives that are unpacked. */
  enum Format {
    ZIP(".zip"),
    TAR(".tar"),
    TAR_GZ(".tar.gz");

    private final String suffix;

    Format(String suffix) {
      this.suffix = suffix;
    }

    /** The format that a name ends with. */
    static Format of(String name) {
      String lower = name.toLowerCase(Locale.ROOT).replaceFirst("\\.tgz$", ".tar.gz");
      for (Format format : values()) {
        if (lower.endsWith(format.suffix)) {
          return format;
        }
      }
      throw new IllegalArgumentException(
          "'%s' cannot be unpacked; expected .zip, .tar, .tar.gz or .tgz".formatted(name));
    }
  }

  /**
   * The bounds of what an archive may hold.
   *
   * @param entries so many members
   * @param bytes so many bytes in all
   * @param ratio so many times the archive's own size, or 100 MB if that is more
   */
  record Limits(long entries, long bytes, long ratio) {
    static final Limits DEFAULT = new Limits(20_000_000, 4L << 40, 200);

    private static final long ALWAYS = 100_000_000;

    long bytesFor(long archive) {
      return Math.min(bytes, Math.max(ALWAYS, Math.multiplyExact(ratio, archive)));
    }
  }

  /**
   * Unpacks an archive.
   *
   * @param folder where its content goes; must not be there yet
   * @return how many files it had
   * @throws FetchException if it is damaged, or holds what is refused; nothing is left behind
   */
  static long unpack(Path archive, Path folder, Limits limits) throws IOException {
    if (Files.exists(folder)) {
      throw new FetchException(
          "'%s' is there already; remove it to have %s unpacked there"
              .formatted(folder, archive.getFileName()));
    }
    Path parent = Objects.requireNonNull(folder.toAbsolutePath().getParent());
    Files.createDirectories(parent);
    Path draft = parent.resolve("." + folder.getFileName() + ".unpacking");
    Trees.delete(draft);
    Files.createDirectory(draft);
    try {
      Unpacking unpacking =
          new Unpacking(archive, draft, limits.entries(), limits.bytesFor(Files.size(archive)));
      switch (Format.of(archive.getFileName().toString())) {
        case ZIP -> unpacking.zip();
        case TAR -> unpacking.tar(Files.newInputStream(archive));
        case TAR_GZ -> unpacking.tar(new GZIPInputStream(Files.newInputStream(archive), 1 << 16));
      }
      AtomicFiles.move(draft, folder);
      return unpacking.files;
    } catch (IOException | IllegalArgumentException e) {
      throw new FetchException(
          "archive '%s' cannot be unpacked: %s; is it damaged?"
              .formatted(archive.getFileName(), e.getMessage()),
          e);
    } finally {
      Trees.delete(draft);
    }
  }

  private static final class Unpacking {
    private final Path archive;
    private final Path folder;
    private final long mostEntries;
    private final long mostBytes;
    private final Set<String> seen = new HashSet<>();
    private long entries;
    private long bytes;
    private long files;

    Unpacking(Path archive, Path folder, long mostEntries, long mostBytes) {
      this.archive = archive;
      this.folder = folder;
      this.mostEntries = mostEntries;
      this.mostBytes = mostBytes;
    }

    void zip() throws IOException {
      try (ZipFile zip = ZipFile.builder().setPath(archive).get()) {
        for (ZipArchiveEntry entry : Collections.list(zip.getEntries())) {
          if (entry.isUnixSymlink()) {
            throw refused(entry.getName(), "is a link");
          }
          if (isFolder(entry)) {
            continue;
          }
          if (!zip.canReadEntryData(entry)) {
            throw refused(entry.getName(), "is encrypted, or packed in a way that is not known");
          }
          try (InputStream in = zip.getInputStream(entry)) {
            CheckedInputStream checked = new CheckedInputStream(in, new CRC32());
            write(ArchiveNames.of(entry), checked);
            if (checked.getChecksum().getValue() != (entry.getCrc() & 0xffff_ffffL)) {
              throw refused(entry.getName(), "is damaged: it does not have its CRC-32");
            }
          }
        }
      }
    }

    void tar(InputStream in) throws IOException {
      try (TarArchiveInputStream tar = new TarArchiveInputStream(new BufferedInputStream(in))) {
        for (TarArchiveEntry entry = tar.getNextEntry();
            entry != null;
            entry = tar.getNextEntry()) {
          if (entry.isSymbolicLink() || entry.isLink()) {
            throw refused(entry.getName(), "is a link");
          }
          if (isFolder(entry)) {
            continue;
          }
          if (entry.isFIFO() || entry.isCharacterDevice() || entry.isBlockDevice()) {
            throw refused(entry.getName(), "is neither a file nor a folder");
          }
          write(entry.getName(), tar);
        }
        // A packed archive has its checksum at its end.
        for (long skipped = 0; in.read() >= 0; skipped++) {
          if (skipped > mostBytes) {
            throw refused("", "is followed by more than belongs to an archive");
          }
        }
      }
    }

    /** Folders are made as files need them. */
    private boolean isFolder(ArchiveEntry entry) {
      if (++entries > mostEntries) {
        throw refused(
            entry.getName(), "is one more than the %d members allowed".formatted(mostEntries));
      }
      if (entry.isDirectory() && !entry.getName().matches("[./]+")) {
        check(entry.getName());
      }
      return entry.isDirectory();
    }

    private String check(String name) {
      try {
        return SafePath.check(name);
      } catch (IllegalArgumentException e) {
        throw new FetchException(
            "archive '%s' is refused: its member %s"
                .formatted(archive.getFileName(), e.getMessage()),
            e);
      }
    }

    private void write(String name, InputStream in) throws IOException {
      String path = check(name);
      if (!seen.add(path.toLowerCase(Locale.ROOT))) {
        throw refused(name, "is there twice");
      }
      Path file = folder.resolve(path);
      Files.createDirectories(Objects.requireNonNull(file.getParent()));
      try (OutputStream out =
          new BufferedOutputStream(Files.newOutputStream(file, StandardOpenOption.CREATE_NEW))) {
        byte[] block = new byte[1 << 16];
        for (int read = in.read(block); read >= 0; read = in.read(block)) {
          bytes += read;
          // What is written counts, not what the header promises.
          if (bytes > mostBytes) {
            throw refused(
                name,
                "would make its content more than %d bytes, far beyond the archive's own size"
                    .formatted(mostBytes));
          }
          out.write(block, 0, read);
        }
      }
      files++;
    }

    private FetchException refused(String member, String reason) {
      String shown = member.replaceAll("\\p{Cntrl}", "?");
      return new FetchException(
          "archive '%s' is refused: its member '%s' %s"
              .formatted(
                  archive.getFileName(),
                  shown.length() > 200 ? shown.substring(0, 200) + "…" : shown,
                  reason));
    }
  }
}
