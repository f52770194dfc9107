package org.optmerge.manifest;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The files that will be fetched.
 *
 * @param manifest what was asked for
 * @param folder where its files go
 * @param commits of each repository, the commit that its files are taken from
 * @param files in the order of the sources
 * @param byHand what a person has to get
 * @param whole false if only a part of the manifest was asked for
 */
public record FetchPlan(
    Manifest manifest,
    Path folder,
    List<Commit> commits,
    List<PlannedFile> files,
    List<Source.ByHand> byHand,
    boolean whole) {
  public FetchPlan {
    commits = List.copyOf(commits);
    files = List.copyOf(files);
    byHand = List.copyOf(byHand);
  }

  /** A repository's state. */
  public record Commit(String repository, String commit) {}

  /** The states of a file. */
  public enum State {
    ABSENT,
    /** Begun by an earlier run. */
    PARTIAL,
    PRESENT
  }

  /**
   * One file.
   *
   * @param url where from
   * @param path where to, relative to the folder
   * @param bytes its size; null if not known before
   * @param checksum what it must hash to; null if nobody published it
   * @param unpackInto for an archive, where its content goes; else null
   * @param state how far it is
   * @param done bytes that are there already
   */
  public record PlannedFile(
      URI url,
      String path,
      @Nullable Long bytes,
      @Nullable Checksum checksum,
      @Nullable String unpackInto,
      State state,
      long done) {
    /** A file of which nothing is known to be there. */
    PlannedFile(
        URI url,
        String path,
        @Nullable Long bytes,
        @Nullable Checksum checksum,
        @Nullable String unpackInto) {
      this(url, path, bytes, checksum, unpackInto, State.ABSENT, 0);
    }

    /** The same file with what was found of it. */
    PlannedFile found(@Nullable Long size, State found, long there) {
      return new PlannedFile(url, path, size, checksum, unpackInto, found, there);
    }

    /** Bytes still to come; 0 if unknown. */
    public long remaining() {
      return state == State.PRESENT || bytes == null ? 0 : Math.max(0, bytes - done);
    }

    /** True if its content can be checked against a published checksum. */
    public boolean isVerifiable() {
      return checksum != null;
    }
  }

  /** Bytes still to come, of the files whose size is known. */
  public long remaining() {
    return files.stream().mapToLong(PlannedFile::remaining).sum();
  }

  /** All bytes, of the files whose size is known. */
  public long bytes() {
    return files.stream().mapToLong(file -> file.bytes() == null ? 0 : file.bytes()).sum();
  }

  /** The number of files whose size nobody has published. */
  public long unknownSizes() {
    return files.stream()
        .filter(file -> file.bytes() == null && file.state() != State.PRESENT)
        .count();
  }
}
