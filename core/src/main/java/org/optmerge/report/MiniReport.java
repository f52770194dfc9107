package org.optmerge.report;

import java.util.List;
import org.jspecify.annotations.Nullable;
import tech.tablesaw.api.Table;

/**
 * A table of the paper, reproduced in miniature.
 *
 * @param name such as {@code table2}
 * @param title what it shows
 * @param miniature measured on the miniature
 * @param published the paper's own numbers; null where it has none
 * @param findings what the paper says or we expect, and whether it holds here
 */
public record MiniReport(
    String name, String title, Table miniature, @Nullable Table published, List<Finding> findings) {
  /** Copies the list. */
  public MiniReport {
    findings = List.copyOf(findings);
  }

  /**
   * A statement that the numbers decide.
   *
   * @param statement a sentence
   * @param holds whether it does, here
   * @param figures the numbers that say so
   */
  public record Finding(String statement, boolean holds, String figures) {
    @Override
    public String toString() {
      return "%s: %s (%s)".formatted(holds ? "holds" : "does not hold", statement, figures);
    }
  }
}
