package org.optmerge.checkpoint;

import java.nio.file.Path;

/** The rule for an index or a link that leads out of a checkpoint's folder. */
public enum ExternalFiles {
  /**
   * An error, except in the layout of the hub's cache, where every file of {@code
   * snapshots/REVISION} is a link into {@code blobs} beside {@code snapshots}. An index comes with
   * a download and must not choose which files of this machine are read and copied.
   */
  REFUSE,
  /** Read them. */
  ALLOW;

  /**
   * Applies the rule to a file of a folder.
   *
   * @throws CheckpointException if it is refused
   */
  public void check(Path folder, Path file) {
    CheckpointFiles.checkInside(folder, file, this);
  }

  static final String HINT =
      "if that is meant, put the file itself there, or merge with --allow-external-shards";
}
