package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One batch on its way through decoding, with the keys and values of all its tokens. */
final class Decoder {
  /** A method of a model's script. */
  interface Step {
    NDList call(NDManager results, String method, Object... arguments);
  }

  /** Fewest places that keys and values get more room for at a time; else a sixteenth of all. */
  private static final int ROOM = 64;

  private final RotaryEmbedding rotary;
  private final Step script;
  private final NDManager scope;
  private final TokenBatch batch;
  private final GreedyDecoding decoding;
  private final TokenChoice choice;
  private final long[][] answers;
  private final int sequences;
  private final int prompt;
  private final List<NDArray> caches = new ArrayList<>();
  private final long[] padding;

  Decoder(
      InternVLConfig.Language language,
      RotaryEmbedding rotary,
      Step script,
      NDManager scope,
      TokenBatch batch,
      GreedyDecoding decoding,
      TokenChoice choice) {
    this.rotary = rotary;
    this.script = script;
    this.scope = scope;
    this.batch = batch;
    this.decoding = decoding;
    this.choice = choice;
    this.sequences = batch.sequences();
    this.prompt = batch.length();
    this.answers = new long[sequences][decoding.maxNewTokens()];
    this.padding = batch.paddingToTheLeft();
    int places = prompt + decoding.maxNewTokens();
    if (places > language.maxPositions()) {
      throw new ModelException(
          "%d tokens and %d new ones are more than max_position_embeddings, %d"
              .formatted(prompt, decoding.maxNewTokens(), language.maxPositions()));
    }
  }

  /**
   * @param positions cosines and sines of the prompt's positions
   * @param deltas what the index of a new token is to be changed by to be its position
   */
  long[][] run(
      Function<NDManager, RotaryEmbedding.Table> positions,
      long[] deltas,
      NDArray inputIds,
      @Nullable NDArray features) {
    boolean[] finished = new boolean[sequences];
    long[] next = begin(positions, inputIds, features);
    int made = 0;
    while (true) {
      boolean done = true;
      for (int i = 0; i < sequences; i++) {
        if (finished[i]) {
          next[i] = decoding.padToken();
        }
        answers[i][made] = next[i];
        finished[i] |= decoding.stopTokens().contains(next[i]);
        done &= finished[i];
      }
      made++;
      if (done || made == decoding.maxNewTokens()) {
        break;
      }
      next = advance(next, made, deltas);
    }
    for (int i = 0; i < sequences; i++) {
      answers[i] = Arrays.copyOf(answers[i], made);
    }
    return answers;
  }

  private long[] begin(
      Function<NDManager, RotaryEmbedding.Table> positions,
      NDArray inputIds,
      @Nullable NDArray features) {
    try (NDManager step = scope.newSubManager()) {
      RotaryEmbedding.Table table = positions.apply(step);
      Object[] tokens = batch.tokens(step, inputIds, features);
      NDList results =
          script.call(
              step,
              "begin",
              tokens[0],
              tokens[1],
              tokens[2],
              table.cos(),
              table.sin(),
              batch.maskArray(step));
      keep(results.subList(1, results.size()));
      return choice.next(results.get(0), answers, 0);
    }
  }

  private void keep(List<NDArray> keysAndValues) {
    caches.forEach(NDArray::close);
    caches.clear();
    caches.addAll(keysAndValues);
    caches.forEach(cache -> cache.attach(scope));
  }

  /** Makes room for more tokens, if the last place is taken: once in a while, not once a token. */
  private void makeRoom(NDManager step, int length) {
    long places = caches.get(0).getShape().get(2);
    if (places < length) {
      long more = Math.min(Math.max(ROOM, length / 16), prompt + decoding.maxNewTokens() - places);
      NDArray room = step.create(new Shape(more));
      keep(script.call(step, "grow", caches, room));
    }
  }

  /** The tokens after {@code made} new ones, of which these are the last. */
  private long[] advance(long[] last, int made, long[] deltas) {
    try (NDManager step = scope.newSubManager()) {
      int length = prompt + made;
      makeRoom(step, length);
      long[][] positions = new long[sequences][1];
      long[] mask = new long[sequences * length];
      Arrays.fill(mask, 1);
      for (int i = 0; i < sequences; i++) {
        positions[i][0] = length - 1 + deltas[i];
        Arrays.fill(mask, i * length, i * length + (int) padding[i], 0);
      }
      RotaryEmbedding.Table table = rotary.of(step, positions);
      NDList results =
          script.call(
              step,
              "advance",
              step.create(last, new Shape(sequences, 1)),
              table.cos(),
              table.sin(),
              step.create(mask, new Shape(sequences, length)),
              caches);
      return choice.next(results.singletonOrThrow(), answers, made);
    }
  }
}
