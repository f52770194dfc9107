package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;

/**
 * Cosines and sines of the rotary position embedding, in the half-rotation form of Qwen2: channel i
 * and channel i + w/2 of a head of width w turn together, by {@code position · θ^(−2i/w)}.
 *
 * <p>The sines of the first half are negated, so that {@code x · cos + roll(x, w/2) · sin} is the
 * rotation. Angles are float32, as the reference computes them.
 *
 * @see <a href="https://arxiv.org/abs/2104.09864">Su et al., RoFormer, section 3.2.2</a>
 */
final class RotaryEmbedding {
  private final float[] frequencies;

  RotaryEmbedding(int width, double theta) {
    frequencies = new float[width / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = 1 / (float) Math.pow(theta, 2f * i / width);
    }
  }

  /** Cosines and sines for given positions. */
  record Table(NDArray cos, NDArray sin) {}

  /** For positions 0 to n − 1: each of shape (n, w). */
  Table upTo(NDManager manager, int n) {
    long[] positions = new long[n];
    for (int i = 0; i < n; i++) {
      positions[i] = i;
    }
    return of(manager, positions, new Shape(n, 2L * frequencies.length));
  }

  /** For positions of each sequence, (B, n): each of shape (B, 1, n, w). */
  Table of(NDManager manager, long[][] positions) {
    int n = positions[0].length;
    long[] flat = new long[positions.length * n];
    for (int i = 0; i < positions.length; i++) {
      System.arraycopy(positions[i], 0, flat, i * n, n);
    }
    return of(manager, flat, new Shape(positions.length, 1, n, 2L * frequencies.length));
  }

  /**
   * For positions on three axes, (3, B, n): each of shape (B, 1, n, w).
   *
   * @param sections how many frequencies turn with each axis
   */
  Table of(NDManager manager, long[][][] axes, List<Integer> sections) {
    int sequences = axes[0].length;
    int n = axes[0][0].length;
    float[][] angles = new float[sequences * n][frequencies.length];
    for (int row = 0; row < angles.length; row++) {
      int i = 0;
      for (int axis = 0; axis < axes.length; axis++) {
        for (int end = i + sections.get(axis); i < end; i++) {
          angles[row][i] = axes[axis][row / n][row % n] * frequencies[i];
        }
      }
    }
    return table(manager, angles, new Shape(sequences, 1, n, 2L * frequencies.length));
  }

  /** For given angles, (n, w/2): each of shape (n, w). */
  static Table ofAngles(NDManager manager, float[][] angles) {
    return table(manager, angles, new Shape(angles.length, 2L * angles[0].length));
  }

  private Table of(NDManager manager, long[] positions, Shape shape) {
    float[][] angles = new float[positions.length][frequencies.length];
    for (int row = 0; row < positions.length; row++) {
      for (int i = 0; i < frequencies.length; i++) {
        angles[row][i] = positions[row] * frequencies[i];
      }
    }
    return table(manager, angles, shape);
  }

  private static Table table(NDManager manager, float[][] angles, Shape shape) {
    int half = angles[0].length;
    float[] cos = new float[angles.length * 2 * half];
    float[] sin = new float[cos.length];
    for (int row = 0, at = 0; row < angles.length; row++, at += 2 * half) {
      for (int i = 0; i < half; i++) {
        float angle = angles[row][i];
        cos[at + i] = cos[at + half + i] = (float) Math.cos(angle);
        sin[at + half + i] = (float) Math.sin(angle);
        sin[at + i] = -sin[at + half + i];
      }
    }
    return new Table(manager.create(cos, shape), manager.create(sin, shape));
  }
}
