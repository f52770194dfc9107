package org.optmerge.cli;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.Selection;
import org.optmerge.evaluation.Evaluator;
import org.optmerge.evaluation.Grouping;
import org.optmerge.evaluation.published.PublishedBenchmark;
import org.optmerge.manifest.DataFolder;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options of published data sets. */
final class PublishedOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description =
          "The folder of fetched data sets (default: $OPTMERGE_DATA, else ~/.cache/optmerge).")
  private @Nullable Path data;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "The first N questions of each published data set (default: all).")
  private @Nullable Long limit;

  @Option(
      names = "--partial",
      description =
          "Score a data set's file that has fewer questions than its manifest says (default: it is"
              + " refused).")
  private boolean partial;

  @Option(
      names = "--shard",
      paramLabel = "I/N",
      description = "The I-th of N parts of the questions, for several machines.")
  private @Nullable String shard;

  @Option(
      names = "--prompts",
      paramLabel = "FAMILY",
      description =
          "Ask as the kits ask this family of models (default: the model's own), such as qwen2_vl.")
  private @Nullable String prompts;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description = "Cut answers off after N tokens (default: as the kit does).")
  private @Nullable Integer maxNewTokens;

  /** Refuses what can be refused before a model is opened. */
  void check(boolean published) {
    if (!published) {
      for (String option :
          List.of("--data", "--limit", "--partial", "--shard", "--prompts", "--max-new-tokens")) {
        if (spec.commandLine().getParseResult().hasMatchedOption(option)) {
          throw wrong("%s belongs to published data sets".formatted(option));
        }
      }
    }
    Subcommand.requirePositive(spec, "--max-new-tokens", maxNewTokens == null ? 1 : maxNewTokens);
    selection(Selection.Split.ALL);
  }

  /** Which questions. */
  Selection selection(Selection.Split split) {
    if (limit != null && limit < 1) {
      throw wrong("--limit must be at least 1, is " + limit);
    }
    long most = limit == null ? Long.MAX_VALUE : limit;
    if (shard == null) {
      return new Selection(split, most, 1, 1);
    }
    String[] parts = shard.split("/", -1);
    try {
      return new Selection(split, most, Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
    } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
      throw new ParameterException(
          spec.commandLine(), "--shard: expected such as 1/4, came '%s'".formatted(shard), e);
    }
  }

  /**
   * The data sets that names stand for.
   *
   * @param asked of each; if one of them is missing, it is refused
   */
  List<PublishedBenchmark> open(String modelFamily, List<String> names, Selection asked) {
    String family = prompts == null ? modelFamily : prompts;
    DataFolder folder =
        data == null ? DataFolder.ofEnvironment(System.getenv()) : new DataFolder(data);
    List<PublishedBenchmark> benchmarks =
        names.stream()
            .flatMap(name -> named(family, name).stream())
            .distinct()
            .map(name -> PublishedBenchmark.open(family, name, folder))
            .map(one -> maxNewTokens == null ? one : one.withMaxNewTokens(maxNewTokens))
            .toList();
    PublishedBenchmark.requireWhole(benchmarks, asked, partial);
    return benchmarks;
  }

  /** Questions of data sets that choose λ, together. */
  QuestionSource.Chosen chosen(String modelFamily, List<String> names, Selection.Split split) {
    Selection selection = selection(split);
    List<PublishedBenchmark> benchmarks = open(modelFamily, names, selection);
    List<String> hidden =
        benchmarks.stream()
            .filter(PublishedBenchmark::hidesAnswers)
            .map(PublishedBenchmark::name)
            .toList();
    if (!hidden.isEmpty()) {
      throw wrong(
          "%s: the answers are not published, so that nothing can be chosen by them"
              .formatted(String.join(", ", hidden)));
    }
    return new QuestionSource.Chosen(
        String.join(", ", names),
        split.key(),
        "",
        Evaluator.together(benchmarks.stream().map(one -> one.evaluator(selection)).toList()),
        Grouping.GROUPS,
        Grouping.GROUPS,
        "data set");
  }

  private List<String> named(String family, String name) {
    try {
      return PublishedBenchmark.names(family, name);
    } catch (BenchmarkException e) {
      throw new ParameterException(
          spec.commandLine(),
          e.getMessage()
              + "; and mini, mini:TASK, stage, stage:TYPE of the miniature, or --questions",
          e);
    }
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
