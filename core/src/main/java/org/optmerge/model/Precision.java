package org.optmerge.model;

import java.util.Arrays;
import java.util.List;
import org.apiguardian.api.API;
import org.optmerge.base.Suggestion;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;

/**
 * The arithmetic of a model that answers, and the form in which it keeps its weights. Training,
 * merging and {@link MultimodalModel#parameters} ask for {@link #FLOAT32}.
 */
@API(status = API.Status.EXPERIMENTAL)
public enum Precision {
  /**
   * What suits model and machine: {@link #BFLOAT16} for a model of 256 MiB or more that is stored
   * in bfloat16, where the processor multiplies such numbers itself; else {@link #FLOAT32}, or
   * {@link #FLOAT32_MAPPED} if that would take more than 60 % of the machine's memory.
   */
  AUTO("auto"),

  /** Weights are widened to float32, and so is all arithmetic. */
  FLOAT32("float32"),

  /**
   * Weights stored in bfloat16 stay where they are: mapped from the file, in no second copy.
   * Products are of bfloat16 numbers and summed in float32; what a layer gives is bfloat16.
   */
  BFLOAT16("bfloat16"),

  /**
   * The arithmetic of {@link #FLOAT32} with weights that stay in the file, mapped, whatever they
   * are stored in: each is widened as it is used. For models that do not fit into memory in
   * float32; several times slower.
   */
  FLOAT32_MAPPED("float32-mapped"),

  /**
   * {@link #BFLOAT16} with matrices rounded to 255 steps a row when they are opened: half of the
   * checkpoint's size in memory, and tokens sooner where one prompt is answered at a time. Answers
   * differ from those of the published weights; not for numbers that are to be compared.
   */
  INT8("int8");

  /** Models with fewer bytes of weights are in float32, unless told otherwise. */
  private static final long LARGE = 256L << 20;

  /** The share of the machine's memory that weights in float32 may take. */
  private static final double SHARE = 0.6;

  private final String key;

  Precision(String key) {
    this.key = key;
  }

  /** Its name on the command line, such as {@code bfloat16}. */
  public String key() {
    return key;
  }

  /** All names, in the order of the values. */
  public static List<String> keys() {
    return Arrays.stream(values()).map(Precision::key).toList();
  }

  /** Bytes of a number that is kept from one token to the next. */
  int cacheBytes() {
    return this == BFLOAT16 || this == INT8 ? 2 : Float.BYTES;
  }

  /** The precision itself; of {@link #AUTO}, what it is for a checkpoint on this machine. */
  public Precision resolved(Checkpoint checkpoint) {
    return this == AUTO ? auto(checkpoint) : this;
  }

  /** What {@link #AUTO} is for a checkpoint on this machine. */
  static Precision auto(Checkpoint checkpoint) {
    long bytes = 0;
    long bfloat16 = 0;
    long values = 0;
    for (TensorInfo tensor : checkpoint.tensors()) {
      bytes += tensor.bytes();
      values += tensor.size();
      bfloat16 += tensor.dtype() == DType.BF16 ? tensor.bytes() : 0;
    }
    return auto(bytes, bfloat16, values, Processor.multipliesBfloat16(), Processor.memory());
  }

  static Precision auto(
      long bytes, long bfloat16, long values, boolean multipliesBfloat16, long memory) {
    if (bytes < LARGE) {
      return FLOAT32;
    }
    if (multipliesBfloat16 && 2 * bfloat16 > bytes) {
      return BFLOAT16;
    }
    return Float.BYTES * values < SHARE * memory ? FLOAT32 : FLOAT32_MAPPED;
  }

  /**
   * The precision of a name.
   *
   * @throws ModelException if there is none; the message lists the names
   */
  public static Precision named(String key) {
    return Arrays.stream(values())
        .filter(precision -> precision.key.equals(key))
        .findFirst()
        .orElseThrow(
            () ->
                new ModelException(
                    "precision '%s' is not known; known: %s%s"
                        .formatted(
                            key, String.join(", ", keys()), Suggestion.forWord(key, keys()))));
  }
}
