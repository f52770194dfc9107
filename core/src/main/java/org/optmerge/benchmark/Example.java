package org.optmerge.benchmark;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.optmerge.model.media.Media;

/**
 * One question of a benchmark, with all that is needed to ask it and to score the answer.
 *
 * @param id unique in its benchmark; what predictions are matched by
 * @param task the capability or data set it belongs to, such as {@code VQA} or {@code ChartQA_TEST}
 * @param type the kind of question within the task, such as {@code count} or {@code
 *     Audio-Visual/Counting}; what per-category tables are made of; empty if there is but one
 * @param media what the question is about, in the order in which the prompt names them
 * @param question as the data set has it, without a kit's prompt around it
 * @param answers the accepted answers, at least one unless the data set hides them
 * @param fields what else the data set says and a metric needs, such as {@code A} to {@code D} of a
 *     multiple choice, or {@code answer_type}; insertion-ordered
 */
public record Example(
    String id,
    String task,
    String type,
    List<Media> media,
    String question,
    List<String> answers,
    Map<String, String> fields) {
  /** Copies the collections. */
  public Example {
    media = List.copyOf(media);
    answers = List.copyOf(answers);
    fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
  }
}
