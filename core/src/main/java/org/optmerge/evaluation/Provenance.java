package org.optmerge.evaluation;

/**
 * What answers follow from, as SHA-256: answers with the same provenance need not be given again.
 *
 * @param models of the weights
 * @param settings of the merge, the search and the way of asking
 * @param questions of all that is asked
 */
public record Provenance(String models, String settings, String questions) {
  /** What differs from another, in words; empty if nothing. */
  String difference(Provenance other) {
    StringBuilder text = new StringBuilder();
    if (!models.equals(other.models)) {
      text.append("other models, ");
    }
    if (!settings.equals(other.settings)) {
      text.append("other settings, ");
    }
    if (!questions.equals(other.questions)) {
      text.append("other questions, ");
    }
    return text.isEmpty() ? "" : text.substring(0, text.length() - 2);
  }
}
