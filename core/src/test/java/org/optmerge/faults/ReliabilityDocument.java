package org.optmerge.faults;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.optmerge.base.AtomicFiles;

/**
 * The text of {@code core/RELIABILITY.md}, from the records of the long runs: kills ({@code
 * environment/faults}) and fuzzing ({@code environment/fuzz}). Its main, in the folder {@code
 * core}, writes the file.
 */
final class ReliabilityDocument {
  static final Path FILE = Path.of("RELIABILITY.md");

  private static final Path FUZZ = KillRuns.RECORD.resolveSibling("fuzz.json");

  private static final String HEAD =
      """
      # Reliability

      Attempts to break this library: how often each was made, and what came of it. The figures are those of recorded
      runs, and a test compares this file with the records. `environment/faults` runs the kills again.

      ## Promises

      | kind of fault | what holds | tested by |
      |---|---|---|
      | An input changes, shrinks or vanishes while it is merged | refused; nothing of two contents | `ChangingInputsTest` |
      | An unfinished merge, and other inputs of the same length and time | `--resume` refuses it | `ChangingInputsTest` |
      | A server sends the rest of another content, a page, nothing, too little, or bytes packed | refused or begun anew; what nobody measured is a warning | `HostileServerTest` |
      | A member of an archive is damaged; unpacking is killed | refused by its CRC; unpacked without a second transfer | `HostileServerTest` |
      | A model computes NaN; λ is no number | no score, the parameter is named | `HostileDecodersTest` |
      | A tensor is missing in one expert | refused, whichever stands first | `WarningsTest` |
      | A merge leaves out, takes for another type, cuts | a warning that `--quiet` keeps | `WarningsTest` |
      | Damage in journals, receipts, provenance, rows, answers, states of trainings | passed over, or named with its cure | `DamagedStateTest`, `FailingMachineTest` |
      | Damaged media, tokenizers and native libraries | a message; the Java machine lives, no thread is lost | `HostileDecodersTest` |
      | `--resume` is advised | it continues; after a finished merge it succeeds | `ResumeAdviceTest` |
      | Outputs that are links, links in a circle, mounts, the C locale | resolved before any work, or refused | `LinksAndLocalesTest` |
      | Pipes, devices, listings and connections without an end | refused or given up | `EndlessInputsTest`, `HostileServerTest` |
      | No room, no memory, few descriptors, no temporary folder, signals, two processes | one line with the setting that helps; work is kept | `FailingMachineTest` |
      | The process is killed, the machine loses power | `--resume` gives the same bytes | `KilledRunsTest`, `KilledMergeTest` |
      """;

  private ReliabilityDocument() {}

  /** Writes the file. */
  public static void main(String[] arguments) throws IOException {
    AtomicFiles.write(FILE, text());
  }

  static String text() throws IOException {
    List<String> lines = new ArrayList<>(HEAD.lines().toList());
    lines.add("");
    lines.add("## Killed, and resumed");
    lines.add("");
    lines.add(
        "A merge in a process of its own is killed (`kill -9`) at a random moment, up to three times in a row; with");
    lines.add(
        "one kill in three the machine loses its power too: parts of written data, or of the journal, are zeros or gone.");
    lines.add("Then `--resume` must give the bytes of a merge that nothing befell.");
    lines.add("");
    lines.add("| merge | kills | with loss of power | identical | findings open |");
    lines.add("|---|---|---|---|---|");
    long[] sums = new long[4];
    for (JsonNode line : read(KillRuns.RECORD)) {
      row(
          lines,
          line.path("merge").asText(),
          sums,
          line,
          "kills",
          "power_losses",
          "identical",
          "open");
    }
    lines.add(total(sums));
    if (Files.exists(FUZZ)) {
      lines.add("");
      lines.add("## Fuzzed");
      lines.add("");
      lines.add(
          "Inputs that Jazzer makes, guided by the code they reach. A target fails on any exception that is not this");
      lines.add(
          "library's own, on time or memory without bound, and on a file outside its folder. `environment/fuzz` runs again.");
      lines.add("");
      lines.add("| target | executions | seconds | findings, mended | findings open |");
      lines.add("|---|---|---|---|---|");
      sums = new long[4];
      for (JsonNode line : read(FUZZ)) {
        row(
            lines,
            "`" + line.path("target").asText() + "`",
            sums,
            line,
            "executions",
            "seconds",
            "findings",
            "open");
      }
      lines.add(total(sums));
    }
    return String.join("\n", lines) + "\n";
  }

  private static JsonNode read(Path record) throws IOException {
    return new ObjectMapper().readTree(record.toFile());
  }

  private static void row(
      List<String> lines, String name, long[] sums, JsonNode line, String... keys) {
    StringBuilder row = new StringBuilder("| " + name + " |");
    for (int i = 0; i < keys.length; i++) {
      long value = line.path(keys[i]).asLong();
      sums[i] += value;
      row.append(String.format(Locale.ROOT, " %,d |", value));
    }
    lines.add(row.toString());
  }

  private static String total(long[] sums) {
    return String.format(
        Locale.ROOT, "| all | %,d | %,d | %,d | %,d |", sums[0], sums[1], sums[2], sums[3]);
  }
}
