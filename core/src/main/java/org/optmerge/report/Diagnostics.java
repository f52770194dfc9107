package org.optmerge.report;

import java.util.List;
import java.util.Map;
import org.optmerge.analysis.TaskVectorDiagnostics;
import org.optmerge.analysis.TaskVectorDiagnostics.Merged;
import org.optmerge.analysis.TaskVectorSpectra;
import org.optmerge.analysis.TaskVectorStatistics;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * What is known of task vectors and of merges of them, as tables for notebooks: one observation a
 * row, to filter, summarise and plot.
 */
public final class Diagnostics {
  private Diagnostics() {}

  /**
   * The norm of each expert's task vector by layer.
   *
   * @return columns "layer", "expert", "norm"
   */
  public static Table layers(TaskVectorStatistics statistics) {
    StringColumn layers = StringColumn.create("layer");
    StringColumn experts = StringColumn.create("expert");
    DoubleColumn norms = DoubleColumn.create("norm");
    statistics
        .normsByLayer()
        .forEach(
            (layer, values) -> {
              for (int t = 0; t < values.size(); t++) {
                layers.append(layer);
                experts.append(statistics.experts().get(t));
                norms.append(values.get(t));
              }
            });
    return Table.create("Norms by layer", layers, experts, norms);
  }

  /** {@link #ranks(List, List)} of a whole model. */
  public static Table ranks(TaskVectorSpectra spectra) {
    return ranks(spectra.experts(), diagnostics(spectra));
  }

  /**
   * How large and how rich each expert's task vector is in each parameter.
   *
   * @param experts names, in the order of the diagnostics
   * @return columns "tensor", "expert", "norm", "effective rank"
   * @throws IllegalArgumentException if the number of names is not that of the task vectors
   */
  public static Table ranks(List<String> experts, List<TaskVectorDiagnostics> diagnostics) {
    StringColumn tensors = StringColumn.create("tensor");
    StringColumn names = StringColumn.create("expert");
    DoubleColumn norms = DoubleColumn.create("norm");
    DoubleColumn ranks = DoubleColumn.create("effective rank");
    for (TaskVectorDiagnostics found : diagnostics) {
      requireNames(experts, found);
      for (int t = 0; t < experts.size(); t++) {
        tensors.append(found.parameter());
        names.append(experts.get(t));
        norms.append(found.norms().get(t));
        ranks.append(found.effectiveRanks().get(t));
      }
    }
    return Table.create("Effective ranks", tensors, names, norms, ranks);
  }

  /** {@link #pairs(List, List)} of a whole model. */
  public static Table pairs(TaskVectorSpectra spectra) {
    return pairs(spectra.experts(), diagnostics(spectra));
  }

  /**
   * How alike the task vectors of every two experts are in each parameter.
   *
   * @param experts names, in the order of the diagnostics
   * @return columns "tensor", "expert", "other", "cosine", "overlap"; each pair once
   * @throws IllegalArgumentException if the number of names is not that of the task vectors
   */
  public static Table pairs(List<String> experts, List<TaskVectorDiagnostics> diagnostics) {
    StringColumn tensors = StringColumn.create("tensor");
    StringColumn names = StringColumn.create("expert");
    StringColumn others = StringColumn.create("other");
    DoubleColumn cosines = DoubleColumn.create("cosine");
    DoubleColumn overlaps = DoubleColumn.create("overlap");
    for (TaskVectorDiagnostics found : diagnostics) {
      requireNames(experts, found);
      for (int s = 0; s < experts.size(); s++) {
        for (int t = s + 1; t < experts.size(); t++) {
          tensors.append(found.parameter());
          names.append(experts.get(s));
          others.append(experts.get(t));
          cosines.append(found.cosines().get(s).get(t));
          overlaps.append(found.overlaps().get(s).get(t));
        }
      }
    }
    return Table.create("Pairs of task vectors", tensors, names, others, cosines, overlaps);
  }

  /**
   * The merge of a whole model beside the mean and the sum of its experts, matrix by matrix.
   *
   * @return columns as of {@link #merges(String, Map)}
   */
  public static Table merges(TaskVectorSpectra spectra) {
    Table table = merges("", Map.of());
    for (TaskVectorSpectra.Matrix matrix : spectra.matrices()) {
      matrix
          .merge()
          .ifPresent(
              merge -> {
                append(table, matrix.name(), "merged", merge.merged());
                append(table, matrix.name(), "mean", merge.mean());
                append(table, matrix.name(), "sum", merge.sum());
              });
    }
    return table;
  }

  /**
   * What several merges made of the task vectors of one parameter.
   *
   * @param tensor its name
   * @param merges by the name of the method; the map's order counts
   * @return columns "tensor", "merge", "interference" (equation 1), "distance from mean", "cosine
   *     with mean", "norm"
   */
  public static Table merges(String tensor, Map<String, Merged> merges) {
    Table table =
        Table.create(
            "Merges of task vectors",
            StringColumn.create("tensor"),
            StringColumn.create("merge"),
            DoubleColumn.create("interference"),
            DoubleColumn.create("distance from mean"),
            DoubleColumn.create("cosine with mean"),
            DoubleColumn.create("norm"));
    merges.forEach((name, merged) -> append(table, tensor, name, merged));
    return table;
  }

  private static void append(Table table, String tensor, String merge, Merged merged) {
    table.stringColumn("tensor").append(tensor);
    table.stringColumn("merge").append(merge);
    table.doubleColumn("interference").append(merged.totalInterference());
    table.doubleColumn("distance from mean").append(merged.distanceFromMean());
    table.doubleColumn("cosine with mean").append(merged.cosineWithMean());
    table.doubleColumn("norm").append(merged.norm());
  }

  private static List<TaskVectorDiagnostics> diagnostics(TaskVectorSpectra spectra) {
    return spectra.matrices().stream().map(TaskVectorSpectra.Matrix::diagnostics).toList();
  }

  private static void requireNames(List<String> experts, TaskVectorDiagnostics found) {
    if (experts.size() != found.norms().size()) {
      throw new IllegalArgumentException(
          "parameter '%s' has %d task vectors, and there are %d names of experts: %s"
              .formatted(found.parameter(), found.norms().size(), experts.size(), experts));
    }
  }
}
