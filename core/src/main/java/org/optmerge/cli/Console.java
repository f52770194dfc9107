package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.optmerge.base.Json;
import org.optmerge.base.TextTable;

/**
 * The output of a command: its result on standard output, everything else on standard error; text,
 * or with {@code --json} one JSON object as the result and one per line for the rest.
 */
final class Console {
  /** Control characters but for tabs and line ends, and what turns the direction of writing. */
  private static final Pattern CONTROLS =
      Pattern.compile("[\\p{Cc}&&[^\\t\\n\\r]]|[\u202a-\u202e\u2066-\u2069]");

  private static final String BOLD = "\u001b[1m";
  private static final String YELLOW = "\u001b[33m";
  private static final String PLAIN = "\u001b[0m";

  private final PrintWriter out;
  private final PrintWriter err;
  private final Terminal terminal;
  private final boolean quiet;
  private final boolean json;

  Console(PrintWriter out, PrintWriter err, Terminal terminal, boolean quiet, boolean json) {
    this.out = out;
    this.err = err;
    this.terminal = terminal;
    this.quiet = quiet;
    this.json = json;
  }

  /** True if the result is wanted as JSON. */
  boolean json() {
    return json;
  }

  /** Prints the result, in the form that was asked for. */
  void result(Supplier<List<String>> text, Supplier<?> object) {
    if (json) {
      out.println(Json.pretty(Json.tree(object.get())).stripTrailing());
    } else {
      text.get().forEach(line -> out.println(unstyled(line)));
    }
    out.flush();
  }

  /** A piece of a result in words that is printed while it is made. */
  void stream(String piece) {
    out.print(piece);
    out.flush();
  }

  /** A result that is good news only: not printed with {@code --quiet}, but for JSON. */
  void outcome(Supplier<List<String>> text, Supplier<?> object) {
    if (json || !quiet) {
      result(text, object);
    }
  }

  /** Something the user may want to know. */
  void notice(String message) {
    if (!quiet) {
      say("notice", "note: ", message);
    }
  }

  /** Something the user must know though the work goes on; said with {@code --quiet} as well. */
  void warning(String message) {
    say("warning", "warning: ", message);
  }

  /**
   * A text without the characters by which a terminal is told what to do: names in files that are
   * read may hold any.
   */
  static String printable(String text) {
    return CONTROLS.matcher(text).replaceAll("\ufffd");
  }

  /** A line of a result, in which nothing but our own emphasis may be meant for the terminal. */
  private static String unstyled(String line) {
    for (String style : List.of(BOLD, YELLOW)) {
      if (line.startsWith(style) && line.endsWith(PLAIN)) {
        String inner = line.substring(style.length(), line.length() - PLAIN.length());
        return style + printable(inner) + PLAIN;
      }
    }
    return printable(line);
  }

  private void say(String kind, String label, String message) {
    if (json) {
      ObjectNode event = event(kind);
      event.put("message", message);
      err.println(event);
    } else {
      err.println(emphasised(label) + printable(message));
    }
    err.flush();
  }

  /** Shows how the work goes on, as far as that is wanted; to be closed. */
  ProgressLine progress() {
    return new ProgressLine(err, progressStyle(), System::nanoTime);
  }

  /** Shows work that is told of in words of its own; to be closed. */
  StatusLine status() {
    return new StatusLine(this, progressStyle(), System::nanoTime);
  }

  /**
   * The same for work that asks questions.
   *
   * @param kept whether answers are written as they are given
   */
  StatusLine asking(boolean kept) {
    return status()
        .onInterrupt(
            kept
                ? "the answers so far are kept; the same command goes on"
                : "the answers are lost; with --out DIR they are kept, and the same command goes on");
  }

  private ProgressLine.Style progressStyle() {
    if (quiet) {
      return ProgressLine.Style.NONE;
    }
    if (json) {
      return ProgressLine.Style.JSON;
    }
    return terminal.error() ? ProgressLine.Style.IN_PLACE : ProgressLine.Style.LINES;
  }

  /** A line of progress on standard error. */
  void progressLine(String text) {
    err.println(text);
    err.flush();
  }

  /** Progress that is written over the last. */
  void progressInPlace(String text) {
    int width = Math.min(ProgressLine.WIDTH, text.length());
    err.print("\r" + text.substring(0, width) + "\u001b[K");
    err.flush();
  }

  private String emphasised(String text) {
    return terminal.error() && terminal.color() ? YELLOW + text + PLAIN : text;
  }

  /** A table's lines, the first in bold where that can be shown. */
  List<String> lines(TextTable table) {
    List<String> lines = table.lines();
    if (!(terminal.output() && terminal.color())) {
      return lines;
    }
    List<String> bold = new ArrayList<>(lines);
    bold.set(0, BOLD + lines.get(0) + PLAIN);
    return bold;
  }

  /** An object for a line on standard error. */
  static ObjectNode event(String kind) {
    ObjectNode event = Json.object();
    event.put("event", kind);
    return event;
  }
}
