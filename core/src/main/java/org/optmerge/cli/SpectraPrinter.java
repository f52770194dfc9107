package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.optmerge.analysis.TaskVectorDiagnostics;
import org.optmerge.analysis.TaskVectorDiagnostics.Merged;
import org.optmerge.analysis.TaskVectorSpectra;
import org.optmerge.analysis.TaskVectorSpectra.Comparison;
import org.optmerge.analysis.TaskVectorSpectra.Matrix;
import org.optmerge.base.Json;
import org.optmerge.base.Percent;
import org.optmerge.base.TextTable;

/** The spectra of task vectors, as text and as JSON. */
final class SpectraPrinter {
  private final TaskVectorSpectra spectra;

  SpectraPrinter(TaskVectorSpectra spectra) {
    this.spectra = spectra;
  }

  /**
   * The figures of the whole model, then of some matrices.
   *
   * @param top how many matrices to list
   */
  List<String> text(Console console, int top) {
    List<String> lines = new ArrayList<>();
    lines.add("");
    lines.addAll(console.lines(ranks()));
    if (spectra.experts().size() > 1) {
      lines.add("");
      lines.addAll(console.lines(overlaps()));
    }
    spectra
        .total()
        .ifPresent(
            total -> {
              TextTable table =
                  new TextTable()
                      .left("of all matrices")
                      .right("interference (equation 1)")
                      .right("distance from mean");
              table.row(
                  "merged",
                  Quantities.number(total.interference()),
                  Percent.withSign(total.distanceFromMean()));
              table.row("mean", Quantities.number(total.interferenceOfMean()), "");
              table.row("sum", Quantities.number(total.interferenceOfSum()), "");
              lines.add("");
              lines.addAll(console.lines(table));
            });
    if (top > 0 && !spectra.matrices().isEmpty()) {
      lines.add("");
      lines.addAll(console.lines(matrices(top)));
    }
    return lines;
  }

  private TextTable ranks() {
    TextTable table =
        new TextTable()
            .left("mean over " + number(spectra.matrices().size()))
            .right("effective rank")
            .right("of the largest");
    for (int t = 0; t < spectra.experts().size(); t++) {
      table.row(
          spectra.experts().get(t),
          Quantities.number(spectra.effectiveRank(t)),
          Percent.withSign(spectra.effectiveRankShare(t)));
    }
    return table;
  }

  private static String number(int count) {
    return count == 1 ? "1 matrix" : count + " matrices";
  }

  private TextTable overlaps() {
    return square("subspace overlap", spectra.experts(), spectra::overlap);
  }

  /** A table of a number for every two experts. */
  static TextTable square(String title, List<String> experts, Pairs numbers) {
    TextTable table = new TextTable().left(title);
    experts.forEach(table::right);
    for (int s = 0; s < experts.size(); s++) {
      List<String> row = new ArrayList<>(List.of(experts.get(s)));
      for (int t = 0; t < experts.size(); t++) {
        row.add(Quantities.number(numbers.of(s, t)));
      }
      table.row(row);
    }
    return table;
  }

  /** A number for every two experts. */
  interface Pairs {
    double of(int one, int other);
  }

  /**
   * The matrices in which the merge interferes most; without one, in which experts overlap most.
   */
  private TextTable matrices(int top) {
    boolean several = spectra.experts().size() > 1;
    boolean merged = spectra.total().isPresent();
    TextTable table = new TextTable().left("effective rank");
    spectra.experts().forEach(table::right);
    if (several) {
      table.right("largest overlap");
    }
    if (merged) {
      table.right("interference").right("of the mean").right("of the sum").right("from mean");
    }
    spectra.matrices().stream()
        .sorted(Comparator.comparingDouble(SpectraPrinter::attention).reversed())
        .limit(top)
        .forEach(
            matrix -> {
              List<String> row = new ArrayList<>(List.of(matrix.name()));
              matrix.diagnostics().effectiveRanks().forEach(r -> row.add(Quantities.number(r)));
              if (several) {
                row.add(Quantities.number(matrix.largestOverlap()));
              }
              if (merged) {
                row.addAll(
                    matrix
                        .merge()
                        .map(SpectraPrinter::comparison)
                        .orElse(List.of("-", "-", "-", "-")));
              }
              table.row(row);
            });
    return table;
  }

  private static double attention(Matrix matrix) {
    return matrix
        .merge()
        .map(merge -> merge.merged().totalInterference())
        .orElseGet(matrix::largestOverlap);
  }

  private static List<String> comparison(Comparison merge) {
    return List.of(
        Quantities.number(merge.merged().totalInterference()),
        Quantities.number(merge.mean().totalInterference()),
        Quantities.number(merge.sum().totalInterference()),
        Percent.withSign(merge.merged().distanceFromMean()));
  }

  ObjectNode json() {
    ObjectNode node = Json.object();
    ObjectNode total = node.putObject("total");
    total.put("matrices", spectra.matrices().size());
    Json.put(total, "effective_ranks", each(spectra::effectiveRank));
    Json.put(total, "effective_rank_shares", each(spectra::effectiveRankShare));
    Json.put(total, "overlaps", each(s -> each(t -> spectra.overlap(s, t))));
    spectra
        .total()
        .ifPresent(
            sums -> {
              Json.put(total, "interference", sums.interference());
              Json.put(total, "interference_of_mean", sums.interferenceOfMean());
              Json.put(total, "interference_of_sum", sums.interferenceOfSum());
              Json.put(total, "distance_from_mean", sums.distanceFromMean());
            });
    Json.put(node, "tensors", spectra.matrices().stream().map(SpectraPrinter::json).toList());
    Json.put(node, "not_decomposed", spectra.omissions());
    return node;
  }

  private <T> List<T> each(IntFunction<T> ofExpert) {
    return IntStream.range(0, spectra.experts().size()).mapToObj(ofExpert).toList();
  }

  private static ObjectNode json(Matrix matrix) {
    ObjectNode node = Json.object();
    TaskVectorDiagnostics found = matrix.diagnostics();
    node.put("name", matrix.name());
    Json.put(node, "shape", matrix.shape());
    Json.put(node, "norms", found.norms());
    Json.put(node, "effective_ranks", found.effectiveRanks());
    Json.put(node, "overlaps", found.overlaps());
    matrix
        .merge()
        .ifPresent(
            merge -> {
              node.set("merged", json(merge.merged()));
              node.set("mean", json(merge.mean()));
              node.set("sum", json(merge.sum()));
            });
    return node;
  }

  private static ObjectNode json(Merged merged) {
    ObjectNode node = Json.object();
    Json.put(node, "norm", merged.norm());
    Json.put(node, "total_interference", merged.totalInterference());
    Json.put(node, "interference", merged.interference());
    Json.put(node, "distance_from_mean", merged.distanceFromMean());
    Json.put(node, "cosine_with_mean", merged.cosineWithMean());
    return node;
  }
}
