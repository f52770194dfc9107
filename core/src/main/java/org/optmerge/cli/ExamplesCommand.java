package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.base.TextTable;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.CapabilityBenchmark;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTsv;
import org.optmerge.benchmark.mini.stage.ModalityBenchmark;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code optmerge examples}. */
@Command(
    name = "examples",
    description = "Show examples of the miniature benchmark, as text, on a sheet, or as a table.")
final class ExamplesCommand extends Subcommand {
  private static final int PRINTED = 5;
  private static final int ON_SHEET = 12;
  private static final int COLUMNS = 6;

  @Parameters(
      paramLabel = "BENCHMARK",
      completionCandidates = Names.Miniatures.class,
      description = {
        "mini for the five capabilities, mini:TASK for one of them, stage for questions about"
            + " picture, sound and film, stage:TYPE for one type: one of ${COMPLETION-CANDIDATES}."
      })
  private String name;

  @Option(
      names = "--split",
      paramLabel = "SPLIT",
      defaultValue = "test",
      completionCandidates = Names.Splits.class,
      description = "One of ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private String split;

  @Option(
      names = "--count",
      paramLabel = "N",
      description =
          "Examples of each task, or of each type of question about scenes (default: 5 in text, 12"
              + " on a sheet, the whole split in a table; 1 of scenes).")
  private @Nullable Integer count;

  @Option(
      names = "--sheet",
      paramLabel = "FILE.png",
      description = "Draw pictures, questions and answers into a file.")
  private @Nullable Path sheet;

  @Option(
      names = "--tsv",
      paramLabel = "FILE.tsv",
      description = "Write a table that VLMEvalKit reads, images included.")
  private @Nullable Path tsv;

  @Option(
      names = "--media",
      paramLabel = "DIR",
      description = "Write pictures as PNG, sounds as WAV, films as GIF into a folder.")
  private @Nullable Path media;

  @Override
  public Integer call() throws IOException {
    requirePositive("--count", count == null ? 1 : count);
    boolean stage =
        name.equals(ModalityBenchmark.NAME) || name.startsWith(ModalityBenchmark.NAME + ":");
    if (stage && tsv != null) {
      throw wrong("a table of VLMEvalKit has pictures, but no sounds and films; use --media");
    }
    Console console = main.console();
    List<String> written = new ArrayList<>();
    ObjectNode result = Json.object();
    result.put("benchmark", name);
    result.put("split", split);
    if (sheet != null) {
      List<Question> shown = stage ? ofStage() : ofMini(count == null ? ON_SHEET : count);
      ExampleSheet.draw(
          "Miniature benchmark, %s split, seed %d".formatted(split, MiniGenerator.SEED),
          shown,
          columns(shown),
          sheet);
      written.add("%s: %s".formatted(sheet, Quantities.of(shown.size(), "example")));
      result.put("sheet", sheet.toString());
    }
    if (media != null) {
      int files =
          ExampleSheet.export(stage ? ofStage() : ofMini(count == null ? PRINTED : count), media);
      written.add("%s: %s".formatted(media, Quantities.of(files, "file")));
      result.put("media", media.toString());
      result.put("files", files);
    }
    if (tsv != null) {
      CapabilityBenchmark whole = count == null ? benchmark() : benchmark().withPerTask(count);
      long rows = MiniTsv.write(whole, tsv);
      written.add("%s: %s".formatted(tsv, Quantities.of((int) rows, "row")));
      result.put("tsv", tsv.toString());
      result.put("rows", rows);
    }
    if (!written.isEmpty()) {
      console.outcome(() -> written, () -> result);
      return 0;
    }
    List<Question> examples = stage ? ofStage() : ofMini(count == null ? PRINTED : count);
    console.result(() -> console.lines(table(examples)), () -> json(result, examples));
    return 0;
  }

  /** As many as the largest task fills. */
  private static int columns(List<Question> examples) {
    Map<String, Integer> tasks = new HashMap<>();
    examples.forEach(example -> tasks.merge(example.group(), 1, Integer::sum));
    return Math.min(COLUMNS, Collections.max(tasks.values()));
  }

  private List<Question> ofMini(int perTask) {
    try (Stream<Question> all = benchmark().withPerTask(perTask).questions()) {
      return all.toList();
    }
  }

  private List<Question> ofStage() {
    ModalityBenchmark benchmark =
        named(name, it -> ModalityBenchmark.of(it, MiniSplit.of(split), count == null ? 1 : count));
    try (Stream<Question> all = benchmark.questions()) {
      return all.toList();
    }
  }

  private CapabilityBenchmark benchmark() {
    if (!name.equals(CapabilityBenchmark.NAME)
        && !name.startsWith(CapabilityBenchmark.NAME + ":")) {
      throw wrong(
          "no benchmark '%s' that is drawn here; there are %s"
              .formatted(name, String.join(", ", new Names.Miniatures())));
    }
    return named(name, it -> CapabilityBenchmark.of(it, MiniSplit.of(split)));
  }

  private static TextTable table(List<Question> examples) {
    TextTable table = new TextTable().left("id").left("kind").left("question").left("answer");
    for (Question example : examples) {
      table.row(
          example.id(), example.type(), example.text(), String.join(" | ", example.answers()));
    }
    return table;
  }

  private static ObjectNode json(ObjectNode node, List<Question> examples) {
    ArrayNode list = node.putArray("examples");
    for (Question example : examples) {
      ObjectNode element = list.addObject();
      element.put("id", example.id());
      element.put("task", example.group());
      element.put("type", example.type());
      element.put("question", example.text());
      example.answers().forEach(element.putArray("answers")::add);
      example.fields().forEach(element::put);
    }
    return node;
  }
}
