package org.optmerge.method.scaling;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Kernels;

/**
 * Takes the {@link Energies} of one tensor in one pass over its task vectors and their merge.
 *
 * <p>‖Δτ_iᵀ‖² costs m²n. Two independent {@link RowSketch}es S and S' make it ‖(SΔ)(S'τ_i)ᵀ‖²,
 * whose mean it is, of k × n matrices: no more memory and, but for two additions an entry, no more
 * work than those take, whatever the number of rows. All task vectors and Δ have the same sketches,
 * so most of their error cancels in a ratio. Matrices of few rows are exact. Used from one thread.
 *
 * <p>A tensor of more than two extents is a matrix whose columns are all but the first. A vector is
 * one column, since the input of a bias is a constant: its energies are squared lengths.
 */
public final class EnergyMeter {
  /** Columns that are summed in {@code float} before they are added up in {@code double}. */
  private static final int CHUNK = 256;

  private final int count;
  private final int rows;
  private final int columns;
  private final boolean vector;
  private final boolean withSpectral;
  private final RowSketch first;
  private final RowSketch second;

  /** S of the task vectors, then of Δ. */
  private final float[][] firstOf;

  /** S' of the task vectors. */
  private final float[][] secondOf;

  private final double[] squares;
  private final double[] dots;

  /**
   * A meter that has seen nothing.
   *
   * @param parameter its name, of which the sketches are a function
   * @param shape its extents
   * @param count number of task vectors, N
   * @param withSpectral whether largest singular values are asked for
   */
  public EnergyMeter(String parameter, List<Long> shape, int count, boolean withSpectral) {
    long size = shape.stream().reduce(1L, Math::multiplyExact);
    this.count = count;
    this.vector = shape.size() < 2;
    this.rows = vector ? 1 : Math.toIntExact(shape.get(0));
    this.columns = vector || rows == 0 ? 1 : Math.toIntExact(size / rows);
    this.withSpectral = withSpectral;
    this.first = new RowSketch(parameter, rows, columns, 1);
    this.second = first.isExact() ? first : new RowSketch(parameter, rows, columns, 2);
    this.firstOf = new float[count + 1][];
    this.secondOf = new float[count][];
    for (int t = 0; t <= count && !vector; t++) {
      firstOf[t] = first.empty();
    }
    for (int t = 0; t < count && !vector; t++) {
      secondOf[t] = first.isExact() ? firstOf[t] : second.empty();
    }
    this.squares = new double[count + 1];
    this.dots = new double[count];
  }

  /**
   * Adds the same entries of everything that is not factored.
   *
   * @param start number of the first entry
   * @param tau of each task vector; null where it comes by {@link #addFactors}
   * @param merged of Δ; null likewise
   */
  public void add(long start, int length, float[] @Nullable [] tau, float @Nullable [] merged) {
    for (int t = 0; t <= count; t++) {
      float[] values = t < count ? tau[t] : merged;
      if (values != null) {
        squares[t] += Kernels.best().sumOfSquares(values, 0, length);
        if (!vector) {
          first.add(start, values, length, firstOf[t]);
          if (t < count && !first.isExact()) {
            second.add(start, values, length, secondOf[t]);
          }
        }
      }
      if (vector && t < count && values != null && merged != null) {
        for (int i = 0; i < length; i++) {
          dots[t] += (double) values[i] * merged[i];
        }
      }
    }
  }

  /**
   * Adds a whole task vector, scale · B · A, without multiplying it out.
   *
   * @param t its number; N for Δ
   * @param b shape (m, r), flattened
   * @param a shape (r, n), flattened
   */
  public void addFactors(int t, float[] b, float[] a, double scale) {
    int rank = a.length / columns;
    first.addProduct(b, a, scale, firstOf[t]);
    if (t < count && !first.isExact()) {
      second.addProduct(b, a, scale, secondOf[t]);
    }
    double sum = 0;
    for (int p = 0; p < rank; p++) {
      for (int q = 0; q < rank; q++) {
        double ofB = 0;
        for (int row = 0; row < rows; row++) {
          ofB += (double) b[row * rank + p] * b[row * rank + q];
        }
        double ofA = 0;
        for (int column = 0; column < columns; column++) {
          ofA += (double) a[p * columns + column] * a[q * columns + column];
        }
        sum += ofB * ofA;
      }
    }
    squares[t] += Math.max(0, scale * scale * sum);
  }

  /** What has been seen. */
  public Energies energies() {
    double all = 0;
    for (int t = 0; t < count; t++) {
      all += squares[t];
    }
    if (all == 0) {
      return squares[count] == 0
          ? Energies.NONE
          : new Energies(0, 0, 0, 0, 0, squares[count], Double.NaN);
    }
    double[] ofInputs = vector ? vectorEnergies() : matrixEnergies();
    return new Energies(
        ofInputs[0],
        ofInputs[1],
        ofInputs[2],
        all / count,
        all,
        squares[count],
        withSpectral ? spectral() : Double.NaN);
  }

  /** With C = (1/N) · number of experts that change anything. */
  private double[] vectorEnergies() {
    double expert = 0;
    double agreement = 0;
    int changed = 0;
    for (int t = 0; t < count; t++) {
      expert += squares[t];
      agreement += dots[t];
      changed += squares[t] > 0 ? 1 : 0;
    }
    double c = (double) changed / count;
    return new double[] {c * expert / count, c * squares[count], agreement / count};
  }

  private double[] matrixEnergies() {
    int k = first.buckets();
    float[][] x = new float[count + 1][];
    for (int t = 0; t <= count; t++) {
      x[t] = transposed(firstOf[t], k);
    }
    double[] sums = new double[3];
    for (int input = 0; input < count; input++) {
      if (squares[input] > 0) {
        float[] y = first.isExact() ? x[input] : transposed(secondOf[input], k);
        double weight = 1 / (squares[input] * count);
        double[] ofMerged = products(x[count], y, k);
        sums[1] += weight * dot(ofMerged, ofMerged);
        for (int t = 0; t < count; t++) {
          if (squares[t] > 0) {
            double[] ofExpert = products(x[t], y, k);
            sums[0] += weight / count * dot(ofExpert, ofExpert);
            if (t == input) {
              sums[2] += weight * dot(ofMerged, ofExpert);
            }
          }
        }
      }
    }
    return sums;
  }

  private double spectral() {
    int k = vector ? 1 : first.buckets();
    double experts = 0;
    for (int t = 0; t < count; t++) {
      experts += largestSquare(t, k);
    }
    return experts / count / largestSquare(count, k);
  }

  /** σ₁², by the power method on the k × k Gram matrix. */
  private double largestSquare(int t, int k) {
    if (vector || squares[t] == 0) {
      return squares[t];
    }
    float[] x = transposed(firstOf[t], k);
    double[] gram = products(x, x, k);
    double[] direction = new double[k];
    for (int i = 0; i < k; i++) {
      // Not orthogonal to anything in particular.
      direction[i] = 1 + i / (double) (7 * k);
    }
    double value = 0;
    for (int step = 0; step < 300; step++) {
      double[] next = new double[k];
      double length = 0;
      for (int i = 0; i < k; i++) {
        for (int j = 0; j < k; j++) {
          next[i] += gram[i * k + j] * direction[j];
        }
        length += next[i] * next[i];
      }
      length = Math.sqrt(length);
      if (length == 0 || Math.abs(length - value) <= 1e-12 * length) {
        return length;
      }
      value = length;
      for (int i = 0; i < k; i++) {
        direction[i] = next[i] / length;
      }
    }
    return value;
  }

  private float[] transposed(float[] sketch, int k) {
    float[] transposed = new float[sketch.length];
    for (int bucket = 0; bucket < k; bucket++) {
      for (int column = 0; column < columns; column++) {
        transposed[column * k + bucket] = sketch[bucket * columns + column];
      }
    }
    return transposed;
  }

  /** X Yᵀ, k × k, of transposed sketches. */
  private double[] products(float[] x, float[] y, int k) {
    double[] total = new double[k * k];
    float[] part = new float[k * k];
    for (int from = 0; from < columns; from += CHUNK) {
      int to = Math.min(columns, from + CHUNK);
      for (int column = from; column < to; column++) {
        for (int i = 0; i < k; i++) {
          addMultiple(x[column * k + i], y, column * k, part, i * k, k);
        }
      }
      for (int i = 0; i < total.length; i++) {
        total[i] += part[i];
        part[i] = 0;
      }
    }
    return total;
  }

  private static void addMultiple(float c, float[] y, int from, float[] target, int at, int k) {
    for (int j = 0; j < k; j++) {
      target[at + j] += c * y[from + j];
    }
  }

  private static double dot(double[] x, double[] y) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += x[i] * y[i];
    }
    return sum;
  }
}
