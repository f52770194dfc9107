package org.optmerge.evaluation;

import java.util.List;

/**
 * Something about a prediction file that a reader of its score must know.
 *
 * @param what such as {@code empty answer, scored as it is}
 * @param ids of all examples concerned, in the order of the file
 */
public record Finding(String what, List<String> ids) {
  private static final int SHOWN = 5;

  public Finding {
    ids = List.copyOf(ids);
  }

  /** With how many there are and the first of them. */
  @Override
  public String toString() {
    if (ids.isEmpty()) {
      return what;
    }
    return "%s: %d example%s (%s%s)"
        .formatted(
            what,
            ids.size(),
            ids.size() == 1 ? "" : "s",
            String.join(", ", ids.subList(0, Math.min(SHOWN, ids.size()))),
            ids.size() > SHOWN ? ", …" : "");
  }
}
