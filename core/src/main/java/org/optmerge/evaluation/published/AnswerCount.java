package org.optmerge.evaluation.published;

import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.evaluation.Evaluation;
import org.optmerge.evaluation.FileFormat;
import org.optmerge.evaluation.Finding;
import org.optmerge.evaluation.Protocol;
import org.optmerge.manifest.BenchmarkEntry;
import org.optmerge.manifest.Manifests;

/** The check that a file of answers has as many as its data set has questions. */
public final class AnswerCount {
  private AnswerCount() {}

  /**
   * What to say of a file with fewer answers than questions; empty if it has as many as the
   * smallest data set that it can be of, or if that is not known.
   *
   * @param dataSet as the user names it: a kit's name, or a title
   */
  public static Optional<Finding> fewer(String dataSet, Evaluation evaluation) {
    if (!Manifests.areShipped()) {
      return Optional.empty();
    }
    int answers = evaluation.items().size();
    List<BenchmarkEntry> candidates = candidates(dataSet, evaluation);
    if (candidates.isEmpty()
        || candidates.stream()
            .map(BenchmarkEntry::examples)
            .anyMatch(examples -> examples == null || examples <= answers)) {
      return Optional.empty();
    }
    BenchmarkEntry smallest =
        candidates.stream()
            .min((one, other) -> Long.compare(examples(one), examples(other)))
            .orElseThrow();
    return Optional.of(
        new Finding(
            String.format(
                Locale.ROOT,
                "%,d answers, %s has %,d questions: this is the score of a part",
                answers,
                smallest.name(),
                examples(smallest)),
            List.of()));
  }

  private static long examples(BenchmarkEntry entry) {
    return Objects.requireNonNull(entry.examples());
  }

  private static List<BenchmarkEntry> candidates(String dataSet, Evaluation evaluation) {
    Manifests manifests = Manifests.shipped();
    Optional<BenchmarkEntry> named = manifests.findBenchmark(dataSet);
    if (named.isPresent()) {
      return List.of(named.get());
    }
    BenchmarkEntry.@Nullable Kit kit = kit(evaluation.format());
    return manifests.benchmarkNames().stream()
        .flatMap(name -> manifests.findBenchmark(name).stream())
        .filter(entry -> kit == null || entry.kit() == kit)
        .filter(entry -> isOf(evaluation.protocol(), entry))
        .toList();
  }

  private static boolean isOf(Protocol protocol, BenchmarkEntry entry) {
    try {
      return Protocol.named(entry.name()) == protocol;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static BenchmarkEntry.@Nullable Kit kit(FileFormat format) {
    return switch (format) {
      case VLMEVALKIT -> BenchmarkEntry.Kit.VLMEVALKIT;
      case LMMS_EVAL -> BenchmarkEntry.Kit.LMMS_EVAL;
      case INTERNVL_GROUNDING, INTERNVL_VQA -> BenchmarkEntry.Kit.INTERNVL;
      default -> null;
    };
  }
}
