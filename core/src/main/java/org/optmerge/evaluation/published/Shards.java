package org.optmerge.evaluation.published;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.Selection;
import org.optmerge.evaluation.EvaluationFolder;
import org.optmerge.evaluation.Predicted;

/**
 * The parts of an evaluation that several machines made, to be joined: all of them, each once, of
 * one model under the same settings.
 *
 * @param folders of evaluations, each with a folder for each data set
 */
public record Shards(List<Path> folders) {
  private static final Pattern SHARD = Pattern.compile(".* (\\d{1,9})/(\\d{1,9})");

  /** Copies the list. */
  public Shards {
    folders = List.copyOf(folders);
  }

  private record Part(int number, int of, Path folder) {}

  /**
   * Joins the answers to a data set in a new folder.
   *
   * @param selection of the whole
   * @param into the folder for all answers
   * @param anew whether to forget answers that are there
   * @throws BenchmarkException if a part is missing, there twice, unfinished, or of another
   *     evaluation
   */
  public void join(
      PublishedBenchmark benchmark,
      Selection selection,
      PublishedEvaluation.Asked asked,
      Path into,
      boolean anew) {
    TreeMap<Integer, Part> parts = parts(benchmark.name());
    int all = parts.firstEntry().getValue().of();
    List<Predicted> items = new ArrayList<>();
    for (Part part : parts.values()) {
      Selection asks = new Selection(selection.split(), selection.limit(), part.number(), all);
      items.addAll(
          new EvaluationFolder(part.folder())
              .finished(benchmark.evaluator(asks), asked.origin(), asked.model()));
    }
    new EvaluationFolder(into)
        .take(items, benchmark.evaluator(selection), asked.origin(), asked.model(), anew);
  }

  /** The parts by their numbers: from 1 to how many there are, without a gap. */
  private TreeMap<Integer, Part> parts(String benchmark) {
    TreeMap<Integer, Part> parts = new TreeMap<>();
    for (Path folder : folders) {
      Part part = part(folder.resolve(benchmark));
      Part other = parts.put(part.number(), part);
      if (other != null) {
        throw new BenchmarkException(
            "%s and %s are both shard %d/%d"
                .formatted(other.folder(), part.folder(), part.number(), part.of()));
      }
    }
    Part first = parts.firstEntry().getValue();
    for (Part part : parts.values()) {
      if (part.of() != first.of()) {
        throw new BenchmarkException(
            "%s is shard %d/%d, %s is %d/%d: these are parts of different divisions"
                .formatted(
                    first.folder(),
                    first.number(),
                    first.of(),
                    part.folder(),
                    part.number(),
                    part.of()));
      }
    }
    String missing =
        IntStream.rangeClosed(1, first.of())
            .filter(number -> !parts.containsKey(number))
            .mapToObj(number -> "%d/%d".formatted(number, first.of()))
            .collect(Collectors.joining(", "));
    if (!missing.isEmpty()) {
      throw new BenchmarkException(
          "%s: shard %s is not among the folders to join".formatted(benchmark, missing));
    }
    return parts;
  }

  private static Part part(Path folder) {
    String noted =
        new EvaluationFolder(folder)
            .noted(EvaluationFolder.SHARD)
            .orElseThrow(
                () ->
                    new BenchmarkException(
                        "'%s' has no evaluation of a shard; 'optmerge evaluate --shard I/N --out DIR' makes one"
                            .formatted(folder)));
    Matcher shard = SHARD.matcher(noted);
    if (!shard.matches()) {
      throw new BenchmarkException("'%s': no shard is '%s'".formatted(folder, noted));
    }
    return new Part(Integer.parseInt(shard.group(1)), Integer.parseInt(shard.group(2)), folder);
  }
}
