package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Token ids of a batch, looked at and checked before the work: (B, N). */
final class TokenBatch {
  private final InternVL model;
  private final int sequences;
  private final int length;
  private final long[] ids;
  private final long[] mask;
  private final long[] imagePlaces;

  private TokenBatch(InternVL model, int sequences, int length, long[] ids, long[] mask) {
    this.model = model;
    this.sequences = sequences;
    this.length = length;
    this.ids = ids;
    this.mask = mask;
    this.imagePlaces = places(ids, model.imageContext());
  }

  /**
   * @throws ModelException if shapes do not fit, an id is outside the vocabulary, or the number of
   *     image tokens is not that of the features
   */
  static TokenBatch of(
      InternVL model, NDArray inputIds, NDArray attentionMask, @Nullable NDArray features) {
    Shape shape = inputIds.getShape();
    if (shape.dimension() != 2 || shape.size() == 0) {
      throw new ModelException("input ids must be (sequences, tokens), are " + shape);
    }
    if (!attentionMask.getShape().equals(shape)) {
      throw new ModelException(
          "the attention mask has shape %s, the input ids %s"
              .formatted(attentionMask.getShape(), shape));
    }
    for (NDArray array : new NDArray[] {inputIds, attentionMask}) {
      if (array.getDataType() != DataType.INT64) {
        throw new ModelException(
            "input ids and attention mask must be int64, are " + array.getDataType());
      }
    }
    int longest = model.config().language().maxPositions();
    if (shape.get(1) > longest) {
      throw new ModelException(
          "%d tokens are more than max_position_embeddings, %d".formatted(shape.get(1), longest));
    }
    TokenBatch batch =
        new TokenBatch(
            model,
            (int) shape.get(0),
            (int) shape.get(1),
            inputIds.toLongArray(),
            attentionMask.toLongArray());
    batch.checkIds();
    batch.checkImages(features);
    return batch;
  }

  private void checkIds() {
    int vocabulary = model.config().language().vocabulary();
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= vocabulary) {
        throw new ModelException(
            "token id %d at place %d of sequence %d is outside the vocabulary of %d"
                .formatted(ids[i], i % length, i / length, vocabulary));
      }
    }
  }

  private void checkImages(@Nullable NDArray features) {
    long given = 0;
    if (features != null) {
      Shape shape = features.getShape();
      int width = model.config().featureWidth();
      if (shape.dimension() < 2 || shape.get(shape.dimension() - 1) != width) {
        throw new ModelException(
            "visual features must be (tiles, tokens, %d), are %s".formatted(width, shape));
      }
      given = shape.size() / width;
    }
    if (given != imagePlaces.length) {
      throw new ModelException(
          "the batch has %d image tokens (%s, id %d), the visual features are for %d"
              .formatted(imagePlaces.length, InternVL.IMAGE_CONTEXT, model.imageContext(), given));
    }
  }

  private static long[] places(long[] ids, long token) {
    long[] places = new long[ids.length];
    int count = 0;
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] == token) {
        places[count++] = i;
      }
    }
    return Arrays.copyOf(places, count);
  }

  int sequences() {
    return sequences;
  }

  int length() {
    return length;
  }

  /**
   * How much padding each sequence begins with.
   *
   * @throws ModelException if there is padding elsewhere
   */
  long[] paddingToTheLeft() {
    long[] padding = new long[sequences];
    for (int i = 0; i < sequences; i++) {
      int first = 0;
      while (first < length && mask[i * length + first] == 0) {
        first++;
      }
      for (int j = first; j < length; j++) {
        if (mask[i * length + j] == 0) {
          throw new ModelException(
              "sequence %d is padded at place %d, after its first token; for decoding, pad to the left"
                  .formatted(i, j));
        }
      }
      if (first == length) {
        throw new ModelException("sequence %d is all padding".formatted(i));
      }
      padding[i] = first;
    }
    return padding;
  }

  /** Positions that count from the first token that is no padding; padding has position 1. */
  long[][] positions() {
    long[] padding = paddingToTheLeft();
    long[][] positions = new long[sequences][length];
    for (int i = 0; i < sequences; i++) {
      for (int j = 0; j < length; j++) {
        positions[i][j] = j < padding[i] ? 1 : j - padding[i];
      }
    }
    return positions;
  }

  /** True if nothing is hidden from a token that counts but what comes after it. */
  private boolean isPaddedToTheRight() {
    for (int i = 1; i < mask.length; i++) {
      if (mask[i] != 0 && mask[i - 1] == 0 && i % length != 0) {
        return false;
      }
    }
    return true;
  }

  /** ids, features and where they go: what every method on tokens begins with. */
  Object[] tokens(NDManager step, NDArray inputIds, @Nullable NDArray features) {
    NDArray seen =
        features == null ? step.zeros(new Shape(0, model.config().featureWidth())) : features;
    return new Object[] {inputIds, seen, step.create(imagePlaces)};
  }

  /** The arguments of a whole pass: tokens, cosines and sines of positions 0 to N − 1, mask. */
  Object[] arguments(NDManager step, NDArray inputIds, @Nullable NDArray features) {
    RotaryEmbedding.Table table = model.rotary().upTo(step, length);
    Object[] tokens = tokens(step, inputIds, features);
    return new Object[] {
      tokens[0], tokens[1], tokens[2], table.cos(), table.sin(), maskArray(step)
    };
  }

  /** The mask if it hides more than the future, else an empty array. */
  NDArray maskArray(NDManager step) {
    return isPaddedToTheRight()
        ? step.create(new Shape(0), DataType.INT64)
        : step.create(mask, new Shape(sequences, length));
  }

  /**
   * What is to be learned.
   *
   * @param rows of the flattened batch that predict a token to be learned
   * @param ids that token for each of the rows
   */
  @SuppressWarnings("ArrayRecordComponent") // passed on at once, never compared
  record Targets(long[] rows, long[] ids) {}

  /** The tokens to be learned, each predicted by the row before it. */
  Targets targets(long[] labels) {
    long[] rows = new long[labels.length];
    long[] targets = new long[labels.length];
    int count = 0;
    for (int i = 1; i < labels.length; i++) {
      if (i % length != 0 && labels[i] != InternVL.IGNORE) {
        checkLabel(labels[i], i);
        rows[count] = i - 1;
        targets[count++] = labels[i];
      }
    }
    if (count == 0) {
      throw new ModelException(
          "every label is %d: nothing is to be learned".formatted(InternVL.IGNORE));
    }
    return new Targets(Arrays.copyOf(rows, count), Arrays.copyOf(targets, count));
  }

  private void checkLabel(long label, int i) {
    if (label < 0 || label >= model.config().language().vocabulary()) {
      throw new ModelException(
          "label %d at place %d of sequence %d is outside the vocabulary"
              .formatted(label, i % length, i / length));
    }
  }
}
