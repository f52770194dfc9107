package org.optmerge.benchmark.mini;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.List;
import org.optmerge.model.InternVL;

/**
 * Several dialogues side by side, padded to the right.
 *
 * @param ids (dialogues, length)
 * @param labels the tokens to be learned, {@link InternVL#IGNORE} elsewhere
 * @param mask 1 where there is a token
 */
public record Batch(NDArray ids, NDArray labels, NDArray mask) {
  /**
   * Arrays of dialogues of one vocabulary.
   *
   * @param dialogues at least one
   */
  public static Batch of(NDManager arrays, List<Dialogue> dialogues) {
    int length = dialogues.stream().mapToInt(Dialogue::length).max().orElseThrow();
    long[] ids = new long[dialogues.size() * length];
    long[] labels = new long[ids.length];
    long[] mask = new long[ids.length];
    Arrays.fill(ids, dialogues.get(0).pad());
    Arrays.fill(labels, InternVL.IGNORE);
    for (int i = 0; i < dialogues.size(); i++) {
      int[] tokens = dialogues.get(i).ids();
      int[] targets = dialogues.get(i).labels(Math.toIntExact(InternVL.IGNORE));
      for (int j = 0; j < tokens.length; j++) {
        ids[i * length + j] = tokens[j];
        labels[i * length + j] = targets[j];
        mask[i * length + j] = 1;
      }
    }
    Shape shape = new Shape(dialogues.size(), length);
    return new Batch(
        arrays.create(ids, shape), arrays.create(labels, shape), arrays.create(mask, shape));
  }
}
