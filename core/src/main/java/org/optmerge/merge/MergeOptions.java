package org.optmerge.merge;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Options of running a merge; nothing here changes a byte of the merged weights.
 *
 * @param threads threads that read, merge and write; at least 1
 * @param memory bytes that buffers and matrices may take together
 * @param flags what is asked for besides
 */
@API(status = API.Status.EXPERIMENTAL)
public record MergeOptions(int threads, long memory, Set<Flag> flags) {
  /** Something that a merge does only if it is asked to. */
  public enum Flag {
    /** Continue an unfinished merge into the same folder. */
    RESUME,
    /** Replace what an earlier merge left in the output folder; discard an unfinished one. */
    FORCE,
    /** Leave out the inputs' SHA-256, which takes reading every input file to its end. */
    NO_INPUT_CHECKSUMS,
    /** Hash inputs anew even if nothing says that they changed since they were last hashed. */
    VERIFY_INPUTS,
    /** Write a {@code README.md} even if the base has one. */
    MODEL_CARD
  }

  /** All processors, 2 GiB, no flags. */
  public static final MergeOptions DEFAULT =
      new MergeOptions(Runtime.getRuntime().availableProcessors(), 2L << 30, Set.of());

  public MergeOptions {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, is " + threads);
    }
    if (memory < 1) {
      throw new IllegalArgumentException("memory must be positive, is " + memory);
    }
    flags = Set.copyOf(flags);
  }

  /** True if a flag is set. */
  public boolean has(Flag flag) {
    return flags.contains(flag);
  }

  /** The same with another number of threads. */
  public MergeOptions withThreads(int threads) {
    return new MergeOptions(threads, memory, flags);
  }

  /** The same with these flags and no others. */
  public MergeOptions withFlags(Flag... flags) {
    Set<Flag> all = EnumSet.noneOf(Flag.class);
    all.addAll(Arrays.asList(flags));
    return new MergeOptions(threads, memory, all);
  }
}
