package org.optmerge.taskvector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ArrayTaskVectorStreamTest {
  private static final float[][] TAU = {{0, 1, 2, 3, 4, 5, 6, 7}, {7, 6, 5, 4, 3, 2, 1, 0}};

  @Test
  void blocks_come_in_order_and_have_whole_rows() {
    ArrayTaskVectorStream tau = new ArrayTaskVectorStream("w", List.of(4L, 2L), TAU, 3);

    List<String> blocks = new ArrayList<>();
    tau.visit(0, 8, 2, block -> blocks.add(text(block)));

    assertThat(blocks).containsExactly("0 [0.0, 1.0, 2.0, 3.0] 7.0", "4 [4.0, 5.0, 6.0, 7.0] 3.0");
  }

  @Test
  void a_part_may_be_visited_alone() {
    ArrayTaskVectorStream tau = new ArrayTaskVectorStream("w", List.of(8L), TAU, 3);

    List<String> blocks = new ArrayList<>();
    tau.visit(2, 7, 1, block -> blocks.add(text(block)));

    assertThat(blocks).containsExactly("2 [2.0, 3.0, 4.0] 5.0", "5 [5.0, 6.0] 2.0");
  }

  @Test
  void a_reduction_sees_every_entry_once() {
    ArrayTaskVectorStream tau = new ArrayTaskVectorStream("w", List.of(8L), TAU, 3);

    double[] sum =
        tau.reduce(
            () -> new double[1],
            (total, block) -> {
              for (int i = 0; i < block.length(); i++) {
                total[0] += block.tau()[0][i] * block.tau()[1][i];
              }
            },
            (a, b) -> new double[] {a[0] + b[0]});

    // 0·7 + 1·6 + 2·5 + 3·4, twice
    assertThat(sum[0]).isEqualTo(56);
  }

  @Test
  void arrays_that_do_not_fit_the_shape_are_refused() {
    assertThatThrownBy(() -> new ArrayTaskVectorStream("w", List.of(3L, 3L), TAU))
        .hasMessage("parameter 'w': task vector 1 has 8 entries, shape [3, 3] has 9");
    assertThatThrownBy(() -> new ArrayTaskVectorStream("w", List.of(8L), TAU, 0))
        .hasMessage("parameter 'w': a block has at least 1 entry, asked for 0");
  }

  private static String text(Block block) {
    return block.start()
        + " "
        + Arrays.toString(Arrays.copyOf(block.tau()[0], block.length()))
        + " "
        + block.tau()[1][0];
  }
}
