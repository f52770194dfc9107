package org.optmerge.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.optmerge.base.AtomicFiles;

/**
 * Runs every fuzz target for its share of the time, each in a process of its own, and adds what it
 * did to the record. {@code environment/fuzz} starts it in the folder {@code core}.
 *
 * <p>Corpora stay in {@code target/fuzz}, so that the next run goes on from there. Findings are
 * left beside them; one that is mended goes to {@code src/test/resources} as the input of a
 * regression test, where the record counts it.
 */
final class FuzzRun {
  /** What is added up; a page about reliability is made of it. */
  static final Path RECORD =
      Path.of("src/main/resources/org/optmerge/report/reliability/fuzz.json");

  private static final Path WORK = Path.of("target/fuzz");
  private static final Path CLASSES = Path.of("target/test-classes");
  private static final Pattern STATUS = Pattern.compile("^#(\\d+)\\s.*?\\bcov: (\\d+)");
  private static final Pattern DONE = Pattern.compile("^Done (\\d+) runs in (\\d+) second");
  private static final Pattern FINDING =
      Pattern.compile(
          "^(== Java (Exception|Assertion Error): .*|SUMMARY: libFuzzer: .*|#\\s.*SIG.*)");

  /** Coverage of these guides mutations: this project and the decoders that it hands bytes to. */
  private static final String INSTRUMENTED =
      "org.optmerge.**:org.jcodec.**:com.twelvemonkeys.**:org.jflac.**:javazoom.**:org.tritonus.**"
          + ":blue.strategic.**:org.dhatim.**:org.apache.commons.compress.archivers.**";

  /** Below this a compiler that takes long does not pay. */
  private static final long SHORT_SECONDS = 120;

  private FuzzRun() {}

  /** A target: a class of tests and a method of it. */
  record Target(Class<?> type, String method) {
    String name() {
      return type.getName().replace("org.optmerge.", "").replace("FuzzTest", "") + "." + method;
    }

    /** Where inputs of mended findings are; Jazzer looks for them there. */
    Path regressions() {
      return Path.of("src/test/resources")
          .resolve(type.getPackageName().replace('.', '/'))
          .resolve(type.getSimpleName() + "Inputs")
          .resolve(method);
    }
  }

  /** What a run of a target did. */
  private static final class Outcome {
    private long executions;
    private long edges;
    private final List<String> findings = new ArrayList<>();
  }

  /** All targets, by their names. */
  static List<Target> targets() throws IOException, ClassNotFoundException {
    TreeMap<String, Target> targets = new TreeMap<>();
    List<Path> files;
    try (Stream<Path> all = Files.walk(CLASSES)) {
      files = all.filter(file -> file.toString().endsWith("FuzzTest.class")).toList();
    }
    for (Path file : files) {
      String name = CLASSES.relativize(file).toString().replace('/', '.');
      Class<?> type = Class.forName(name.substring(0, name.length() - ".class".length()));
      for (Method method : type.getDeclaredMethods()) {
        if (method.isAnnotationPresent(FuzzTest.class)) {
          Target target = new Target(type, method.getName());
          targets.put(target.name(), target);
        }
      }
    }
    return List.copyOf(targets.values());
  }

  public static void main(String[] arguments) throws Exception {
    double minutes = Double.parseDouble(arguments[0]);
    List<String> wanted = List.of(arguments).subList(1, arguments.length);
    List<Target> targets =
        targets().stream()
            .filter(target -> wanted.isEmpty() || wanted.stream().anyMatch(target.name()::contains))
            .toList();
    if (targets.isEmpty()) {
      throw new IllegalArgumentException("no target has one of " + wanted + " in its name");
    }
    long seconds = Math.max(10, (long) (60 * minutes / targets.size()));
    System.out.printf("%d targets, %d seconds each%n", targets.size(), seconds);
    int open = 0;
    for (Target target : targets) {
      long begin = System.nanoTime();
      Outcome outcome = run(target, seconds);
      long took = (System.nanoTime() - begin) / 1_000_000_000;
      record(target, outcome, took);
      open += outcome.findings.size();
      System.out.printf(
          "%s: %d executions in %d s, %d edges, %d findings%n",
          target.name(), outcome.executions, took, outcome.edges, outcome.findings.size());
      outcome.findings.forEach(finding -> System.out.println("  " + finding));
    }
    if (open > 0) {
      System.out.printf(
          "%d findings; their inputs are in core/%s/*/crash-*. Mend the reader, then keep the input in"
              + " core/src/test/resources/…/…FuzzTestInputs/TARGET.%n",
          open, WORK);
      System.exit(1);
    }
  }

  private static Outcome run(Target target, long seconds) throws IOException, InterruptedException {
    Path folder = WORK.resolve(target.name());
    Path corpus = Files.createDirectories(folder.resolve("corpus"));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx1500m",
            "-Xss512k",
            "-XX:+UseSerialGC",
            seconds < SHORT_SECONDS ? "-XX:TieredStopAtLevel=1" : "-XX:+TieredCompilation",
            "-Djava.awt.headless=true",
            "-Djava.io.tmpdir=" + fastFolder(),
            "-cp",
            System.getProperty("java.class.path"),
            "com.code_intelligence.jazzer.Jazzer",
            "--target_class=" + target.type().getName(),
            "--target_method=" + target.method(),
            "--max_duration=" + seconds + "s",
            "--keep_going=20",
            "--instrumentation_includes=" + INSTRUMENTED,
            "--instrumentation_excludes=org.optmerge.fuzz.**",
            // PEFT's patterns are regular expressions; LoraConfig bounds what they may cost.
            "--disabled_hooks=com.code_intelligence.jazzer.sanitizers.RegexInjection",
            "--reproducer_path=" + folder,
            "-artifact_prefix=" + folder + "/",
            "-timeout=30",
            "-max_len=16384",
            corpus.toString()));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("JAZZER_FUZZ", "1");
    Process process = builder.start();
    Outcome outcome = new Outcome();
    List<String> last = new ArrayList<>();
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        read(line, outcome);
        last.add(line);
        if (last.size() > 20) {
          last.remove(0);
        }
      }
    }
    int code = process.waitFor();
    if (outcome.executions == 0) {
      throw new IOException(target.name() + " did not run:\n" + String.join("\n", last));
    }
    if (code != 0 && outcome.findings.isEmpty()) {
      outcome.findings.add("the process ended with code " + code);
    }
    return outcome;
  }

  private static void read(String line, Outcome outcome) {
    Matcher status = STATUS.matcher(line);
    if (status.find()) {
      outcome.executions = Math.max(outcome.executions, Long.parseLong(status.group(1)));
      outcome.edges = Math.max(outcome.edges, Long.parseLong(status.group(2)));
    }
    Matcher done = DONE.matcher(line);
    if (done.find()) {
      outcome.executions = Math.max(outcome.executions, Long.parseLong(done.group(1)));
    }
    if (FINDING.matcher(line).find()) {
      outcome.findings.add(line);
    }
  }

  /** In memory where that is to be had: each input is a file. */
  private static String fastFolder() {
    Path memory = Path.of("/dev/shm");
    return Files.isWritable(memory) ? memory.toString() : System.getProperty("java.io.tmpdir");
  }

  /** Adds a run to the record, a line for each target. */
  private static void record(Target target, Outcome outcome, long seconds) throws IOException {
    ObjectMapper json = new ObjectMapper();
    TreeMap<String, ObjectNode> lines = new TreeMap<>();
    if (Files.exists(RECORD)) {
      for (JsonNode line : json.readTree(RECORD.toFile())) {
        lines.put(line.path("target").asText(), (ObjectNode) line);
      }
    }
    ObjectNode line = lines.computeIfAbsent(target.name(), name -> json.createObjectNode());
    line.put("target", target.name());
    line.put("executions", line.path("executions").asLong() + outcome.executions);
    line.put("seconds", line.path("seconds").asLong() + seconds);
    line.put("edges", Math.max(line.path("edges").asLong(), outcome.edges));
    line.put("findings", mended(target) + outcome.findings.size());
    line.put("open", outcome.findings.size());
    AtomicFiles.write(
        RECORD,
        "[\n"
            + String.join(",\n", lines.values().stream().map(ObjectNode::toString).toList())
            + "\n]\n");
  }

  private static int mended(Target target) throws IOException {
    if (!Files.isDirectory(target.regressions())) {
      return 0;
    }
    try (Stream<Path> inputs = Files.list(target.regressions())) {
      return Math.toIntExact(inputs.count());
    }
  }
}
