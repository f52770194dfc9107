package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.optmerge.analysis.TaskVectorDiagnostics;
import org.optmerge.analysis.TaskVectorDiagnostics.Merged;
import org.optmerge.analysis.TaskVectorSpectra;
import org.optmerge.analysis.TaskVectorSpectra.Comparison;
import org.optmerge.analysis.TaskVectorSpectra.Matrix;
import org.optmerge.analysis.TaskVectorStatistics.Omission;
import org.optmerge.base.Percent;
import org.optmerge.base.TextTable;

/** The spectra of task vectors, as text and as JSON. */
final class SpectraPrinter {
  private final TaskVectorSpectra spectra;

  SpectraPrinter(TaskVectorSpectra spectra) {
    this.spectra = spectra;
  }

  /**
   * What there is to say of the model, then of some matrices.
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
    TextTable table = new TextTable().left("subspace overlap");
    spectra.experts().forEach(table::right);
    for (int s = 0; s < spectra.experts().size(); s++) {
      List<String> row = new ArrayList<>(List.of(spectra.experts().get(s)));
      for (int t = 0; t < spectra.experts().size(); t++) {
        row.add(Quantities.number(spectra.overlap(s, t)));
      }
      table.row(row);
    }
    return table;
  }

  /** Where the merge interferes most; without one, where experts overlap most. */
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
    ObjectNode node = Console.object();
    int count = spectra.experts().size();
    ObjectNode total = node.putObject("total");
    total.put("matrices", spectra.matrices().size());
    put(total.putArray("effective_ranks"), count, spectra::effectiveRank);
    put(total.putArray("effective_rank_shares"), count, spectra::effectiveRankShare);
    ArrayNode overlaps = total.putArray("overlaps");
    for (int t = 0; t < count; t++) {
      int expert = t;
      put(overlaps.addArray(), count, other -> spectra.overlap(expert, other));
    }
    spectra
        .total()
        .ifPresent(
            sums -> {
              Console.put(total, "interference", sums.interference());
              Console.put(total, "interference_of_mean", sums.interferenceOfMean());
              Console.put(total, "interference_of_sum", sums.interferenceOfSum());
              Console.put(total, "distance_from_mean", sums.distanceFromMean());
            });
    ArrayNode tensors = node.putArray("tensors");
    spectra.matrices().forEach(matrix -> tensors.add(json(matrix)));
    ArrayNode omissions = node.putArray("not_decomposed");
    for (Omission omission : spectra.omissions()) {
      omissions
          .addObject()
          .put("model", omission.model())
          .put("tensor", omission.tensor())
          .put("reason", omission.reason());
    }
    return node;
  }

  private static ObjectNode json(Matrix matrix) {
    ObjectNode node = Console.object();
    TaskVectorDiagnostics found = matrix.diagnostics();
    int count = found.norms().size();
    node.put("name", matrix.name());
    matrix.shape().forEach(node.putArray("shape")::add);
    put(node.putArray("norms"), count, t -> found.norms().get(t));
    put(node.putArray("effective_ranks"), count, t -> found.effectiveRanks().get(t));
    ArrayNode overlaps = node.putArray("overlaps");
    found.overlaps().forEach(row -> put(overlaps.addArray(), count, row::get));
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
    ObjectNode node = Console.object();
    Console.put(node, "norm", merged.norm());
    Console.put(node, "total_interference", merged.totalInterference());
    put(
        node.putArray("interference"),
        merged.interference().size(),
        t -> merged.interference().get(t));
    Console.put(node, "distance_from_mean", merged.distanceFromMean());
    Console.put(node, "cosine_with_mean", merged.cosineWithMean());
    return node;
  }

  private static void put(ArrayNode array, int count, IntToDoubleFunction value) {
    for (int t = 0; t < count; t++) {
      double number = value.applyAsDouble(t);
      if (Double.isFinite(number)) {
        array.add(number);
      } else {
        array.addNull();
      }
    }
  }
}
