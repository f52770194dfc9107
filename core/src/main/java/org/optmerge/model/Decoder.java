package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One batch on its way through greedy decoding, with the keys and values of all its tokens. */
final class Decoder {
  private final InternVL model;
  private final NDManager scope;
  private final TokenBatch batch;
  private final GreedyDecoding decoding;
  private final int sequences;
  private final int prompt;
  private final List<NDArray> caches = new ArrayList<>();
  private final long[] padding;

  Decoder(InternVL model, NDManager scope, TokenBatch batch, GreedyDecoding decoding) {
    this.model = model;
    this.scope = scope;
    this.batch = batch;
    this.decoding = decoding;
    this.sequences = batch.sequences();
    this.prompt = batch.length();
    this.padding = batch.paddingToTheLeft();
    InternVLConfig.Language language = model.config().language();
    int places = prompt + decoding.maxNewTokens();
    if (places > language.maxPositions()) {
      throw new ModelException(
          "%d tokens and %d new ones are more than max_position_embeddings, %d"
              .formatted(prompt, decoding.maxNewTokens(), language.maxPositions()));
    }
    Shape shape = new Shape(sequences, language.keyValueHeads(), places, language.headWidth());
    for (int i = 0; i < 2 * language.layers(); i++) {
      caches.add(scope.create(shape, DataType.FLOAT32));
    }
  }

  long[][] run(NDArray inputIds, @Nullable NDArray features) {
    long[][] answers = new long[sequences][decoding.maxNewTokens()];
    boolean[] finished = new boolean[sequences];
    long[] next = begin(inputIds, features);
    int made = 0;
    while (true) {
      boolean done = true;
      for (int i = 0; i < sequences; i++) {
        if (finished[i]) {
          next[i] = decoding.padToken();
        }
        answers[i][made] = next[i];
        finished[i] |= next[i] == decoding.stopToken();
        done &= finished[i];
      }
      made++;
      if (done || made == decoding.maxNewTokens()) {
        break;
      }
      next = advance(next, made);
    }
    for (int i = 0; i < sequences; i++) {
      answers[i] = Arrays.copyOf(answers[i], made);
    }
    return answers;
  }

  private long[] begin(NDArray inputIds, @Nullable NDArray features) {
    try (NDManager step = scope.newSubManager()) {
      RotaryEmbedding.Table table = model.rotary().of(step, batch.positions());
      Object[] tokens = batch.tokens(step, inputIds, features);
      return model
          .decode(
              step,
              "begin",
              tokens[0],
              tokens[1],
              tokens[2],
              table.cos(),
              table.sin(),
              batch.maskArray(step),
              caches)
          .toLongArray();
    }
  }

  /** The tokens after {@code made} new ones, of which these are the last. */
  private long[] advance(long[] last, int made) {
    try (NDManager step = scope.newSubManager()) {
      int length = prompt + made;
      long[][] positions = new long[sequences][1];
      long[] mask = new long[sequences * length];
      Arrays.fill(mask, 1);
      for (int i = 0; i < sequences; i++) {
        positions[i][0] = length - 1 - padding[i];
        Arrays.fill(mask, i * length, i * length + (int) padding[i], 0);
      }
      RotaryEmbedding.Table table = model.rotary().of(step, positions);
      return model
          .decode(
              step,
              "advance",
              step.create(last, new Shape(sequences, 1)),
              table.cos(),
              table.sin(),
              step.create(mask, new Shape(sequences, length)),
              caches)
          .toLongArray();
    }
  }
}
