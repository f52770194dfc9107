package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.function.IntConsumer;
import org.optmerge.base.Json;

/** Shows how many questions of a data set are answered, how fast, and how long the rest takes. */
final class AskingProgress implements IntConsumer {
  private final StatusLine status;
  private final String name;
  private final long questions;
  private long begin;
  private long done;

  /** What was told first: answers of an earlier run, which took no time in this one. */
  private long before = -1;

  AskingProgress(StatusLine status, String name, long questions) {
    this.status = status;
    this.name = name;
    this.questions = questions;
  }

  @Override
  public void accept(int more) {
    done += more;
    if (before < 0) {
      before = more;
      begin = System.nanoTime();
    }
    double seconds = (System.nanoTime() - begin) / 1e9;
    double rate = (done - before) / seconds;
    double left = done == before ? Double.NaN : (questions - done) / rate;
    status.show(
        () ->
            String.format(
                Locale.ROOT,
                "%s: %,d of %,d questions%s",
                name,
                done,
                questions,
                Double.isNaN(left)
                    ? ""
                    : String.format(
                        Locale.ROOT, ", %.2g a second, %s left", rate, Quantities.seconds(left))),
        () -> {
          ObjectNode event = Console.event("progress");
          event.put("benchmark", name);
          event.put("answered", done);
          event.put("questions", questions);
          Json.put(event, "questions_a_second", rate);
          Json.put(event, "seconds_left", left);
          return event;
        });
  }
}
