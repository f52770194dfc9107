package org.optmerge.report;

import java.util.List;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import tech.tablesaw.api.Table;

/**
 * A table of the paper, reproduced in miniature.
 *
 * @param name such as {@code table2}
 * @param title of it
 * @param measured on the miniature
 * @param published the paper's own numbers; null where it has none
 * @param findings statements of the paper or of ours, and whether they hold here
 */
@API(status = API.Status.EXPERIMENTAL)
public record Exhibit(
    String name, String title, Table measured, @Nullable Table published, List<Finding> findings) {
  /** Copies the list. */
  public Exhibit {
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
