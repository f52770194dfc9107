package org.optmerge.evaluation;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Json;
import org.optmerge.benchmark.BenchmarkException;

/**
 * One row of a table: a model or a merge, and which questions it answered correctly.
 *
 * @param label for tables
 * @param scaling λ that was chosen, or the share of each adapter of a composition; null for a model
 * @param curve mean accuracy on the validation questions by λ; empty for a model
 * @param given the modalities it was given, if they are told apart
 * @param grouping of the questions
 * @param right for each group one digit for each question, in their order: how many models answered
 *     it correctly
 * @param graded for each group whose scores are not all 0 or 1 the score of each question, in their
 *     order; {@code right} counts those that are wholly right
 * @param heldOut for each group one character for each question, {@code 1} where its type was held
 *     out from training; empty if that is not told
 * @param milliseconds a question, on the machine that made the row; null if that was not measured
 * @param made what the row follows from; null if that was not noted
 * @param models how many models' answers the digits count
 */
@API(status = API.Status.EXPERIMENTAL)
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record AnswerSheet(
    String label,
    @Nullable Double scaling,
    Map<String, Double> curve,
    List<String> given,
    Grouping grouping,
    @JsonSerialize(contentConverter = PackedBits.Writer.class)
        @JsonDeserialize(contentConverter = PackedBits.Reader.class)
        Map<String, String> right,
    Map<String, List<Double>> graded,
    @JsonSerialize(contentConverter = PackedBits.Writer.class)
        @JsonDeserialize(contentConverter = PackedBits.Reader.class)
        Map<String, String> heldOut,
    @Nullable Double milliseconds,
    @Nullable Provenance made,
    @JsonIgnore int models) {
  /** More would need another digit for each question. */
  private static final int MOST_MODELS = 9;

  /** Completes what a file leaves out because it is empty. */
  public AnswerSheet {
    curve = Objects.requireNonNullElse(curve, Map.of());
    given = Objects.requireNonNullElse(given, List.of());
    graded = Objects.requireNonNullElse(graded, Map.of());
    heldOut = Objects.requireNonNullElse(heldOut, Map.of());
    models = Math.max(1, models);
  }

  /** Of a model's answers. */
  public static AnswerSheet of(ModelEvaluation evaluation, Grouping grouping) {
    Map<String, String> right = new LinkedHashMap<>();
    Map<String, List<Double>> graded = new LinkedHashMap<>();
    evaluation
        .scores(grouping)
        .forEach(
            (group, scores) -> {
              if (Arrays.stream(scores).anyMatch(score -> score != 0 && score != 1)) {
                graded.put(group, Arrays.stream(scores).boxed().toList());
              }
            });
    Map<String, String> heldOut = new LinkedHashMap<>();
    for (Predicted item : evaluation.items()) {
      String group = grouping.of(item);
      right.merge(group, item.isRight() ? "1" : "0", String::concat);
      heldOut.merge(group, item.field("heldOut").equals("true") ? "1" : "0", String::concat);
    }
    return new AnswerSheet(
        evaluation.model(),
        null,
        Map.of(),
        grouping == Grouping.MODALITIES ? evaluation.presentation().modalities() : List.of(),
        grouping,
        right,
        graded,
        grouping == Grouping.CAPABILITIES ? heldOut : Map.of(),
        null,
        null,
        1);
  }

  /** This sheet with the λ that was chosen, and what else was tried. */
  AnswerSheet searched(double chosen, Map<String, Double> tried) {
    return new AnswerSheet(
        label, chosen, tried, given, grouping, right, graded, heldOut, milliseconds, made, models);
  }

  AnswerSheet measured(@Nullable Double time) {
    return new AnswerSheet(
        label, scaling, curve, given, grouping, right, graded, heldOut, time, made, models);
  }

  AnswerSheet madeFrom(@Nullable Provenance provenance) {
    return new AnswerSheet(
        label,
        scaling,
        curve,
        given,
        grouping,
        right,
        graded,
        heldOut,
        milliseconds,
        provenance,
        models);
  }

  private AnswerSheet withAnswers(
      String name,
      @Nullable Double chosen,
      Map<String, String> answers,
      Map<String, List<Double>> scores) {
    return new AnswerSheet(
        name, chosen, curve, given, grouping, answers, scores, heldOut, null, null, models);
  }

  /**
   * The mean of one row over several seeds: each question's score is the share of the seeds whose
   * model answered it. Its intervals are those of the questions, with the seeds as they are.
   *
   * @param seeds rows of one label on the same questions; at least one, at most nine
   * @throws IllegalArgumentException if they are not
   */
  public static AnswerSheet mean(List<AnswerSheet> seeds) {
    if (seeds.isEmpty() || seeds.size() > MOST_MODELS) {
      throw new IllegalArgumentException(
          "a mean is of 1 to %d rows, not %d".formatted(MOST_MODELS, seeds.size()));
    }
    AnswerSheet first = seeds.get(0);
    Map<String, String> right = new LinkedHashMap<>();
    first.right.forEach(
        (group, answers) -> {
          char[] sum = answers.toCharArray();
          for (AnswerSheet other : seeds.subList(1, seeds.size())) {
            String more = other.right.getOrDefault(group, "");
            if (more.length() != sum.length || !other.label.equals(first.label)) {
              throw new IllegalArgumentException(
                  "'%s' and '%s' did not answer the same questions of %s"
                      .formatted(first.label, other.label, group));
            }
            for (int i = 0; i < sum.length; i++) {
              sum[i] += (char) (more.charAt(i) - '0');
            }
          }
          right.put(group, new String(sum));
        });
    Map<String, List<Double>> graded = new LinkedHashMap<>();
    for (String group : first.right.keySet()) {
      if (seeds.stream().anyMatch(seed -> seed.graded.containsKey(group))) {
        double[] sum = new double[first.scores(group).length];
        for (AnswerSheet seed : seeds) {
          double[] scores = seed.scores(group);
          Arrays.setAll(sum, i -> sum[i] + scores[i]);
        }
        graded.put(group, Arrays.stream(sum).map(all -> all / seeds.size()).boxed().toList());
      }
    }
    List<Double> scalings =
        seeds.stream().map(AnswerSheet::scaling).filter(Objects::nonNull).distinct().toList();
    return new AnswerSheet(
        first.label,
        scalings.size() == 1 ? scalings.get(0) : null,
        Map.of(),
        first.given,
        first.grouping,
        right,
        graded,
        first.heldOut,
        null,
        null,
        seeds.size());
  }

  /** For each group the row that answers it best, as one row: a chooser who knows the results. */
  public static AnswerSheet bestOfEachGroup(String label, List<AnswerSheet> rows) {
    Map<String, String> right = new LinkedHashMap<>();
    Map<String, List<Double>> graded = new LinkedHashMap<>();
    for (String group : rows.get(0).right.keySet()) {
      AnswerSheet best = rows.get(0);
      for (AnswerSheet row : rows) {
        best = row.accuracy(group) > best.accuracy(group) ? row : best;
      }
      right.put(group, best.right.getOrDefault(group, ""));
      List<Double> scores = best.graded.get(group);
      if (scores != null) {
        graded.put(group, scores);
      }
    }
    return rows.get(0).withAnswers(label, null, right, graded);
  }

  /**
   * This sheet with the first questions of each group only, to be compared with a model that was
   * asked no more.
   *
   * @throws IllegalArgumentException if it is none, or a group has fewer
   */
  public AnswerSheet first(int questions) {
    Map<String, String> first = new LinkedHashMap<>();
    Map<String, List<Double>> scores = new LinkedHashMap<>();
    right.forEach(
        (group, digits) -> {
          if (questions < 1 || questions > digits.length()) {
            throw new IllegalArgumentException(
                "%s has %d questions, not %d".formatted(group, digits.length(), questions));
          }
          first.put(group, digits.substring(0, questions));
        });
    graded.forEach((group, all) -> scores.put(group, all.subList(0, questions)));
    return withAnswers(label, scaling, first, scores);
  }

  /**
   * The share of questions of the mean's groups that this row and another have both right or both
   * wrong.
   *
   * @throws IllegalArgumentException if they were not asked equally many
   */
  public double agreement(AnswerSheet other) {
    List<double[]> mine = averaged();
    List<double[]> theirs = other.averaged();
    double same = 0;
    double count = 0;
    for (int t = 0; t < mine.size(); t++) {
      if (mine.get(t).length != theirs.get(t).length) {
        throw new IllegalArgumentException(
            "'%s' and '%s' were not asked the same questions".formatted(label, other.label));
      }
      for (int i = 0; i < mine.get(t).length; i++) {
        same += mine.get(t)[i] == theirs.get(t)[i] ? 1 : 0;
        count++;
      }
    }
    return same / count;
  }

  /**
   * Scores of a group's questions: what the metric gave; of several models their mean, which of
   * answers that are right or wrong is the share that was right.
   */
  public double[] scores(String group) {
    return scores(List.of(group));
  }

  /** Scores of the questions of several groups, one group after the other. */
  public double[] scores(Collection<String> groups) {
    return groups.stream()
        .flatMapToDouble(
            group -> {
              List<Double> scores = graded.get(group);
              return scores != null
                  ? scores.stream().mapToDouble(score -> score)
                  : right
                      .getOrDefault(group, "")
                      .chars()
                      .mapToDouble(digit -> (double) (digit - '0') / models);
            })
        .toArray();
  }

  /** The mean score of a group: of answers that are right or wrong the share of right ones. */
  public double accuracy(String group) {
    return ModelEvaluation.mean(scores(group));
  }

  /** The share of right answers among the questions of several groups. */
  public double accuracy(Collection<String> groups) {
    return ModelEvaluation.mean(scores(groups));
  }

  /** Scores of each part that the mean is over. */
  public List<double[]> averaged() {
    return grouping.averaged(right.keySet()).values().stream().map(this::scores).toList();
  }

  /** The mean accuracy, as the grouping says. */
  public double mean() {
    return averaged().stream().mapToDouble(ModelEvaluation::mean).average().orElse(Double.NaN);
  }

  /** The mean over the mean's parts of the accuracy on types that were held out. */
  public double newSkills() {
    List<Double> means = new ArrayList<>();
    for (List<String> groups : grouping.averaged(right.keySet()).values()) {
      double sum = 0;
      double count = 0;
      for (String group : groups) {
        double[] scores = scores(group);
        String mask = heldOut.getOrDefault(group, "0".repeat(scores.length));
        for (int i = 0; i < scores.length; i++) {
          int held = mask.charAt(i) - '0';
          sum += scores[i] * held;
          count += held;
        }
      }
      if (count > 0) {
        means.add(sum / count);
      }
    }
    return means.stream().mapToDouble(it -> it).average().orElse(Double.NaN);
  }

  /**
   * Rows of a file, by their keys; none if the file is not there.
   *
   * @throws BenchmarkException if the file holds something else
   */
  public static Map<String, AnswerSheet> read(Path file) {
    if (!Files.exists(file)) {
      return new LinkedHashMap<>();
    }
    try {
      Map<String, AnswerSheet> rows =
          Json.plain()
              .readValue(file.toFile(), new TypeReference<LinkedHashMap<String, AnswerSheet>>() {});
      if (rows == null || rows.containsValue(null)) {
        throw new BenchmarkException(
            "%s: expected rows of an earlier study, there is none or an empty one; delete the file to begin anew"
                .formatted(file));
      }
      return rows;
    } catch (JsonProcessingException e) {
      throw new BenchmarkException(
          "%s: expected rows of an earlier study, line %d is none; delete the file to begin anew"
              .formatted(file, e.getLocation() == null ? 1 : e.getLocation().getLineNr()),
          e);
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be read".formatted(file), e);
    }
  }

  /**
   * Writes rows, one a line, so that a changed row is a changed line in version control. The file
   * is replaced as a whole or not at all.
   */
  public static void write(Map<String, AnswerSheet> rows, Path file) {
    String lines =
        rows.entrySet().stream()
            .map(row -> Json.line(row.getKey()) + ": " + Json.line(row.getValue()))
            .collect(Collectors.joining(",\n", "{\n", "\n}\n"));
    try {
      AtomicFiles.write(file, lines);
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be written".formatted(file), e);
    }
  }
}
