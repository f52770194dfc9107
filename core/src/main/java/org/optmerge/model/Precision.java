package org.optmerge.model;

import java.util.Arrays;
import java.util.List;
import org.apiguardian.api.API;
import org.optmerge.base.Suggestion;

/**
 * The arithmetic of a model that answers, and the form in which it keeps its weights. Training,
 * merging and {@link MultimodalModel#parameters} ask for {@link #FLOAT32}.
 */
@API(status = API.Status.EXPERIMENTAL)
public enum Precision {
  /**
   * What suits the model: {@link #FLOAT32}, but {@link #BFLOAT16} for a large model that is stored
   * in bfloat16 where the processor multiplies such numbers itself.
   */
  AUTO("auto"),

  /** Weights are widened to float32, and so is all arithmetic. */
  FLOAT32("float32"),

  /**
   * Weights stored in bfloat16 stay where they are: mapped from the file, in no second copy.
   * Products are of bfloat16 numbers and summed in float32; what a layer gives is bfloat16.
   */
  BFLOAT16("bfloat16");

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
