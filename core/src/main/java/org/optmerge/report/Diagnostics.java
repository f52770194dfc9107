package org.optmerge.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;
import org.optmerge.analysis.TaskVectorDiagnostics.Merged;
import org.optmerge.analysis.TaskVectorSpectra;
import org.optmerge.analysis.TaskVectorStatistics;
import tech.tablesaw.api.Table;

/**
 * Tables of task vectors and of merges of them, for notebooks: one observation a row, to filter,
 * summarise and plot.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class Diagnostics {
  private Diagnostics() {}

  /**
   * The norm of each expert's task vector by layer.
   *
   * @return columns "layer", "expert", "norm"
   */
  public static Table layers(TaskVectorStatistics statistics) {
    record Norm(String layer, String expert, double norm) {}
    List<Norm> norms = new ArrayList<>();
    statistics
        .normsByLayer()
        .forEach(
            (layer, values) -> {
              for (int t = 0; t < values.size(); t++) {
                norms.add(new Norm(layer, statistics.experts().get(t), values.get(t)));
              }
            });
    return new Columns<>("Norms by layer", norms)
        .text("layer", Norm::layer)
        .text("expert", Norm::expert)
        .number("norm", Norm::norm)
        .table();
  }

  /**
   * The merge of a whole model beside the mean and the sum of its experts, matrix by matrix.
   *
   * @return columns as of {@link #merges(String, Map)}
   */
  public static Table merges(TaskVectorSpectra spectra) {
    List<Named> all = new ArrayList<>();
    for (TaskVectorSpectra.Matrix matrix : spectra.matrices()) {
      matrix
          .merge()
          .ifPresent(
              merge -> {
                all.add(new Named(matrix.name(), "merged", merge.merged()));
                all.add(new Named(matrix.name(), "mean", merge.mean()));
                all.add(new Named(matrix.name(), "sum", merge.sum()));
              });
    }
    return table(all);
  }

  /**
   * The merges that several methods make of the task vectors of one parameter.
   *
   * @param tensor its name
   * @param merges by the name of the method; the map's order counts
   * @return columns "tensor", "merge", "interference" (equation 1), "distance from mean", "cosine
   *     with mean", "norm"
   */
  public static Table merges(String tensor, Map<String, Merged> merges) {
    List<Named> all = new ArrayList<>();
    merges.forEach((name, merged) -> all.add(new Named(tensor, name, merged)));
    return table(all);
  }

  private record Named(String tensor, String name, Merged merged) {}

  private static Table table(List<Named> merges) {
    return new Columns<>("Merges of task vectors", merges)
        .text("tensor", Named::tensor)
        .text("merge", Named::name)
        .number("interference", one -> one.merged.totalInterference())
        .number("distance from mean", one -> one.merged.distanceFromMean())
        .number("cosine with mean", one -> one.merged.cosineWithMean())
        .number("norm", one -> one.merged.norm())
        .table();
  }
}
