package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Steps of decoding: reading prompts, going on from a common beginning, and making new tokens. */
final class Decoder {
  /** A method of a model's script. */
  interface Step {
    NDList call(NDManager results, String method, Object... arguments);
  }

  /** Fewest places that keys and values get more room for at a time; else a sixteenth of all. */
  private static final int ROOM = 64;

  private final RotaryEmbedding rotary;
  private final Step script;
  private final NDManager parent;
  private final Supplier<String> suspect;

  /**
   * @param parent of the managers of sequences
   * @param suspect where to look for the cause if what is computed is no number, in words
   */
  Decoder(RotaryEmbedding rotary, Step script, NDManager parent, Supplier<String> suspect) {
    this.suspect = suspect;
    this.rotary = rotary;
    this.script = script;
    this.parent = parent;
  }

  /**
   * Reads prompts of one length, or padded to the left.
   *
   * @param positions cosines and sines of the prompts' positions
   * @param deltas what the index of a new token is to be changed by to be its position
   */
  Sequences begin(
      TokenBatch batch,
      Function<NDManager, RotaryEmbedding.Table> positions,
      long[] deltas,
      NDArray inputIds,
      @Nullable NDArray features) {
    long[] padding = batch.paddingToTheLeft();
    int length = batch.length();
    long[][] mask = new long[batch.sequences()][length];
    long[] next = new long[mask.length];
    for (int i = 0; i < mask.length; i++) {
      Arrays.fill(mask[i], (int) padding[i], length, 1);
      next[i] = length + deltas[i];
    }
    NDManager scope = parent.newSubManager();
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
      return new Sequences(scope, results.subList(1, results.size()), mask, next, results.get(0));
    } catch (RuntimeException | Error e) {
      scope.close();
      throw e;
    }
  }

  /**
   * Sequences that have a beginning in common.
   *
   * @param beginning one sequence
   * @param rest for each of them the ids that follow, of any number
   */
  Sequences extend(Sequences beginning, List<long[]> rest) {
    int longest = rest.stream().mapToInt(ids -> ids.length).max().orElseThrow();
    int start = beginning.length();
    int count = rest.size();
    long[] ids = new long[count * longest];
    long[][] positions = new long[count][longest];
    long[][] mask = new long[count][];
    long[] next = new long[count];
    for (int i = 0; i < count; i++) {
      long[] own = rest.get(i);
      int padding = longest - own.length;
      System.arraycopy(own, 0, ids, i * longest + padding, own.length);
      mask[i] = Arrays.copyOf(beginning.mask(0), start + longest);
      Arrays.fill(mask[i], start + padding, start + longest, 1);
      for (int j = 0; j < longest; j++) {
        positions[i][j] = beginning.nextPosition(0) + Math.max(0, j - padding);
      }
      next[i] = beginning.nextPosition(0) + own.length;
    }
    NDManager scope = parent.newSubManager();
    try (NDManager step = scope.newSubManager()) {
      List<NDArray> caches =
          placed(scope, List.of(beginning), count, start, start + longest + ROOM);
      RotaryEmbedding.Table table = rotary.of(step, positions);
      long[] flat = Arrays.stream(mask).flatMapToLong(Arrays::stream).toArray();
      NDList results =
          script.call(
              step,
              "extend",
              step.create(ids, new Shape(count, longest)),
              table.cos(),
              table.sin(),
              step.create(flat, new Shape(count, start + longest)),
              caches);
      return new Sequences(scope, caches, mask, next, results.singletonOrThrow());
    } catch (RuntimeException | Error e) {
      scope.close();
      throw e;
    }
  }

  /** Sequences of several, side by side; the parts are closed. */
  Sequences join(List<Sequences> parts) {
    if (parts.size() == 1) {
      return parts.get(0);
    }
    int length = parts.stream().mapToInt(Sequences::length).max().orElseThrow();
    int count = parts.stream().mapToInt(Sequences::count).sum();
    long[][] mask = new long[count][length];
    long[] next = new long[count];
    NDList scores = new NDList();
    int at = 0;
    for (Sequences part : parts) {
      for (int i = 0; i < part.count(); i++, at++) {
        System.arraycopy(part.mask(i), 0, mask[at], length - part.length(), part.length());
        next[at] = part.nextPosition(i);
      }
      scores.add(part.scores());
    }
    NDManager scope = parent.newSubManager();
    try {
      List<NDArray> caches = placed(scope, parts, 1, length, length + ROOM);
      Sequences joined = new Sequences(scope, caches, mask, next, NDArrays.concat(scores, 0));
      parts.forEach(Sequences::close);
      return joined;
    } catch (RuntimeException | Error e) {
      scope.close();
      throw e;
    }
  }

  /**
   * Keys and values one sequence after the other, with room for more places.
   *
   * @param copies of each sequence
   * @param end place after the last of each
   */
  private List<NDArray> placed(
      NDManager scope, List<Sequences> parts, int copies, int end, int room) {
    long[] places = new long[2 * parts.size()];
    for (int i = 0; i < parts.size(); i++) {
      places[2 * i] = copies;
      places[2 * i + 1] = parts.get(i).length();
    }
    List<NDArray> placed = new ArrayList<>();
    try (NDManager step = scope.newSubManager()) {
      NDArray ways = step.create(places, new Shape(parts.size(), 2));
      NDArray ends = step.create(new long[] {end, room});
      for (int i = 0; i < parts.get(0).caches().size(); i++) {
        int layer = i;
        List<NDArray> caches = parts.stream().map(part -> part.caches().get(layer)).toList();
        NDArray all = script.call(step, "placed", caches, ways, ends).singletonOrThrow();
        all.attach(scope);
        placed.add(all);
      }
    }
    return placed;
  }

  /** Makes new tokens until all sequences have ended. */
  long[][] run(Sequences sequences, GreedyDecoding decoding, TokenChoice choice) {
    int count = sequences.count();
    int most = sequences.length() + decoding.maxNewTokens();
    long[][] answers = new long[count][decoding.maxNewTokens()];
    boolean[] finished = new boolean[count];
    long[] next = choice.next(finite(sequences.scores(), 0), answers, 0);
    int made = 0;
    while (true) {
      boolean done = true;
      for (int i = 0; i < count; i++) {
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
      try (NDManager step = sequences.scope().newSubManager()) {
        next = choice.next(finite(advance(sequences, step, next, most), made), answers, made);
      }
    }
    for (int i = 0; i < count; i++) {
      answers[i] = Arrays.copyOf(answers[i], made);
    }
    return answers;
  }

  /**
   * The same scores, if a token can be chosen by them: the largest of scores of which one is not a
   * number is none, and any token would look like an answer.
   */
  private NDArray finite(NDArray scores, int made) {
    try (NDArray largest = scores.max(new int[] {-1})) {
      for (float value : largest.toFloatArray()) {
        if (!Float.isFinite(value)) {
          throw new ModelException(
              "the model computes %s in place of scores for token %d of its answer, which would be no answer; %s"
                  .formatted(value, made + 1, suspect.get()));
        }
      }
    }
    return scores;
  }

  /**
   * Scores after one more token a sequence.
   *
   * @param most places that will be taken at all
   */
  private NDArray advance(Sequences sequences, NDManager step, long[] last, int most) {
    int count = sequences.count();
    if (sequences.room() == sequences.length()) {
      // Once in a while, not once a token.
      long more = Math.min(Math.max(ROOM, sequences.length() / 16), most - sequences.length());
      NDArray room = step.create(new Shape(more));
      sequences.keep(script.call(step, "grow", sequences.caches(), room));
    }
    long[][] positions = new long[count][1];
    for (int i = 0; i < count; i++) {
      positions[i][0] = sequences.nextPosition(i);
    }
    sequences.grow();
    RotaryEmbedding.Table table = rotary.of(step, positions);
    return script
        .call(
            step,
            "advance",
            step.create(last, new Shape(count, 1)),
            table.cos(),
            table.sin(),
            step.create(sequences.masks(), new Shape(count, sequences.length())),
            sequences.caches())
        .singletonOrThrow();
  }
}
