package org.optmerge.evaluation.published;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Suggestion;
import org.optmerge.benchmark.Benchmark;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.Benchmarks;
import org.optmerge.benchmark.KitPrompt;
import org.optmerge.benchmark.Prompts;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.Selection;
import org.optmerge.evaluation.Evaluator;
import org.optmerge.evaluation.FileFormat;
import org.optmerge.evaluation.Protocol;
import org.optmerge.manifest.BenchmarkEntry;
import org.optmerge.manifest.BenchmarkEntry.Kit;
import org.optmerge.manifest.DataFolder;
import org.optmerge.manifest.Manifests;
import org.optmerge.metric.JudgedMetric;
import org.optmerge.metric.Metric;
import org.optmerge.metric.ScoringProfile;

/**
 * A published data set for one family of models: how its kit asks, scores, and writes answers down.
 *
 * @param entry of its manifest
 * @param prompt the kit's for the family
 * @param protocol of its scores
 * @param benchmark the questions
 */
public record PublishedBenchmark(
    BenchmarkEntry entry, KitPrompt prompt, Protocol protocol, Benchmark benchmark) {
  /** The word for all data sets of the paper's tables 2 and 3. */
  public static final String PAPER = "paper";

  /** The data sets of the paper's tables 2 and 3, in the order of their columns. */
  public static final List<Protocol> PAPER_COLUMNS =
      List.of(
          Protocol.VIZWIZ,
          Protocol.GQA,
          Protocol.MATHVISTA,
          Protocol.MATHVISION,
          Protocol.CHARTQA,
          Protocol.TEXTVQA,
          Protocol.OCRVQA,
          Protocol.REFCOCO,
          Protocol.REFCOCO_PLUS,
          Protocol.REFCOCOG);

  /** The rules by which the paper's numbers were made. */
  public static final ScoringProfile PROFILE = ScoringProfile.OPTMERGE_FORK;

  /**
   * The names that a word stands for: {@value #PAPER} for all of the paper's, else itself.
   *
   * @throws BenchmarkException if no kit of the paper asks models of the family so
   */
  public static List<String> names(String family, String word) {
    if (word.equals(PAPER)) {
      return PAPER_COLUMNS.stream().map(column -> ofPaper(family, column)).toList();
    }
    return List.of(name(family, word));
  }

  /** The data set of a column of the paper: the first of its protocol. */
  private static String ofPaper(String family, Protocol column) {
    return names(family).stream()
        .filter(name -> protocol(name).filter(column::equals).isPresent())
        .findFirst()
        .orElseGet(() -> name(family, column.title()));
  }

  /** The names that models of a family can be asked by, besides titles. */
  public static List<String> names(String family) {
    return prompts(family).flatMap(prompt -> prompt.benchmarks().stream()).toList();
  }

  /** The name of its data set that the paper's kit for the family uses. */
  private static String name(String family, String word) {
    List<String> names = names(family);
    if (names.isEmpty()) {
      throw new BenchmarkException(
          "no kit of the paper asks models of the family %s; --prompts names one that it does ask: %s"
              .formatted(
                  family,
                  Prompts.all().stream()
                      .map(KitPrompt::model)
                      .distinct()
                      .collect(Collectors.joining(", "))));
    }
    if (names.contains(word)) {
      return word;
    }
    return names.stream()
        .filter(name -> protocol(name).filter(of -> isTitle(of, word)).isPresent())
        .findFirst()
        .or(() -> names.stream().filter(word::equalsIgnoreCase).findFirst())
        .orElseThrow(
            () ->
                new BenchmarkException(
                    "no benchmark '%s' that the paper's kits ask models of the family %s%s; there are %s"
                        .formatted(
                            word,
                            family,
                            Suggestion.forWord(word, names),
                            String.join(", ", names))));
  }

  private static boolean isTitle(Protocol protocol, String word) {
    return protocol.title().equalsIgnoreCase(word)
        || protocol.title().replace("-", "").equalsIgnoreCase(word);
  }

  private static Stream<KitPrompt> prompts(String family) {
    return Prompts.all().stream().filter(prompt -> prompt.model().equals(family));
  }

  private static Optional<Protocol> protocol(String name) {
    try {
      return Optional.of(Protocol.named(name));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /**
   * Opens a data set.
   *
   * @param family of the models, such as {@code internvl2_5}
   * @param name as {@link #names} gives it
   * @param data where fetched files are
   * @throws BenchmarkException if it is not known, its files are not there, or no metric is known
   */
  public static PublishedBenchmark open(String family, String name, DataFolder data) {
    String known = name(family, name);
    Manifests manifests = Manifests.of(data);
    BenchmarkEntry entry =
        manifests
            .findBenchmark(known)
            .orElseThrow(() -> new BenchmarkException("no manifest has benchmark " + known));
    KitPrompt prompt = Prompts.find(family, known).orElseThrow();
    Protocol protocol =
        protocol(known)
            .orElseThrow(() -> new BenchmarkException("no metric is known for " + known));
    return new PublishedBenchmark(
        entry,
        prompt,
        protocol,
        new DescribedBenchmark(
            Benchmarks.open(known, manifests, data),
            protocol.report() == Protocol.Report.GROUNDING));
  }

  /** Its name, as the kit calls it. */
  public String name() {
    return entry.name();
  }

  /** The form of the kit's prediction files. */
  public FileFormat format() {
    if (entry.kit() == Kit.LMMS_EVAL) {
      return FileFormat.LMMS_EVAL;
    }
    if (entry.kit() == Kit.INTERNVL) {
      return protocol.report() == Protocol.Report.GROUNDING
          ? FileFormat.INTERNVL_GROUNDING
          : FileFormat.INTERNVL_VQA;
    }
    return FileFormat.VLMEVALKIT;
  }

  /** True if a judge would be needed for all of the score: what we have is a lower bound. */
  public boolean isLowerBound() {
    return protocol.metric(PROFILE, format()) instanceof JudgedMetric;
  }

  /** True if the answers are not published, so that there is nothing to score. */
  public boolean hidesAnswers() {
    try (Stream<Benchmark.Numbered> questions = benchmark.numbered()) {
      return questions
          .map(Benchmark.Numbered::question)
          .filter(question -> question.fault().isEmpty())
          .findFirst()
          .map(Question::answers)
          .filter(List::isEmpty)
          .isPresent();
    }
  }

  private @Nullable Metric metric() {
    if (hidesAnswers()) {
      return null;
    }
    Metric metric = protocol.metric(PROFILE, format());
    return metric instanceof JudgedMetric judged ? new LowerBound(judged) : metric;
  }

  /** The same with answers of so many tokens at most, which is not as the kit has it. */
  public PublishedBenchmark withMaxNewTokens(int tokens) {
    return new PublishedBenchmark(entry, prompt.withMaxNewTokens(tokens), protocol, benchmark);
  }

  /**
   * What is missing from the questions that are asked for: a data set that was cut short between
   * two rows is whole by its form. Empty if nothing is known to be missing, or not asked for.
   */
  public Optional<String> missing(Selection selection) {
    Long published = entry.examples();
    long here = benchmark.size();
    if (published == null || here >= published || selection.of(here) == selection.of(published)) {
      return Optional.empty();
    }
    return Optional.of(
        String.format(
            Locale.ROOT,
            "%s has %,d questions here, %,d by its manifest: its file is cut short, or a part of it",
            name(),
            here,
            published));
  }

  /**
   * Refuses data sets from which something that is asked for is missing.
   *
   * @param partial whether a part is meant: nothing is refused then
   * @throws BenchmarkException if something is; all are named
   */
  public static void requireWhole(
      List<PublishedBenchmark> benchmarks, Selection selection, boolean partial) {
    if (partial) {
      return;
    }
    List<PublishedBenchmark> cut =
        benchmarks.stream().filter(one -> one.missing(selection).isPresent()).toList();
    if (!cut.isEmpty()) {
      throw new BenchmarkException(
          "%s; to get it whole: optmerge fetch %s, into the same folder; if a part is meant: --partial"
              .formatted(
                  cut.stream()
                      .map(one -> one.missing(selection).orElseThrow())
                      .collect(Collectors.joining("; ")),
                  cut.stream()
                      .map(one -> "'%s'".formatted(one.name()))
                      .collect(Collectors.joining(" "))));
    }
  }

  /** An evaluator of some of its questions. */
  public Evaluator evaluator(Selection selection) {
    return Evaluator.ofKit(benchmark, selection, prompt, metric());
  }

  /** The file name that the kit would give to a model's answers. */
  Path file(Path folder, String model) {
    String stem = "%s_%s".formatted(model, name());
    return folder.resolve(
        switch (format()) {
          case LMMS_EVAL -> "%s_samples_%s.jsonl".formatted(model, name());
          case INTERNVL_GROUNDING, INTERNVL_VQA -> stem + ".json";
          default -> stem + ".xlsx";
        });
  }
}
