package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.optmerge.base.Json;
import org.optmerge.base.Progress;

/** Shows progress on one line: what, how much, at what rate, and how long it will still take. */
final class ProgressLine implements Progress, AutoCloseable {
  /** The form of progress. */
  enum Style {
    NONE(Long.MAX_VALUE),
    /** One line, written over. */
    IN_PLACE(TimeUnit.MILLISECONDS.toNanos(200)),
    /** A line every few seconds, for logs. */
    LINES(TimeUnit.SECONDS.toNanos(5)),
    /** A JSON object per line. */
    JSON(TimeUnit.SECONDS.toNanos(1));

    private final long interval;

    Style(long interval) {
      this.interval = interval;
    }

    /** Nanoseconds between two times that something is shown. */
    long interval() {
      return interval;
    }
  }

  /** A longer line would wrap on the narrowest usual terminal, and could not be written over. */
  static final int WIDTH = 79;

  private final PrintWriter err;
  private final Style style;
  private final LongSupplier clock;

  private final LongAdder done = new LongAdder();
  private final LongAdder resumed = new LongAdder();
  private final AtomicInteger parts = new AtomicInteger();
  private final AtomicLong nextShow;
  private volatile long begin;
  private volatile long total;
  private volatile int totalParts;
  private volatile String unit = BYTES;
  private volatile String noun = "tensors";
  private volatile String step = "";
  private volatile String phase = "";
  private volatile String detail = "";
  private boolean dangling; // guarded by this: text stands in the terminal's line

  /**
   * @param clock nanoseconds since any moment
   */
  ProgressLine(PrintWriter err, Style style, LongSupplier clock) {
    this.err = err;
    this.style = style;
    this.clock = clock;
    begin = clock.getAsLong();
    nextShow = new AtomicLong(style == Style.NONE ? Long.MAX_VALUE : begin + style.interval);
  }

  /** Puts words before the phases that follow, such as the method in work. */
  ProgressLine step(String words) {
    step = words;
    return this;
  }

  @Override
  public void started(String what, long amount, String plural) {
    phase = step + what;
    detail = "";
    total = amount;
    unit = plural;
    totalParts = 0;
    done.reset();
    parts.set(0);
    resumed.reset();
    begin = clock.getAsLong();
  }

  @Override
  public void parts(int number, String plural) {
    totalParts = number;
    noun = plural;
  }

  @Override
  public void resumed(long amount, int earlierParts) {
    done.add(amount);
    parts.addAndGet(earlierParts);
    resumed.add(amount);
  }

  @Override
  public void phase(String what) {
    phase = step + what;
    showIfDue();
  }

  @Override
  public void detail(String text) {
    detail = text;
    showIfDue();
  }

  @Override
  public void advanced(long amount) {
    done.add(amount);
    showIfDue();
  }

  @Override
  public void finishedPart(String name) {
    parts.incrementAndGet();
    showIfDue();
  }

  @Override
  public void finished() {
    // What was too quick to be shown need not be shown at its end.
    if (style == Style.JSON || (style != Style.NONE && shown())) {
      show();
    }
  }

  /** Leaves the line, so that what follows is not written over it. */
  @Override
  public synchronized void close() {
    if (dangling) {
      err.println();
      err.flush();
      dangling = false;
    }
  }

  private boolean shown() {
    return clock.getAsLong() - begin >= style.interval;
  }

  private void showIfDue() {
    long due = nextShow.get();
    if (due == Long.MAX_VALUE) {
      return;
    }
    long now = clock.getAsLong();
    if (now - due >= 0 && nextShow.compareAndSet(due, now + style.interval)) {
      show();
    }
  }

  private synchronized void show() {
    switch (style) {
      case NONE -> {}
      case JSON -> err.println(json());
      case LINES -> err.println(text());
      case IN_PLACE -> {
        String text = text();
        err.print("\r" + text.substring(0, Math.min(WIDTH, text.length())) + "\u001b[K");
        dangling = true;
      }
    }
    err.flush();
  }

  private double seconds() {
    return (clock.getAsLong() - begin) / 1e9;
  }

  /** The count's rate in this run, per second; NaN before there is any. */
  private double rate() {
    double seconds = seconds();
    long own = done.sum() - resumed.sum();
    return own > 0 && seconds > 0 ? own / seconds : Double.NaN;
  }

  private double secondsLeft() {
    return Math.max(0, total - done.sum()) / rate();
  }

  private String text() {
    StringBuilder text = new StringBuilder(phase.isEmpty() ? "working" : phase);
    if (total > 0) {
      long now = done.sum();
      text.append("  %3d %%".formatted(Math.min(100, 100 * now / total)));
      if (unit.equals(BYTES)) {
        text.append("  %s of %s".formatted(Quantities.bytes(now), Quantities.bytes(total)));
      } else {
        text.append("  %d of %d %s".formatted(now, total, unit));
      }
      if (totalParts > 0) {
        text.append("  %d of %d %s".formatted(parts.get(), totalParts, noun));
      }
      if (!Double.isNaN(rate())) {
        String rate = unit.equals(BYTES) ? Quantities.bytes(rate()) : Quantities.number(rate());
        text.append("  ").append(rate).append("/s");
        text.append("  ").append(Quantities.seconds(secondsLeft())).append(" left");
      }
    }
    return (detail.isEmpty() ? text : text.append("  ").append(detail)).toString();
  }

  private ObjectNode json() {
    ObjectNode event = Console.event("progress");
    event.put("phase", phase);
    event.put(unit, done.sum());
    event.put("total_" + unit, total);
    event.put(noun, parts.get());
    event.put("total_" + noun, totalParts);
    Json.put(event, unit + "_per_second", rate());
    Json.put(event, "seconds_left", secondsLeft());
    if (!detail.isEmpty()) {
      event.put("detail", detail);
    }
    return event;
  }
}
