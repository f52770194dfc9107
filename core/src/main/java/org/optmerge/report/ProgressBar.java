package org.optmerge.report;

import java.io.PrintStream;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.apiguardian.api.API;
import org.optmerge.base.Progress;

/**
 * A bar that is written over as work goes on, for cells that take more than a moment. It begins
 * each time with a carriage return, which every notebook page and terminal understands, and what it
 * leaves behind says nothing of the time it took, so that a notebook run again does not change.
 *
 * <pre>{@code
 * try (ProgressBar bar = ProgressBar.on(System.out, "Asking the base", questions.size())) {
 *   answers = questions.evaluate("Base", model, bar::add);
 * }
 * }</pre>
 *
 * <p>It is safe for use by several threads.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class ProgressBar implements Progress, AutoCloseable {
  private static final int CELLS = 24;
  private static final long INTERVAL = TimeUnit.MILLISECONDS.toNanos(200);

  /** The least time in seconds before an estimate of the rest is shown. */
  private static final double SECONDS_TO_KNOW = 1;

  private final PrintStream out;
  private final String what;
  private final LongSupplier clock;
  private long total;
  private long done;
  private long begin;
  private long shown;
  private int width;
  private boolean closed;
  private String detail = "";

  ProgressBar(PrintStream out, String what, long total, LongSupplier clock) {
    this.out = out;
    this.what = what;
    this.total = total;
    this.clock = clock;
    this.begin = clock.getAsLong();
    this.shown = begin - INTERVAL;
  }

  /**
   * A bar.
   *
   * @param what is being done, such as {@code Asking the base}
   * @param total how much there is to do; 0 if {@link #started} will say it
   */
  public static ProgressBar on(PrintStream out, String what, long total) {
    return new ProgressBar(out, what, total, System::nanoTime);
  }

  /** So much more is done. */
  public synchronized void add(long more) {
    done += more;
    showIfDue();
  }

  @Override
  public synchronized void started(String work, long amount, String unit) {
    detail = work;
    total = amount;
    done = 0;
    begin = clock.getAsLong();
  }

  @Override
  public void phase(String work) {
    detail(work);
  }

  @Override
  public synchronized void detail(String text) {
    detail = text;
    showIfDue();
  }

  @Override
  public void advanced(long amount) {
    add(amount);
  }

  /** Says that the work is done, in a line that stays. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      write(done >= total ? what + ": done" : what + ": stopped at " + percent());
      out.println();
      out.flush();
    }
  }

  private void showIfDue() {
    long now = clock.getAsLong();
    if (closed || now - shown < INTERVAL) {
      return;
    }
    shown = now;
    double share = total <= 0 ? 0 : Math.min(1, (double) done / total);
    int full = (int) Math.round(share * CELLS);
    StringBuilder line = new StringBuilder(what).append("  ");
    line.append("█".repeat(full)).append("░".repeat(CELLS - full)).append("  ").append(percent());
    double seconds = (now - begin) / 1e9;
    if (share > 0 && seconds >= SECONDS_TO_KNOW) {
      line.append(
          String.format(Locale.ROOT, "  %.0f s left", Math.ceil(seconds / share * (1 - share))));
    }
    write(detail.isEmpty() ? line.toString() : line + "  " + detail);
    out.flush();
  }

  private String percent() {
    return "%d %%".formatted(total <= 0 ? 0 : Math.min(100, 100 * done / total));
  }

  /** Blanks cover what a longer line left. */
  private void write(String line) {
    int length = line.codePointCount(0, line.length());
    out.print("\r" + line + " ".repeat(Math.max(0, width - length)));
    width = length;
  }
}
