package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Token ids of a batch, looked at and checked before the work: (B, N). */
final class TokenBatch {
  /**
   * A kind of token that features take the place of.
   *
   * @param token as the vocabulary spells it
   * @param id of the token
   * @param features (…, width), in reading order; null if the batch has none
   */
  record Medium(String token, long id, @Nullable NDArray features) {}

  private final InternVLConfig.Language language;
  private final int sequences;
  private final int length;
  private final long[] ids;
  private final long[] mask;
  private final long[] places;

  private TokenBatch(
      InternVLConfig.Language language,
      int sequences,
      int length,
      long[] ids,
      long[] mask,
      List<Medium> media) {
    this.language = language;
    this.sequences = sequences;
    this.length = length;
    this.ids = ids;
    this.mask = mask;
    this.places =
        media.stream().flatMapToLong(medium -> LongStream.of(places(ids, medium.id))).toArray();
  }

  /**
   * @param width of a feature
   * @throws ModelException if shapes do not fit, an id is outside the vocabulary, or the number of
   *     tokens of a kind is not that of its features
   */
  static TokenBatch of(
      InternVLConfig.Language language,
      NDArray inputIds,
      NDArray attentionMask,
      int width,
      List<Medium> media) {
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
    if (shape.get(1) > language.maxPositions()) {
      throw new ModelException(
          "%d tokens are more than max_position_embeddings, %d"
              .formatted(shape.get(1), language.maxPositions()));
    }
    TokenBatch batch =
        new TokenBatch(
            language,
            (int) shape.get(0),
            (int) shape.get(1),
            inputIds.toLongArray(),
            attentionMask.toLongArray(),
            media);
    batch.checkIds();
    media.forEach(medium -> batch.check(medium, width));
    return batch;
  }

  private void checkIds() {
    int vocabulary = language.vocabulary();
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= vocabulary) {
        throw new ModelException(
            "token id %d at place %d of sequence %d is outside the vocabulary of %d"
                .formatted(ids[i], i % length, i / length, vocabulary));
      }
    }
  }

  private void check(Medium medium, int width) {
    long given = 0;
    if (medium.features != null) {
      Shape shape = medium.features.getShape();
      if (shape.dimension() < 2 || shape.get(shape.dimension() - 1) != width) {
        throw new ModelException(
            "visual features must be (…, tokens, %d), are %s".formatted(width, shape));
      }
      given = shape.size() / width;
    }
    int tokens = places(ids, medium.id).length;
    if (given != tokens) {
      throw new ModelException(
          "the batch has %d image tokens (%s, id %d), the visual features are for %d"
              .formatted(tokens, medium.token, medium.id, given));
    }
  }

  private static long[] places(long[] ids, long token) {
    return LongStream.range(0, ids.length).filter(i -> ids[(int) i] == token).toArray();
  }

  long id(int sequence, int place) {
    return ids[sequence * length + place];
  }

  boolean attends(int sequence, int place) {
    return mask[sequence * length + place] != 0;
  }

  /** The differences between the position of a new token and its index. */
  long[] deltas() {
    return Arrays.stream(paddingToTheLeft()).map(padding -> -padding).toArray();
  }

  int sequences() {
    return sequences;
  }

  int length() {
    return length;
  }

  /**
   * The padding at the beginning of each sequence.
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
    NDArray seen = features == null ? step.zeros(new Shape(0, 1)) : features;
    return new Object[] {inputIds, seen, step.create(places)};
  }

  /** The arguments of a whole pass: tokens, cosines and sines, mask. */
  Object[] arguments(
      NDManager step, NDArray inputIds, @Nullable NDArray features, RotaryEmbedding.Table table) {
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
   * The tokens to be learned.
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
    if (label < 0 || label >= language.vocabulary()) {
      throw new ModelException(
          "label %d at place %d of sequence %d is outside the vocabulary"
              .formatted(label, i % length, i / length));
    }
  }
}
