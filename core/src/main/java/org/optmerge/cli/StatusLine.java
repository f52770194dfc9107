package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Shows how long work goes on, in words of its own: on one line that is written over, on a line
 * every few seconds where there is no terminal, or as JSON. To be called as often as one likes.
 */
final class StatusLine implements AutoCloseable {
  private final Console console;
  private final ProgressLine.Style style;
  private final LongSupplier clock;
  private long due;
  private boolean dangling;
  private @Nullable InterruptNotice notice;

  StatusLine(Console console, ProgressLine.Style style, LongSupplier clock) {
    this.console = console;
    this.style = style;
    this.clock = clock;
    this.due = clock.getAsLong();
  }

  /** Shows where the work is, if it is time to. */
  void show(Supplier<String> text, Supplier<ObjectNode> event) {
    if (style == ProgressLine.Style.NONE || clock.getAsLong() - due < 0) {
      return;
    }
    due = clock.getAsLong() + style.interval();
    switch (style) {
      case NONE -> {}
      case JSON -> console.progressLine(event.get().toString());
      case LINES -> console.progressLine(text.get());
      case IN_PLACE -> {
        console.progressInPlace(text.get());
        dangling = true;
      }
    }
  }

  /**
   * Says what is kept and how to go on, if the process is ended before this is closed.
   *
   * @param message for people
   */
  StatusLine onInterrupt(String message) {
    notice =
        new InterruptNotice(
            () -> {
              leave();
              console.warning("interrupted; " + message);
            });
    return this;
  }

  /** Says something that stays, such as that a part is done. */
  void say(String text, Supplier<ObjectNode> event) {
    leave();
    switch (style) {
      case NONE -> {}
      case JSON -> console.progressLine(event.get().toString());
      case LINES, IN_PLACE -> console.progressLine(text);
    }
    due = clock.getAsLong();
  }

  /** Leaves the line, so that what follows is not written over it. */
  private void leave() {
    if (dangling) {
      console.progressLine("");
      dangling = false;
    }
  }

  @Override
  public void close() {
    leave();
    if (notice != null) {
      notice.close();
      notice = null;
    }
  }
}
