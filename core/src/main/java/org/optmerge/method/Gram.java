package org.optmerge.method;

import java.util.Arrays;
import org.optmerge.taskvector.Block;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * The scalar products of the inputs, G_st = ⟨x_s, x_t⟩, in double precision: all that spherical
 * methods need to know of a parameter.
 */
final class Gram {
  private final double[][] products;

  public Gram(double[][] products) {
    this.products = products;
  }

  /** One pass over a parameter. */
  public static Gram of(TaskVectorStream x) {
    int count = x.count();
    LaneSum[] sums =
        x.reduce(
            () -> lanes(count * (count + 1) / 2),
            (pairs, block) -> add(pairs, block, count),
            (a, b) -> {
              for (int pair = 0; pair < a.length; pair++) {
                a[pair].add(b[pair]);
              }
              return a;
            });
    double[][] products = new double[count][count];
    int pair = 0;
    for (int s = 0; s < count; s++) {
      for (int t = 0; t <= s; t++) {
        products[s][t] = sums[pair++].total();
        products[t][s] = products[s][t];
      }
    }
    return new Gram(products);
  }

  private static LaneSum[] lanes(int count) {
    LaneSum[] lanes = new LaneSum[count];
    Arrays.setAll(lanes, pair -> new LaneSum());
    return lanes;
  }

  private static void add(LaneSum[] pairs, Block block, int count) {
    int pair = 0;
    for (int s = 0; s < count; s++) {
      for (int t = 0; t <= s; t++) {
        pairs[pair++].addProducts(block.tau()[s], block.tau()[t], block.length(), block.start());
      }
    }
  }

  /** The products of one row, of {@code length} entries from {@code from} on. */
  public static Gram ofRow(float[][] x, int from, int length) {
    double[][] products = new double[x.length][x.length];
    for (int s = 0; s < x.length; s++) {
      for (int t = 0; t <= s; t++) {
        double sum = 0;
        float[] a = x[s];
        float[] b = x[t];
        for (int i = from; i < from + length; i++) {
          sum += (double) a[i] * b[i];
        }
        products[s][t] = sum;
        products[t][s] = sum;
      }
    }
    return new Gram(products);
  }

  public int count() {
    return products.length;
  }

  public double product(int s, int t) {
    return products[s][t];
  }

  public double norm(int t) {
    return Math.sqrt(products[t][t]);
  }

  /** ⟨Σ a_s x_s, Σ b_t x_t⟩. */
  public double product(double[] a, double[] b) {
    double sum = 0;
    for (int s = 0; s < a.length; s++) {
      for (int t = 0; t < b.length; t++) {
        sum += a[s] * b[t] * products[s][t];
      }
    }
    return sum;
  }

  /** ‖Σ a_t x_t‖. */
  public double norm(double[] a) {
    return Math.sqrt(Math.max(0, product(a, a)));
  }
}
