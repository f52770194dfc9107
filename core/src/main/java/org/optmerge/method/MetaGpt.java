package org.optmerge.method;

import java.util.Arrays;
import java.util.List;
import org.optmerge.taskvector.TaskVectorStream;

/**
 * MetaGPT: the sum of the task vectors, each with the coefficient λ_t = ‖τ_t‖² / Σ_s ‖τ_s‖² that
 * minimises the mean loss if tasks are quadratic around their experts and task vectors orthogonal.
 *
 * <p>Norms are of the whole model; without having seen it, of each parameter. If nothing changes
 * anything, so does the result.
 *
 * @see <a href="https://arxiv.org/abs/2406.11385">Zhou et al., MetaGPT, EMNLP 2024</a>
 */
record MetaGpt() implements StreamingMergeMethod {
  @Override
  public boolean needsModel() {
    return true;
  }

  @Override
  public StreamingMergeMethod fit(List<TaskVectorStream> model) {
    return model.isEmpty() ? this : new Fitted(coefficients(model));
  }

  @Override
  public BlockMerge prepare(TaskVectorStream tau) {
    return new LinearCombination(coefficients(List.of(tau)));
  }

  private static double[] coefficients(List<TaskVectorStream> model) {
    double[] squares = new double[model.get(0).count()];
    for (TaskVectorStream tau : model) {
      LaneSum[] sums =
          tau.reduce(
              () -> {
                LaneSum[] lanes = new LaneSum[squares.length];
                Arrays.setAll(lanes, t -> new LaneSum());
                return lanes;
              },
              (lanes, block) -> {
                for (int t = 0; t < lanes.length; t++) {
                  float[] values = block.tau()[t];
                  lanes[t].addProducts(values, values, block.length(), block.start());
                }
              },
              (lanes, more) -> {
                for (int t = 0; t < lanes.length; t++) {
                  lanes[t].add(more[t]);
                }
                return lanes;
              });
      for (int t = 0; t < squares.length; t++) {
        squares[t] += sums[t].total();
      }
    }
    double all = Arrays.stream(squares).sum();
    return Arrays.stream(squares).map(square -> all == 0 ? 0 : square / all).toArray();
  }

  /** The method once it knows the norms. */
  private record Fitted(double[] coefficients) implements StreamingMergeMethod {
    @Override
    public BlockMerge prepare(TaskVectorStream tau) {
      return new LinearCombination(coefficients);
    }
  }
}
