package org.optmerge.checkpoint;

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

  static final String HINT =
      "if that is meant, put the file itself there, or merge with --allow-external-shards";
}
