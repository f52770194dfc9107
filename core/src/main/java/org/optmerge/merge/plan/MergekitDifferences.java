package org.optmerge.merge.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What a merge by one of mergekit's methods gives otherwise than mergekit does. */
final class MergekitDifferences {
  private static final Set<String> RANDOM =
      Set.of("dare_linear", "dare_ties", "della", "della_linear");

  /** Methods that choose entries by what is rounded at every step in mergekit. */
  private static final Set<String> SELECTING =
      Set.of("ties", "breadcrumbs", "breadcrumbs_ties", "sce", "dare_ties", "della");

  /**
   * Methods that choose entries by magnitude, of which weights of few bits have many equal ones.
   */
  private static final Set<String> RANKING =
      Set.of("ties", "breadcrumbs", "breadcrumbs_ties", "sce");

  private static final Set<String> WRITTEN_IN_FLOAT32 = Set.of("arcee_fusion", "ramplus_tl");

  private MergekitDifferences() {}

  /**
   * One sentence for each difference.
   *
   * @param half whether mergekit would compute in a type of 16 bits
   */
  static List<String> of(String method, boolean half) {
    List<String> differences = new ArrayList<>();
    if (RANDOM.contains(method)) {
      differences.add(
          "differs from mergekit: '%s' keeps as many entries, drawn by other random numbers"
              .formatted(method));
    }
    if (RANKING.contains(method)) {
      differences.add(
          "differs from mergekit: of entries of equal magnitude at a threshold '%s' keeps those that come first, mergekit any"
              .formatted(method));
    }
    if (half && method.equals("karcher")) {
      differences.add(
          "differs from mergekit: 'karcher' iterates in float32 and rounds once, not at every step, which changes the last bits of a result in 16 bits");
    }
    if (half && SELECTING.contains(method)) {
      differences.add(
          "differs from mergekit: '%s' is computed in float32 and rounded once, not at every step, so entries at a threshold may be chosen otherwise"
              .formatted(method));
    }
    if (half && WRITTEN_IN_FLOAT32.contains(method)) {
      differences.add(
          "differs from mergekit: '%s' is written in the type of the recipe or the models, not in float32"
              .formatted(method));
    }
    return differences;
  }
}
