package org.optmerge.evaluation;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.benchmark.mini.stage.StageQuestionType;

/**
 * One row of a table of modality merging: a model, what it was given, and which test questions it
 * answered.
 *
 * @param label for tables
 * @param scaling λ that was chosen, or the share of each adapter of a composition; null for a model
 * @param given keys of the modalities it was given
 * @param questions of each type
 * @param correct for each type of question, by its key, the answers as bits of a hexadecimal
 *     number, the first question's the highest of so many; 1 where it was right
 * @param milliseconds a question, on the machine that made the row, in batches
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record StageRow(
    String label,
    @Nullable Double scaling,
    List<String> given,
    int questions,
    Map<String, String> correct,
    double milliseconds) {
  private static final ObjectMapper JSON = JsonMapper.builder().build();

  /** The questions of several modalities, as the columns of tables have them. */
  public static final Map<String, Set<StageModality>> GROUPS = groups();

  /** Copies lists and maps. */
  public StageRow {
    given = List.copyOf(given);
    correct = new LinkedHashMap<>(correct);
  }

  private static Map<String, Set<StageModality>> groups() {
    Map<String, Set<StageModality>> groups = new LinkedHashMap<>();
    groups.put("vision+audio", EnumSet.of(StageModality.VISION, StageModality.AUDIO));
    groups.put("audio+video", EnumSet.of(StageModality.AUDIO, StageModality.VIDEO));
    return groups;
  }

  static StageRow of(
      String label,
      @Nullable Double scaling,
      Set<StageModality> given,
      Map<StageQuestionType, double[]> scores,
      double milliseconds) {
    Map<String, String> correct = new LinkedHashMap<>();
    int questions = 0;
    for (Map.Entry<StageQuestionType, double[]> type : scores.entrySet()) {
      BigInteger bits = BigInteger.ZERO;
      for (double score : type.getValue()) {
        bits = bits.shiftLeft(1).or(score > 0 ? BigInteger.ONE : BigInteger.ZERO);
      }
      questions = type.getValue().length;
      correct.put(type.getKey().key(), bits.toString(16));
    }
    return new StageRow(
        label,
        scaling,
        given.stream().map(StageModality::key).toList(),
        questions,
        correct,
        Math.round(milliseconds * 100) / 100.0);
  }

  /** Scores of a type's questions, 0 or 1. */
  public double[] scores(StageQuestionType type) {
    BigInteger bits = new BigInteger(correct.getOrDefault(type.key(), "0"), 16);
    double[] scores = new double[questions];
    for (int i = 0; i < questions; i++) {
      scores[i] = bits.testBit(questions - 1 - i) ? 1 : 0;
    }
    return scores;
  }

  /** Share of right answers of a type. */
  public double accuracy(StageQuestionType type) {
    return Arrays.stream(scores(type)).average().orElse(Double.NaN);
  }

  /** Scores of all questions that need just these modalities. */
  public double[] scores(Set<StageModality> modalities) {
    return StageQuestionType.of(modalities).stream()
        .map(this::scores)
        .flatMapToDouble(Arrays::stream)
        .toArray();
  }

  /** Share of right answers among all questions that need just these modalities. */
  public double accuracy(Set<StageModality> modalities) {
    return Arrays.stream(scores(modalities)).average().orElse(Double.NaN);
  }

  /** Scores of the questions of several modalities, group by group. */
  public List<double[]> crossModal() {
    return GROUPS.values().stream().map(this::scores).toList();
  }

  /** Share of right answers among questions of several modalities beyond reach. */
  public double beyondReach() {
    return StageQuestionType.ALL.stream()
        .filter(type -> type.isCrossModal() && !type.isWithinReach())
        .mapToDouble(this::accuracy)
        .average()
        .orElse(Double.NaN);
  }

  /** The mean over the groups of questions of several modalities. */
  public double mean() {
    return crossModal().stream()
        .mapToDouble(group -> Arrays.stream(group).average().orElse(Double.NaN))
        .average()
        .orElse(Double.NaN);
  }

  /**
   * For each type of question the row that answers it best, as one row: a chooser who knows the
   * results.
   */
  public static StageRow bestOfEachType(String label, Collection<StageRow> rows) {
    Map<String, String> correct = new LinkedHashMap<>();
    for (StageQuestionType type : StageQuestionType.ALL) {
      StageRow best = null;
      for (StageRow row : rows) {
        best = best == null || row.accuracy(type) > best.accuracy(type) ? row : best;
      }
      if (best == null) {
        throw new IllegalArgumentException("the best of no rows");
      }
      correct.put(type.key(), best.correct.getOrDefault(type.key(), "0"));
    }
    StageRow first = rows.iterator().next();
    return new StageRow(label, null, List.of("one"), first.questions, correct, 0);
  }

  /**
   * Reads rows.
   *
   * @throws BenchmarkException if the file holds something else
   */
  public static List<StageRow> read(Path file) {
    try {
      return JSON.readValue(file.toFile(), new TypeReference<ArrayList<StageRow>>() {});
    } catch (IOException e) {
      throw new BenchmarkException(
          "%s: expected rows of a study of modalities: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** Writes rows, one a line. */
  public static void write(Path file, List<StageRow> rows) {
    try {
      List<String> lines = new ArrayList<>();
      for (StageRow row : rows) {
        lines.add(JSON.writeValueAsString(row));
      }
      Path folder = file.toAbsolutePath().getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      Files.writeString(file, lines.stream().collect(Collectors.joining(",\n", "[\n", "\n]\n")));
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be written".formatted(file), e);
    }
  }
}
