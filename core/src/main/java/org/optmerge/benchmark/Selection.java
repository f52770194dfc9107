package org.optmerge.benchmark;

import java.util.Locale;

/**
 * Some of a benchmark's questions, by their numbers alone: the same whoever asks.
 *
 * @param split which of them
 * @param limit so many of the first of these; {@link Long#MAX_VALUE} for all
 * @param shard which of the parts that several machines share, from 1
 * @param shards how many parts there are; each takes every so many-th question
 */
public record Selection(Split split, long limit, int shard, int shards) {
  /** Every question. */
  public static final Selection ALL = new Selection(Split.ALL, Long.MAX_VALUE, 1, 1);

  /** Of so many questions one is set aside to choose λ by. */
  private static final int TENTH = 10;

  /** The division of a benchmark that publishes no validation split of its own. */
  public enum Split {
    /** Every question, as the paper's tables have it. */
    ALL,
    /** Every tenth question. */
    VAL,
    /** All but every tenth question. */
    TEST;

    /** As the command line has it. */
    public String key() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * @throws IllegalArgumentException if it selects nothing
   */
  public Selection {
    if (limit < 1 || shards < 1 || shard < 1 || shard > shards) {
      throw new IllegalArgumentException(
          "a limit is at least 1 and a shard one of 1 to their number; limit %d, shard %d/%d"
              .formatted(limit, shard, shards));
    }
  }

  /** True if a question is asked. */
  public boolean has(long number) {
    boolean aside = number % TENTH == TENTH - 1;
    if (split == Split.VAL && !aside || split == Split.TEST && aside) {
      return false;
    }
    long rank = rank(number);
    return rank < limit && rank % shards == shard - 1;
  }

  /** How many of the split come before a question. */
  private long rank(long number) {
    return switch (split) {
      case ALL -> number;
      case VAL -> number / TENTH;
      case TEST -> number - number / TENTH;
    };
  }

  /** How many of a benchmark's questions are asked. */
  public long of(long questions) {
    long most = Math.min(rank(questions), limit);
    return (most - shard + shards) / shards;
  }
}
