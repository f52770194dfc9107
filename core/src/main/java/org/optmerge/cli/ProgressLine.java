package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.optmerge.base.Progress;

/** Shows progress on one line: what, how much, at what rate, and how long it will still take. */
final class ProgressLine implements Progress, AutoCloseable {
  /** How progress is shown. */
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
  private final String units;

  private final LongAdder bytes = new LongAdder();
  private final LongAdder resumedBytes = new LongAdder();
  private final AtomicInteger tensors = new AtomicInteger();
  private final AtomicLong nextShow;
  private volatile long begin;
  private volatile long totalBytes;
  private volatile int totalTensors;
  private volatile String phase = "";
  private boolean dangling; // guarded by this: text stands in the terminal's line

  /**
   * @param clock nanoseconds since any moment
   */
  ProgressLine(PrintWriter err, Style style, LongSupplier clock) {
    this(err, style, clock, "tensors");
  }

  /**
   * @param clock nanoseconds since any moment
   * @param units what is counted beside bytes
   */
  ProgressLine(PrintWriter err, Style style, LongSupplier clock, String units) {
    this.err = err;
    this.units = units;
    this.style = style;
    this.clock = clock;
    begin = clock.getAsLong();
    nextShow = new AtomicLong(style == Style.NONE ? Long.MAX_VALUE : begin + style.interval);
  }

  @Override
  public void started(long totalBytes, int totalTensors) {
    this.totalBytes = totalBytes;
    this.totalTensors = totalTensors;
    bytes.reset();
    tensors.set(0);
    resumedBytes.reset();
    begin = clock.getAsLong();
  }

  @Override
  public void resumed(long resumed, int resumedTensors) {
    bytes.add(resumed);
    tensors.addAndGet(resumedTensors);
    resumedBytes.add(resumed);
  }

  @Override
  public void phase(String name) {
    phase = name;
    showIfDue();
  }

  @Override
  public void advanced(long more) {
    bytes.add(more);
    showIfDue();
  }

  @Override
  public void finishedTensor(String name) {
    tensors.incrementAndGet();
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

  /** Bytes per second of this run; NaN before there are any. */
  private double rate() {
    double seconds = seconds();
    long done = bytes.sum() - resumedBytes.sum();
    return done > 0 && seconds > 0 ? done / seconds : Double.NaN;
  }

  private double secondsLeft() {
    return Math.max(0, totalBytes - bytes.sum()) / rate();
  }

  private String text() {
    StringBuilder text = new StringBuilder(phase.isEmpty() ? "working" : phase);
    if (totalBytes > 0) {
      long done = bytes.sum();
      text.append("  %3d %%".formatted(Math.min(100, 100 * done / totalBytes)))
          .append("  %s of %s".formatted(Quantities.bytes(done), Quantities.bytes(totalBytes)))
          .append("  %d of %d %s".formatted(tensors.get(), totalTensors, units));
      if (!Double.isNaN(rate())) {
        text.append("  ").append(Quantities.bytes(rate())).append("/s");
        text.append("  ").append(Quantities.seconds(secondsLeft())).append(" left");
      }
    }
    return text.toString();
  }

  private ObjectNode json() {
    ObjectNode event = Console.event("progress");
    event.put("phase", phase);
    event.put("bytes", bytes.sum());
    event.put("total_bytes", totalBytes);
    event.put(units, tensors.get());
    event.put("total_" + units, totalTensors);
    Console.put(event, "bytes_per_second", rate());
    Console.put(event, "seconds_left", secondsLeft());
    return event;
  }
}
