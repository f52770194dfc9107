package org.optmerge.model;

import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * The choice of an answer's tokens, one after another, until the answer ends: the token that scores
 * best, or one that is drawn. A model's own settings are {@link MultimodalModel#decoding()}.
 *
 * @param maxNewTokens most tokens of an answer; no more than the model's positions leave room for
 * @param repetitionPenalty scores of tokens that are there already are divided by it if positive,
 *     multiplied if negative; 1 leaves them
 * @param sampling how tokens are drawn; null takes the best
 * @param minNewTokens fewest tokens of an answer before the one that ends it
 * @see <a href="https://arxiv.org/abs/1909.05858">Keskar et al., CTRL, section 4.1, on the
 *     penalty</a>
 */
@API(status = API.Status.EXPERIMENTAL)
public record Decoding(
    int maxNewTokens, double repetitionPenalty, @Nullable Sampling sampling, int minNewTokens) {
  /** Greedy, long enough for a sentence or two. */
  public static final Decoding DEFAULT = new Decoding(256);

  /**
   * Tokens at random. What is drawn is a function of the seed and the prompt: neither the order of
   * prompts nor what is answered beside them changes it.
   *
   * @param temperature scores are divided by it; below 1 the likely ones become likelier
   * @param topK only so many of the best are drawn from; 0: all
   * @param topP only the fewest of the best whose probabilities add up to this; 1: all
   * @param seed of the random numbers
   * @see <a href="https://arxiv.org/abs/1904.09751">Holtzman et al., The curious case of neural
   *     text degeneration, ICLR 2020, section 3.1, on top-p</a>
   */
  public record Sampling(double temperature, int topK, double topP, long seed) {
    /**
     * @throws ModelException if the temperature is not positive, or a limit is no limit
     */
    public Sampling {
      if (!(temperature > 0) || temperature == Double.POSITIVE_INFINITY) {
        throw new ModelException(
            "sampling needs a temperature above 0, is %s; for the best token each time, do not sample"
                .formatted(temperature));
      }
      if (topK < 0 || !(topP > 0 && topP <= 1)) {
        throw new ModelException(
            "sampling needs top_k >= 0 and 0 < top_p <= 1, has %d and %s".formatted(topK, topP));
      }
    }

    /** The same with other random numbers. */
    public Sampling withSeed(long other) {
      return new Sampling(temperature, topK, topP, other);
    }
  }

  /**
   * @throws ModelException if no token may be made, the penalty is not positive, or the fewest
   *     tokens are no number below the most
   */
  public Decoding {
    if (maxNewTokens < 1) {
      throw new ModelException(
          "an answer needs room for at least one token, maxNewTokens is " + maxNewTokens);
    }
    if (minNewTokens < 0 || minNewTokens > maxNewTokens) {
      throw new ModelException(
          "an answer has 0 to %d tokens at least, minNewTokens is %d"
              .formatted(maxNewTokens, minNewTokens));
    }
    if (!(repetitionPenalty > 0) || repetitionPenalty == Double.POSITIVE_INFINITY) {
      throw new ModelException(
          "the repetition penalty must be a number above 0, is " + repetitionPenalty);
    }
  }

  /** Answers that may end at once. */
  public Decoding(int maxNewTokens, double repetitionPenalty, @Nullable Sampling sampling) {
    this(maxNewTokens, repetitionPenalty, sampling, 0);
  }

  /** The best token each time. */
  public Decoding(int maxNewTokens) {
    this(maxNewTokens, 1, null);
  }

  /** The same with another length. */
  public Decoding withMaxNewTokens(int tokens) {
    return new Decoding(tokens, repetitionPenalty, sampling, Math.min(minNewTokens, tokens));
  }

  /** The same with another penalty; 1 for none. */
  public Decoding withRepetitionPenalty(double penalty) {
    return new Decoding(maxNewTokens, penalty, sampling, minNewTokens);
  }

  /** The same with tokens drawn so; null for the best each time. */
  public Decoding withSampling(@Nullable Sampling other) {
    return new Decoding(maxNewTokens, repetitionPenalty, other, minNewTokens);
  }

  /** The same with so many tokens before the answer may end; 0 for none. */
  public Decoding withMinNewTokens(int tokens) {
    return new Decoding(maxNewTokens, repetitionPenalty, sampling, tokens);
  }
}
