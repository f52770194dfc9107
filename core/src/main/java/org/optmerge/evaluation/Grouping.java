package org.optmerge.evaluation;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apiguardian.api.API;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.benchmark.mini.stage.StageQuestionType;

/** The grouping of questions, and the groups that a mean accuracy is over. */
@API(status = API.Status.EXPERIMENTAL)
public enum Grouping {
  /** The mean of the five capabilities that experts are trained for. */
  CAPABILITIES,
  /** The mean of the groups of questions that need two or three modalities, each of some types. */
  MODALITIES,
  /** The mean of all groups. */
  GROUPS,
  /** The mean of all types of questions. */
  TYPES;

  /** As files have it. */
  @JsonValue
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The group that an answer is counted in. */
  String of(Predicted item) {
    return this == MODALITIES || this == TYPES ? item.type() : item.task();
  }

  /**
   * The parts that the mean is over.
   *
   * @param groups those that there are
   * @return names of parts, and the groups that each part consists of
   */
  public Map<String, List<String>> averaged(Collection<String> groups) {
    Map<String, List<String>> parts = new LinkedHashMap<>();
    switch (this) {
      case CAPABILITIES ->
          MiniTask.CAPABILITIES.stream()
              .map(MiniTask::label)
              .filter(groups::contains)
              .forEach(label -> parts.put(label, List.of(label)));
      case MODALITIES -> {
        for (List<StageModality> several :
            List.of(
                List.of(StageModality.VISION, StageModality.AUDIO),
                List.of(StageModality.AUDIO, StageModality.VIDEO),
                List.of(StageModality.VISION, StageModality.VIDEO),
                StageModality.ALL)) {
          parts.put(
              String.join("+", several.stream().map(StageModality::key).toList()),
              needing(several));
        }
      }
      case GROUPS, TYPES -> groups.forEach(group -> parts.put(group, List.of(group)));
    }
    return parts;
  }

  /** The types of questions that need just these modalities. */
  public static List<String> needing(Collection<StageModality> modalities) {
    return StageQuestionType.of(EnumSet.copyOf(modalities)).stream()
        .map(StageQuestionType::key)
        .toList();
  }
}
