package org.optmerge.faults;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Trees;
import org.optmerge.cli.CommandRun;

/**
 * Merges in a process of their own that are killed at random moments, some of them with a loss of
 * power on top, and resumed: the result must be that of a merge that nothing befell, to the byte.
 *
 * <p>{@code environment/faults COUNT} starts it in the folder {@code core}, and adds what it did to
 * the record behind {@code RELIABILITY.md}.
 */
final class KillRuns {
  static final Path RECORD =
      Path.of("src/main/resources/org/optmerge/report/reliability/kills.json");

  private static final int TENSORS = 240;

  /** Each may be killed so many times before it may come to its end. */
  private static final int MOST_KILLS = 3;

  /** What is merged. */
  enum Kind {
    LINEAR("linear", TinyModels.LINEAR),
    TIES_GLOBAL("TIES over the whole model", of("ties-global", "model: one", "model: two")),
    DARE("DARE", TinyModels.TIES.replace("ties", "dare_ties") + "random_seed: 7\n"),
    OPTMERGE("OptMerge", of("optmerge-full", "model: one", "model: two")),
    ADAPTERS(
        "OptMerge of LoRA adapters", of("optmerge-lora", "model: lora-one", "model: lora-two")),
    SHARDED(
        "TIES into nine files", TinyModels.TIES.replace("base_model: base", "base_model: sharded"));

    private final String label;
    private final String recipe;

    Kind(String label, String recipe) {
      this.label = label;
      this.recipe = recipe;
    }

    private static String of(String method, String one, String two) {
      return "merge_method: %s\nbase_model: base\nmodels: [{%s}, {%s}]\n"
          .formatted(method, one, two);
    }

    private int tensors() {
      return this == OPTMERGE || this == ADAPTERS ? TENSORS / 4 : TENSORS;
    }
  }

  /** Counts of what was done and came of it. */
  private static final class Outcome {
    private int kills;
    private int powerLosses;
    private int finishedBefore;
    private int identical;
    private final List<String> findings = new ArrayList<>();
  }

  private final Path dir;
  private final Random random;

  KillRuns(Path dir, long seed) throws IOException {
    this.dir = dir;
    this.random = new Random(seed);
  }

  /**
   * @param arguments how many kills in all, a folder to work in, and the seed
   */
  public static void main(String[] arguments) throws Exception {
    int count = Integer.parseInt(arguments[0]);
    long seed = Long.parseLong(arguments[2]);
    KillRuns runs = new KillRuns(Path.of(arguments[1]), seed);
    List<String> lines = new ArrayList<>();
    int open = 0;
    int left = count;
    Kind[] kinds = Kind.values();
    for (int i = 0; i < kinds.length; i++) {
      int share = left / (kinds.length - i);
      left -= share;
      ObjectNode line = runs.kill(kinds[i], share);
      System.out.println(line);
      open += line.path("open").asInt();
      lines.add(line.toString());
    }
    AtomicFiles.write(RECORD, "[\n" + String.join(",\n", lines) + "\n]\n");
    System.exit(open == 0 ? 0 : 1);
  }

  /** Kills merges of a kind so many times; the counts. */
  ObjectNode kill(Kind kind, int kills) throws Exception {
    Path folder = Files.createDirectories(dir.resolve(kind.name()));
    int tensors = kind.tensors();
    TinyModels models = TinyModels.in(folder, tensors, 64, 48, 1).adapters(tensors, 64, 48);
    models.write("sharded", tensors, 64, 48, 9);
    Path recipe = models.recipe(kind.recipe);
    Path whole = folder.resolve("whole");
    require(CommandRun.of("merge", recipe, "--out", whole, "--quiet", "--threads", 2));
    Map<String, String> expected = TinyModels.contents(whole);
    Outcome outcome = new Outcome();
    for (int round = 0; outcome.kills < kills; round++) {
      Path out = folder.resolve("out");
      int before = outcome.findings.size();
      int most = Math.min(kills - outcome.kills, 1 + random.nextInt(MOST_KILLS));
      for (int i = 0; i < most; i++) {
        killOne(recipe, out, i > 0, tensors, outcome);
      }
      finish(recipe, out, expected, outcome, "round %d".formatted(round));
      outcome.identical += outcome.findings.size() == before ? most : 0;
      Trees.delete(out);
      Trees.delete(hidden(out));
    }
    Trees.delete(folder);
    ObjectNode line = new ObjectMapper().createObjectNode();
    line.put("merge", kind.label);
    line.put("kills", outcome.kills);
    line.put("power_losses", outcome.powerLosses);
    line.put("finished_before_the_kill", outcome.finishedBefore);
    line.put("identical", outcome.identical);
    line.put("open", outcome.findings.size());
    outcome.findings.forEach(line.withArray("findings")::add);
    return line;
  }

  private static void require(CommandRun run) {
    if (run.code() != 0) {
      throw new IllegalStateException(run.err());
    }
  }

  private static Path hidden(Path out) {
    return out.resolveSibling("." + out.getFileName() + ".optmerge");
  }

  private void killOne(Path recipe, Path out, boolean again, int tensors, Outcome outcome)
      throws Exception {
    Path journal = hidden(out).resolve("journal.jsonl");
    List<Object> arguments =
        new ArrayList<>(List.of("merge", recipe, "--out", out, "--quiet", "--threads", 2));
    if (again || Files.exists(journal)) {
      arguments.add("--resume");
    }
    Process process = Child.PLAIN.start(arguments.toArray());
    // At any tensor, or before the first, and a random moment more.
    int lines = random.nextInt(tensors + 2) - 1;
    while (process.isAlive() && lines(journal) < lines) {
      Thread.sleep(1);
    }
    TimeUnit.MICROSECONDS.sleep(random.nextInt(lines < 0 ? 1_500_000 : 4_000));
    process.destroyForcibly().waitFor();
    outcome.kills++;
    if (Files.exists(out)) {
      outcome.finishedBefore++;
    } else if (lines(journal) > 0 && random.nextInt(3) == 0) {
      losePower(hidden(out));
      outcome.powerLosses++;
    }
  }

  /**
   * What a machine that loses its power forgets: data that the journal knows of, or lines of it.
   */
  private void losePower(Path workspace) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(workspace)) {
      files =
          all.filter(Files::isRegularFile).filter(it -> it.toFile().length() > 0).sorted().toList();
    }
    for (Path file : files) {
      boolean journal = file.endsWith("journal.jsonl");
      try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
        // The first line is forced to the disk before there is a second.
        long begin = journal ? firstLine(bytes) : 0;
        long room = bytes.length() - begin;
        if (room > 1) {
          long at = begin + Math.floorMod(random.nextLong(), room);
          int length = (int) Math.min(room - (at - begin), 1 + random.nextInt(20_000));
          if (random.nextInt(journal ? 2 : 5) == 0) {
            bytes.setLength(at);
          } else {
            bytes.seek(at);
            bytes.write(new byte[length]);
          }
        }
      }
    }
  }

  private static long firstLine(RandomAccessFile journal) throws IOException {
    journal.readLine();
    return journal.getFilePointer();
  }

  private static void finish(
      Path recipe, Path out, Map<String, String> expected, Outcome outcome, String what)
      throws IOException {
    CommandRun run =
        CommandRun.of("merge", recipe, "--out", out, "--quiet", "--threads", 2, "--resume");
    if (run.code() != 0) {
      outcome.findings.add(what + ": " + run.err().strip());
    } else if (!TinyModels.contents(out).equals(expected)) {
      outcome.findings.add(what + ": other bytes");
    } else if (Files.exists(hidden(out))) {
      outcome.findings.add(what + ": unfinished work is left");
    }
  }

  private static long lines(Path journal) throws IOException {
    try {
      byte[] bytes = Files.readAllBytes(journal);
      long lines = 0;
      for (byte b : bytes) {
        lines += b == '\n' ? 1 : 0;
      }
      return lines - 1;
    } catch (NoSuchFileException e) {
      return -1;
    }
  }
}
