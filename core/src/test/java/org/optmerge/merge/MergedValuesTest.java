package org.optmerge.merge;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.taskvector.TaskVector;

class MergedValuesTest {
  /** B · A for B = (1, 2; 3, 4; 5, 6; 0, 1), A = (1, 0, 2; 0, 1, −1), doubled. */
  private static final float[] PRODUCT = {2, 4, 0, 6, 8, 4, 10, 12, 8, 0, 2, -2};

  @ParameterizedTest
  @CsvSource({"0,12", "0,3", "3,9", "2,4", "5,12", "11,12", "4,5"})
  void a_stretch_of_factors_may_begin_and_end_within_a_row(int start, int end) {
    try (NDManager manager = NDManager.newBaseManager()) {
      NDArray b = manager.create(new double[][] {{1, 2}, {3, 4}, {5, 6}, {0, 1}});
      NDArray a = manager.create(new float[][] {{1, 0, 2}, {0, 1, -1}});
      TaskVector factors = new TaskVector.LowRank(b, a.toType(DataType.FLOAT64, true), 2);
      TaskVector dense = new TaskVector.Dense(factors.dense());
      for (TaskVector merged : new TaskVector[] {factors, dense}) {
        float[] values = new float[end - start];

        try (MergedValues.Stretch stretch = MergedValues.of(merged, manager).stretch(start, end)) {
          stretch.get(start, values, values.length);
        }

        assertThat(values).containsExactly(Arrays.copyOfRange(PRODUCT, start, end));
      }
    }
  }
}
