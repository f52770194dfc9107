package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.function.Consumer;
import org.optmerge.base.Json;
import org.optmerge.evaluation.Study;

/**
 * Shows how a study goes on: which row, which λ, how much of the questions, and how long it will
 * still take.
 *
 * @param what stands before all, such as the table in work; may be empty
 */
record StudyProgress(StatusLine status, String what) implements Consumer<Study.Report> {
  @Override
  public void accept(Study.Report report) {
    status.show(() -> text(report), () -> json(report));
  }

  /** Puts what matters first: a terminal may be narrow. */
  private String text(Study.Report report) {
    StringBuilder text = new StringBuilder(what);
    text.append(
        String.format(
            Locale.ROOT,
            "%d of %d: %s%s  %d %%",
            report.row(),
            report.rows(),
            report.wanted().label(),
            Double.isNaN(report.scaling()) ? "" : ", λ = " + report.scaling(),
            100 * report.answered() / Math.max(1, report.questions())));
    if (!Double.isNaN(report.secondsLeft())) {
      text.append("  ").append(Quantities.seconds(report.secondsLeft())).append(" left");
    }
    return text.toString();
  }

  private static ObjectNode json(Study.Report report) {
    ObjectNode event = Console.event("progress");
    event.put("family", report.wanted().family().name());
    event.put("label", report.wanted().label());
    Json.put(event, "scaling", report.scaling());
    event.put("row", report.row());
    event.put("rows", report.rows());
    event.put("answered", report.answered());
    event.put("questions", report.questions());
    Json.put(event, "seconds_left", report.secondsLeft());
    return event;
  }
}
