package org.optmerge.metric;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MeansTest {
  /**
   * {@code numpy.mean} and {@code sum / len} of {@code [(i * 7919 % 10007) / 10007 for i in
   * range(n)]}.
   */
  @ParameterizedTest
  @CsvSource({
    "1, 0.0, 0.0, 0.0",
    "7, 0.5168953161358477, 0.5168953161358477, 0.5168953161358477",
    "8, 0.519711202158489, 0.519711202158489, 0.519711202158489",
    "129, 0.4988608749069449, 0.4988608749069449, 0.49886087490694503",
    "8192, 0.5000158824369816, 0.5000158824369816, 0.5000158824369817",
    "8193, 0.5000411343940115, 0.5000411343940115, 0.5000411343940117",
    "9000, 0.5000313336220201, 0.5000313336220202, 0.5000313336220201",
    "20000, 0.4999545668032377, 0.4999545668032378, 0.4999545668032377",
    "50000, 0.4999709603277705, 0.4999709603277706, 0.49997096032777044"
  })
  void a_mean_is_what_numpy_and_python_make_of_it(
      int count, double until22, double since23, double inOrder) {
    double[] values =
        IntStream.range(0, count).mapToDouble(i -> i * 7919L % 10007 / 10007.0).toArray();

    assertThat(Means.NUMPY.of(values)).as("NumPy 1.26.4").isEqualTo(until22);
    assertThat(Means.NUMPY_2_3.of(values)).as("NumPy 2.4.6").isEqualTo(since23);
    assertThat(Means.IN_ORDER.of(values)).as("Python 3.11").isEqualTo(inOrder);
  }
}
