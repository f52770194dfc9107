package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.optmerge.base.CounterRandom;
import org.optmerge.base.Sha256;

/**
 * Tokens that are drawn, or the best after a penalty on repetition: the penalty, then temperature,
 * then the limits top-k and top-p, in the order of Hugging Face's {@code generate}.
 */
final class TokenSampler implements TokenChoice {
  private final Decoding decoding;
  private final List<long[]> penalised;
  private final List<CounterRandom> random;

  /**
   * @param prompts the ids of each sequence
   * @param penalisesPrompt true if tokens of the prompt count as there already
   */
  TokenSampler(Decoding decoding, List<long[]> prompts, boolean penalisesPrompt) {
    this.decoding = decoding;
    this.penalised = penalisesPrompt ? prompts : prompts.stream().map(p -> new long[0]).toList();
    Decoding.Sampling sampling = decoding.sampling();
    this.random =
        sampling == null
            ? List.of()
            : prompts.stream()
                .map(ids -> CounterRandom.of(sampling.seed(), "tokens after " + digest(ids)))
                .toList();
  }

  /** The choice that a decoding asks for. */
  static TokenChoice of(Decoding decoding, List<long[]> prompts, boolean penalisesPrompt) {
    return decoding.sampling() == null && decoding.repetitionPenalty() == 1
        ? BEST
        : new TokenSampler(decoding, prompts, penalisesPrompt);
  }

  private static String digest(long[] ids) {
    MessageDigest digest = Sha256.begin();
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES * ids.length);
    bytes.asLongBuffer().put(ids);
    digest.update(bytes);
    return Sha256.hex(digest.digest());
  }

  @Override
  public long[] next(NDArray scores, long[][] answers, int made) {
    float[] all = scores.toFloatArray();
    int vocabulary = all.length / answers.length;
    long[] next = new long[answers.length];
    for (int i = 0; i < next.length; i++) {
      float[] row = Arrays.copyOfRange(all, i * vocabulary, (i + 1) * vocabulary);
      penalise(row, LongStream.concat(stream(penalised.get(i)), stream(answers[i]).limit(made)));
      Decoding.Sampling sampling = decoding.sampling();
      next[i] = sampling == null ? best(row) : drawn(row, sampling, random.get(i).uniform(made));
    }
    return next;
  }

  private static LongStream stream(long[] ids) {
    return Arrays.stream(ids);
  }

  private void penalise(float[] row, LongStream there) {
    float penalty = (float) decoding.repetitionPenalty();
    if (penalty != 1) {
      there
          .distinct()
          .forEach(
              id -> {
                float score = row[(int) id];
                row[(int) id] = score < 0 ? score * penalty : score / penalty;
              });
    }
  }

  private static int best(float[] row) {
    int best = 0;
    for (int i = 1; i < row.length; i++) {
      if (row[i] > row[best]) {
        best = i;
      }
    }
    return best;
  }

  /**
   * A token by its share of the probability.
   *
   * @param at in [0, 1): where the shares, the best first, are cut
   */
  static int drawn(float[] row, Decoding.Sampling sampling, double at) {
    int[] order = bestFirst(row);
    double[] weights = new double[order.length];
    float temperature = (float) sampling.temperature();
    float top = row[order[0]] / temperature;
    double all = 0;
    int kept = kept(row, order, sampling.topK());
    for (int i = 0; i < kept; i++) {
      weights[i] = Math.exp((double) (row[order[i]] / temperature) - top);
      all += weights[i];
    }
    // The fewest whose sum reaches topP; the best in any case.
    double sum = 0;
    int count = 0;
    while (count < kept && (count == 0 || sum < sampling.topP() * all)) {
      sum += weights[count++];
    }
    double rest = at * sum;
    for (int i = 0; i < count; i++) {
      rest -= weights[i];
      if (rest < 0) {
        return order[i];
      }
    }
    return order[0];
  }

  /** Those that score no less than the k-th. */
  private static int kept(float[] row, int[] order, int topK) {
    if (topK == 0 || topK >= order.length) {
      return order.length;
    }
    int kept = topK;
    while (kept < order.length && row[order[kept]] == row[order[topK - 1]]) {
      kept++;
    }
    return kept;
  }

  /** Indices by descending score, equal scores in their order. */
  private static int[] bestFirst(float[] row) {
    long[] keys = new long[row.length];
    for (int i = 0; i < row.length; i++) {
      int bits = Float.floatToIntBits(row[i]);
      int ascending = bits < 0 ? bits ^ Integer.MAX_VALUE : bits;
      keys[i] = (long) ~ascending << 32 | i;
    }
    Arrays.sort(keys);
    int[] order = new int[row.length];
    for (int i = 0; i < order.length; i++) {
      order[i] = (int) keys[i];
    }
    return order;
  }
}
