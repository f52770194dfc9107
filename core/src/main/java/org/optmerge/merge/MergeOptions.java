package org.optmerge.merge;

/**
 * How a merge runs; nothing here changes a byte of the merged weights.
 *
 * @param threads threads that read, merge and write; at least 1
 * @param memory bytes that buffers and matrices may take together
 * @param resume continue an unfinished merge into the same folder
 * @param force replace what an earlier merge left in the output folder, and discard an unfinished
 *     one
 * @param allowNonFinite write NaN and infinite values instead of refusing them
 * @param checksumInputs read every input file once more to record its SHA-256
 * @param modelCard write a {@code README.md} even if the base has one
 */
public record MergeOptions(
    int threads,
    long memory,
    boolean resume,
    boolean force,
    boolean allowNonFinite,
    boolean checksumInputs,
    boolean modelCard) {

  /** All processors, 2 GiB, input checksums, nothing else. */
  public static final MergeOptions DEFAULT =
      new MergeOptions(
          Runtime.getRuntime().availableProcessors(), 2L << 30, false, false, false, true, false);

  public MergeOptions {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, is " + threads);
    }
    if (memory < 1) {
      throw new IllegalArgumentException("memory must be positive, is " + memory);
    }
  }

  /** The same with another number of threads. */
  public MergeOptions withThreads(int threads) {
    return new MergeOptions(
        threads, memory, resume, force, allowNonFinite, checksumInputs, modelCard);
  }

  /** The same with another memory budget, in bytes. */
  public MergeOptions withMemory(long memory) {
    return new MergeOptions(
        threads, memory, resume, force, allowNonFinite, checksumInputs, modelCard);
  }

  /** The same, continuing an unfinished merge or not. */
  public MergeOptions withResume(boolean resume) {
    return new MergeOptions(
        threads, memory, resume, force, allowNonFinite, checksumInputs, modelCard);
  }

  /** The same, replacing an earlier result or not. */
  public MergeOptions withForce(boolean force) {
    return new MergeOptions(
        threads, memory, resume, force, allowNonFinite, checksumInputs, modelCard);
  }

  /** The same, with NaN and infinite values allowed or not. */
  public MergeOptions withAllowNonFinite(boolean allowNonFinite) {
    return new MergeOptions(
        threads, memory, resume, force, allowNonFinite, checksumInputs, modelCard);
  }

  /** The same, with input checksums or not. */
  public MergeOptions withChecksumInputs(boolean checksumInputs) {
    return new MergeOptions(
        threads, memory, resume, force, allowNonFinite, checksumInputs, modelCard);
  }

  /** The same, with a model card asked for or not. */
  public MergeOptions withModelCard(boolean modelCard) {
    return new MergeOptions(
        threads, memory, resume, force, allowNonFinite, checksumInputs, modelCard);
  }
}
