package org.optmerge.evaluation.published;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Json;
import org.optmerge.base.Sha256;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.Selection;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Evaluation;
import org.optmerge.evaluation.EvaluationFolder;
import org.optmerge.evaluation.Evaluator;
import org.optmerge.evaluation.Grouping;
import org.optmerge.evaluation.Interval;
import org.optmerge.evaluation.MergeSearch;
import org.optmerge.evaluation.Provenance;
import org.optmerge.evaluation.StudyMerge;
import org.optmerge.manifest.DataFolder;
import org.optmerge.manifest.Manifest;
import org.optmerge.manifest.Manifests;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.MergedWeights;
import org.optmerge.model.Architecture;
import org.optmerge.model.MultimodalModel;
import org.optmerge.model.Precision;

/**
 * Makes a table of the paper anew from published files: asks every model, merges by every method,
 * chooses λ on the questions that are set aside for it, and asks the merge the others. Everything
 * is in memory; answers and finished rows are kept, so that a run that was interrupted goes on.
 */
public final class RealStudy {
  private final RealTable table;
  private final DataFolder models;
  private final Settings settings;
  private final Path out;
  private final boolean anew;
  private final Listener listener;
  private final Manifests manifests;
  private final List<PublishedBenchmark> benchmarks;
  private final String resolved;
  private final Map<String, String> digests = new HashMap<>();

  /**
   * The size of a run, and its precision.
   *
   * @param limit questions of each data set that judge
   * @param validation questions of each data set that choose λ
   * @param maxNewTokens of an answer; null: as the kits have it
   * @param partial whether data sets may have fewer questions than their manifests say
   */
  public record Settings(
      long limit,
      long validation,
      @Nullable Integer maxNewTokens,
      Precision precision,
      boolean partial) {
    /** What finished rows depend on, in the precision that this machine computes them in. */
    String of(Checkpoint base) {
      return "%s, %s, %s, %s"
          .formatted(limit, validation, maxNewTokens, precision.resolved(base).key());
    }

    Selection test() {
      return new Selection(Selection.Split.TEST, limit, 1, 1);
    }

    Selection choosing() {
      return new Selection(Selection.Split.VAL, validation, 1, 1);
    }
  }

  /** Receiver of a run's progress. */
  public interface Listener {
    /**
     * A row is begun.
     *
     * @param label of the row
     * @param number from 1
     * @param rows how many there are
     */
    void row(String label, int number, int rows);

    /**
     * Questions are about to be asked.
     *
     * @param what the data set, or the λ that is tried
     * @param questions how many
     * @return is told how many more were answered
     */
    IntConsumer asking(String what, long questions);

    /** A λ was tried. */
    void tried(String label, MergeSearch.Tried tried);

    /** Something a reader of the row must know. */
    void finding(String row, String words);
  }

  /**
   * A score of a row.
   *
   * @param percent the paper's column
   * @param lower end of the 95 % interval of the mean score, in percent
   * @param upper end of it
   * @param questions how many were asked
   * @param notAsked how many could not be
   */
  public record Cell(
      @Nullable Double percent, double lower, double upper, int questions, int notAsked) {}

  /**
   * A row that was made.
   *
   * @param label as in the paper
   * @param scaling λ that was chosen; null for a model
   * @param cells by the titles of the paper's columns
   * @param origin a digest of all that it follows from
   */
  public record Row(
      String label, @Nullable Double scaling, Map<String, Cell> cells, String origin) {}

  /**
   * @param models the folder of fetched checkpoints
   * @param data the folder of fetched data sets
   * @param out where answers and rows are kept
   * @param anew whether to forget what is there
   * @throws BenchmarkException if a checkpoint or data set is not there; all are named
   */
  public RealStudy(
      RealTable table,
      DataFolder models,
      DataFolder data,
      Path out,
      boolean anew,
      Settings settings,
      Listener listener) {
    this.table = table;
    this.models = models;
    this.settings = settings;
    this.out = out;
    this.anew = anew;
    this.listener = listener;
    this.manifests = Manifests.of(models);
    requireModels();
    this.resolved = settings.of(Checkpoint.open(folder(table.base())));
    String family = Architecture.of(folder(table.base())).key();
    List<String> missing = new ArrayList<>();
    this.benchmarks = new ArrayList<>();
    for (String word : table.benchmarks()) {
      for (String name : PublishedBenchmark.names(family, word)) {
        try {
          PublishedBenchmark one = PublishedBenchmark.open(family, name, data);
          benchmarks.add(
              settings.maxNewTokens == null ? one : one.withMaxNewTokens(settings.maxNewTokens));
        } catch (BenchmarkException e) {
          missing.add(String.valueOf(e.getMessage()));
        }
      }
    }
    if (!missing.isEmpty()) {
      throw new BenchmarkException(String.join("\n", missing));
    }
    PublishedBenchmark.requireWhole(benchmarks, settings.test(), settings.partial);
    PublishedBenchmark.requireWhole(benchmarks, settings.choosing(), settings.partial);
  }

  private void requireModels() {
    List<String> missing = new ArrayList<>();
    List<String> wanted = new ArrayList<>(table.singles().values());
    wanted.add(table.base());
    if (table.reference() != null) {
      wanted.add(table.reference());
    }
    for (String name : wanted.stream().distinct().toList()) {
      if (!Files.isDirectory(folder(name))) {
        missing.add(name);
      }
    }
    if (!missing.isEmpty()) {
      throw new BenchmarkException(
          "%s needs %s, not in '%s'; to get them: optmerge fetch %s --out '%s'"
              .formatted(
                  table.table(),
                  String.join(", ", missing),
                  models.root(),
                  String.join(" ", missing),
                  models.root()));
    }
  }

  private Path folder(String name) {
    Manifest manifest =
        manifests
            .find(name)
            .orElseThrow(() -> new BenchmarkException("no manifest '%s'".formatted(name)));
    return models.of(manifest);
  }

  /** The titles of the columns, in order. */
  public List<String> columns() {
    return benchmarks.stream().map(one -> one.protocol().title()).toList();
  }

  /** Makes all rows, or takes those that are there. */
  public List<Row> run() {
    List<Row> rows = new ArrayList<>();
    Map<String, String> singles = new LinkedHashMap<>(table.singles());
    int all = singles.size() + table.methods().size() + (table.reference() == null ? 0 : 1);
    for (Map.Entry<String, String> single : singles.entrySet()) {
      listener.row(single.getKey(), rows.size() + 1, all);
      rows.add(single(single.getKey(), single.getValue()));
    }
    for (StudyMerge merge : table.methods()) {
      listener.row(merge.label(), rows.size() + 1, all);
      rows.add(merged(merge));
    }
    String reference = table.reference();
    if (reference != null) {
      String label = table.referenceRow() == null ? reference : table.referenceRow();
      listener.row(label, rows.size() + 1, all);
      rows.add(single(label, reference));
    }
    return rows;
  }

  /** A model as recipes and {@link MultimodalModel#open(String)} name it. */
  private String reference(String name) {
    Path folder = folder(name);
    return LoraAdapter.isAdapter(folder)
        ? "%s+%s".formatted(folder(table.base()), folder)
        : folder.toString();
  }

  private String digest(String reference) {
    return digests.computeIfAbsent(reference, Provenance::ofModel);
  }

  private String origin(String what) {
    return Sha256.of(
        "%s\n%s\n%s".formatted(what, resolved, Sha256.of(String.join("\n", questions()))));
  }

  private List<String> questions() {
    return benchmarks.stream()
        .map(
            one ->
                one.prompt().settings()
                    + digests.computeIfAbsent(
                        "data " + one.name(), any -> one.benchmark().digest()))
        .toList();
  }

  private Row single(String label, String name) {
    String reference = reference(name);
    String origin = origin(digest(reference));
    Row known = known(label, origin);
    if (known != null) {
      return known;
    }
    try (MultimodalModel model = MultimodalModel.open(reference, settings.precision)) {
      return kept(new Row(label, null, judged(label, model, digest(reference)), origin));
    }
  }

  private Row merged(StudyMerge merge) {
    List<String> experts = table.experts().values().stream().map(this::reference).toList();
    StringBuilder all =
        new StringBuilder(
            "%s, %s, %s".formatted(merge.method(), merge.parameters(), table.include()));
    all.append(digest(folder(table.base()).toString()));
    experts.forEach(expert -> all.append(digest(expert)));
    String origin = origin(all.toString());
    Row known = known(merge.label(), origin);
    if (known != null) {
      return known;
    }
    Path base = folder(table.base());
    try (MergePlan plan = merge.plan(base, experts, 0, table.include());
        MultimodalModel model = MultimodalModel.open(base, settings.precision)) {
      MergeSearch.requireWholeIn(plan, model);
      MergedWeights weights = MergedWeights.of(plan);
      MergeSearch.Outcome outcome = search(merge, weights, model, origin);
      double scaling = outcome.best().scaling();
      try (MultimodalModel.Kept original = model.keep(weights.names())) {
        MergeSearch.load(model, weights, scaling);
        return kept(
            new Row(
                merge.label(),
                scaling,
                judged(merge.label(), model, Sha256.of(origin + scaling)),
                origin));
      }
    }
  }

  private MergeSearch.Outcome search(
      StudyMerge merge, MergedWeights weights, MultimodalModel model, String origin) {
    Evaluator choosing =
        Evaluator.together(
            benchmarks.stream().map(one -> one.evaluator(settings.choosing())).toList());
    return new MergeSearch(model, choosing, Grouping.GROUPS, null)
        .search(
            merge.label(),
            weights,
            MergeSearch.PAPER_GRID,
            MergeSearch.BEYOND,
            new MergeSearch.Listener() {
              @Override
              public void tried(MergeSearch.Tried tried) {
                listener.tried(merge.label(), tried);
              }
            },
            (scaling, questions, asked, progress) ->
                new EvaluationFolder(
                        folderOf(merge.label()).resolve("validation").resolve("lambda-" + scaling))
                    .evaluate(
                        questions,
                        merge.label(),
                        Sha256.of(origin + scaling),
                        asked,
                        anew,
                        listener.asking("λ = " + scaling, questions.size())));
  }

  private Map<String, Cell> judged(String label, MultimodalModel model, String origin) {
    Map<String, Cell> cells = new LinkedHashMap<>();
    for (PublishedBenchmark benchmark : benchmarks) {
      PublishedEvaluation evaluation =
          PublishedEvaluation.run(
              benchmark,
              settings.test(),
              new PublishedEvaluation.Asked(key(label), origin, model),
              folderOf(label).resolve(benchmark.name()),
              anew,
              Bootstrap.DEFAULT,
              listener.asking(benchmark.name(), benchmark.evaluator(settings.test()).size()));
      evaluation
          .findings()
          .forEach(found -> listener.finding(label, benchmark.name() + ": " + found));
      Evaluation scored = evaluation.scored();
      if (scored == null) {
        throw new BenchmarkException(
            "%s: its answers are not published".formatted(benchmark.name()));
      }
      Interval interval = scored.overall().interval();
      cells.put(
          benchmark.protocol().title(),
          new Cell(
              scored.paperColumn().isPresent() ? scored.paperColumn().getAsDouble() : null,
              100 * interval.lower(),
              100 * interval.upper(),
              evaluation.items().size(),
              evaluation.notAsked()));
    }
    return cells;
  }

  private static String key(String label) {
    return label.replaceAll("[^A-Za-z0-9.]+", "-").replaceAll("^-|-$", "");
  }

  private Path folderOf(String label) {
    return out.resolve(key(label));
  }

  private @Nullable Row known(String label, String origin) {
    Path file = folderOf(label).resolve("row.json");
    try {
      if (!anew && Files.isRegularFile(file)) {
        Row row = Json.snakeCase().readValue(file.toFile(), Row.class);
        return row != null && origin.equals(row.origin) ? row : null;
      }
      return null;
    } catch (JsonProcessingException e) {
      return null; // damaged: it is made again, from the answers that are kept
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be read".formatted(file), e);
    }
  }

  private Row kept(Row row) {
    try {
      Files.createDirectories(folderOf(row.label));
      AtomicFiles.write(folderOf(row.label).resolve("row.json"), Json.pretty(Json.tree(row)));
      return row;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
