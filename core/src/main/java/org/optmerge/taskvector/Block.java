package org.optmerge.taskvector;

import java.util.Arrays;

/**
 * A piece of the task vectors of one parameter.
 *
 * @param start index of the first entry in the flattened parameter
 * @param length entries in this block
 * @param tau {@code tau[t][i]} is entry {@code start + i} of task vector t; arrays may be longer
 *     than {@code length}; a reader must not keep or change them
 */
public record Block(long start, int length, float[][] tau) {
  /** Writes Σ_t τ_t into the first {@code length} entries. */
  public void sum(float[] into) {
    Arrays.fill(into, 0, length, 0f);
    for (float[] row : tau) {
      for (int i = 0; i < length; i++) {
        into[i] += row[i];
      }
    }
  }
}
