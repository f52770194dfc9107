package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.benchmark.mini.stage.StageQuestionType;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Interval;
import org.optmerge.evaluation.StageEvaluator;
import org.optmerge.model.OmniConfig;
import org.optmerge.model.OmniModel;

/**
 * {@code optmerge evaluate} for a model of picture, sound and film.
 *
 * @param model a folder, or BASE+ADAPTER
 * @param given the modalities that it gets
 */
record OmniEvaluation(String model, Set<StageModality> given) {
  /** Copies the set. */
  OmniEvaluation {
    given = given.isEmpty() ? EnumSet.noneOf(StageModality.class) : EnumSet.copyOf(given);
  }

  /** True if a model folder, or the base of BASE+ADAPTER, is such a model. */
  static boolean isOf(String model) {
    return OmniConfig.describes(base(model));
  }

  private static Path base(String model) {
    int plus = model.indexOf('+');
    return Path.of(plus < 0 || Files.exists(Path.of(model)) ? model : model.substring(0, plus));
  }

  private static @Nullable Path adapter(String model) {
    int plus = model.indexOf('+');
    return plus < 0 || Files.exists(Path.of(model)) ? null : Path.of(model.substring(plus + 1));
  }

  /** Asks every type of question so many times. */
  Map<StageQuestionType, double[]> scores(MiniSplit split, int perType) {
    StageEvaluator evaluator = new StageEvaluator(split, StageQuestionType.ALL, perType);
    try (OmniModel opened = OmniModel.open(base(model))) {
      Path adapter = adapter(model);
      if (adapter != null) {
        opened.apply(adapter);
      }
      return evaluator.evaluate(opened, StageQuestionType.ALL, given, StageEvaluator.Form.FEATURES);
    }
  }

  /** A table with one line for each type. */
  static List<List<String>> lines(Map<StageQuestionType, double[]> scores) {
    List<List<String>> lines = new ArrayList<>();
    scores.forEach(
        (type, of) -> {
          Interval interval = Bootstrap.DEFAULT.mean(of).times(100);
          lines.add(
              List.of(
                  type.key(),
                  String.join("+", type.modalities().stream().map(StageModality::key).toList()),
                  type.aspect(),
                  String.format(Locale.ROOT, "%.1f", interval.mean()),
                  String.format(Locale.ROOT, "[%.1f, %.1f]", interval.lower(), interval.upper())));
        });
    return lines;
  }

  /** The same as an object. */
  static ObjectNode json(Map<StageQuestionType, double[]> scores) {
    ObjectNode node = Console.object();
    scores.forEach(
        (type, of) -> node.put(type.key(), Arrays.stream(of).average().orElse(Double.NaN)));
    return node;
  }
}
